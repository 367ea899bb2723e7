import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"With colleagues who use git-crypt","description":"","frontmatter":{},"headers":[],"relativePath":"with-git-crypt.md","filePath":"with-git-crypt.md"}');
const _sfc_main = { name: "with-git-crypt.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="with-colleagues-who-use-git-crypt" tabindex="-1">With colleagues who use git-crypt <a class="header-anchor" href="#with-colleagues-who-use-git-crypt" aria-label="Permalink to &quot;With colleagues who use git-crypt&quot;">​</a></h1><p>Some of a team can use <code>vault</code> and others git-crypt, in the same repository. What git-crypt does not know is a replaced key: this page leads its users through a rotation.</p><h2 id="what-the-one-who-rotates-does" tabindex="-1">What the one who rotates does <a class="header-anchor" href="#what-the-one-who-rotates-does" aria-label="Permalink to &quot;What the one who rotates does&quot;">​</a></h2><pre><code>vault rotate                        # or: vault revoke dave
git push
vault share --to carol -o message.txt
</code></pre><p>Who will have the new key is shown first. Without a terminal each member whom you never met, or whose key is not on their account, needs <code>--keep NAME</code>.</p><p><code>vault share</code> seals the new key to the SSH keys of carol on GitHub. She needs no <code>vault</code> to open it:</p><pre><code>age -d -i ~/.ssh/id_ed25519 message.txt &gt; ../new-key
</code></pre><p>Colleagues with an OpenPGP key in the members log (<code>vault grant --gpg carol</code>) need no message: the commit holds a new copy for them.</p><h2 id="what-a-colleague-with-git-crypt-does" tabindex="-1">What a colleague with git-crypt does <a class="header-anchor" href="#what-a-colleague-with-git-crypt-does" aria-label="Permalink to &quot;What a colleague with git-crypt does&quot;">​</a></h2><p>Commit or stash your edits first, and push commits that change protected files before the rotation arrives. Then, in this order:</p><pre><code>git-crypt lock
git pull
git-crypt unlock ../new-key         # with an OpenPGP key: git-crypt unlock
</code></pre><p>Without <code>git-crypt lock</code> the pull stops in its middle, since the old key does not open the new files. Then:</p><pre><code>git clean -f -d -q .git-vault       # what the pull left behind, and what it removed
git ls-files -z --deleted | xargs -0 git restore
git stash --include-untracked       # what you had changed
git-crypt lock --force
git pull
git-crypt unlock ../new-key
git stash pop
</code></pre><h2 id="what-is-different-afterwards" tabindex="-1">What is different afterwards <a class="header-anchor" href="#what-is-different-afterwards" aria-label="Permalink to &quot;What is different afterwards&quot;">​</a></h2><ul><li>git-crypt cannot check out commits from before the rotation: it knows one key. <code>vault unlock</code> takes the older keys along.</li><li>What is committed with the old key after the rotation, such as by a colleague who has not pulled yet, <code>vault status</code> names as <code>retired-key</code>. <code>vault status --fix</code> encrypts it with the new key.</li><li>Anyone who had the old key can still read what was encrypted with it. <code>vault rotate</code> lists the files whose secrets you must change.</li></ul></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("with-git-crypt.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const withGitCrypt = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  withGitCrypt as default
};
