import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Come from git-crypt with GPG","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/from-git-crypt.md","filePath":"how-to/from-git-crypt.md"}');
const _sfc_main = { name: "how-to/from-git-crypt.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="come-from-git-crypt-with-gpg" tabindex="-1">Come from git-crypt with GPG <a class="header-anchor" href="#come-from-git-crypt-with-gpg" aria-label="Permalink to &quot;Come from git-crypt with GPG&quot;">​</a></h1><p>Nothing in the repository has to change. <code>vault</code> uses git-crypt&#39;s keys, files and settings, and your colleagues can go on with git-crypt.</p><p>You need an SSH key on your GitHub account, because the members log is signed with one. If you have none, run <code>ssh-keygen -t ed25519</code> and add the public half to the account. Your colleagues need none.</p><p><strong>1. Unlock with your OpenPGP key.</strong> <code>vault</code> asks the installed gpg:</p><pre><code>vault unlock
</code></pre><p><strong>2. Let everyone in who has the key today.</strong> Your first <code>vault grant</code> starts the members log, with you as its first member, and asks for your user name on GitHub:</p><pre><code>vault grant --gpg alice                         # yourself: your OpenPGP keys on the account
vault grant --gpg choldgraf                     # a colleague
gpg --export 9F2C… &gt; bob.gpg
vault grant --gpg ./bob.gpg                     # a key that is on no account
vault grant choldgraf                           # SSH keys, for those who want to stop using gpg
git push
</code></pre><p>With an OpenPGP key alone a colleague is a reader: they open the key, and cannot let others in. With an SSH key they are an admin.</p><p><strong>3. See whose copies are left.</strong></p><pre><code>vault status
</code></pre><p>From now on it names each <code>.gpg</code> file in <code>.git-crypt</code> that the members log does not know, with exit code 7. The name of the file is the fingerprint of a key: <code>gpg --list-keys 9F2C…</code> says whose.</p><p><strong>4. Remove the copies that nobody should have</strong>, and replace the key:</p><pre><code>git rm .git-crypt/keys/default/0/….gpg
git commit -m &quot;Remove a former colleague&quot;
vault rotate
git push
</code></pre><p>Those who stay with git-crypt need <a href="./../with-git-crypt.html">their order of commands</a> once.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/from-git-crypt.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const fromGitCrypt = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  fromGitCrypt as default
};
