import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"git-vault","description":"","frontmatter":{},"headers":[],"relativePath":"index.md","filePath":"index.md"}');
const _sfc_main = { name: "index.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="git-vault" tabindex="-1">git-vault <a class="header-anchor" href="#git-vault" aria-label="Permalink to &quot;git-vault&quot;">​</a></h1><p>Hand a repository&#39;s secrets to the right people, and deploy from them.</p><pre><code>vault share --to choldgraf        # seals the repository&#39;s key to his SSH keys on GitHub: text for any chat
vault unlock                      # he opens it with the key that he has, and reads the files
</code></pre><ul><li><strong><a href="./start/share-a-key.html">Share a key in five minutes</a>.</strong> The receiver needs no account with us, no new key, and not even <code>vault</code>: <a href="./how-to/open-without-vault.html">age</a> opens it too.</li><li><strong><a href="./start/encrypt-a-repository.html">Encrypt a repository</a>.</strong> Files are encrypted as git-crypt does it. A signed log in the repository says who has the keys.</li><li><strong><a href="./start/deploy.html">Deploy from one</a>.</strong> Check, plan and apply Helm releases from a locked clone. Secrets are decrypted in memory only.</li></ul><h2 id="find-your-task" tabindex="-1">Find your task <a class="header-anchor" href="#find-your-task" aria-label="Permalink to &quot;Find your task&quot;">​</a></h2><table tabindex="0"><thead><tr><th>you want to</th><th>page</th></tr></thead><tbody><tr><td>let a colleague in</td><td><a href="./how-to/add-a-colleague.html">Add a colleague</a></td></tr><tr><td>take someone out</td><td><a href="./how-to/someone-left.html">Someone left</a></td></tr><tr><td>react to a stolen laptop</td><td><a href="./how-to/lost-laptop.html">A laptop was lost or stolen</a></td></tr><tr><td>get a secret from someone without a tool</td><td><a href="./page.html">Seal in the browser</a></td></tr><tr><td>open a message that you got, without <code>vault</code></td><td><a href="./how-to/open-without-vault.html">Open a message</a></td></tr><tr><td>use the secrets in CI</td><td><a href="./how-to/ci-github.html">GitHub</a>, <a href="./how-to/ci-gitlab.html">GitLab</a>, <a href="./how-to/ci-forgejo.html">Forgejo</a></td></tr><tr><td>come from another tool</td><td><a href="./how-to/from-git-crypt.html">git-crypt</a>, <a href="./ssh-vault.html">ssh-vault</a>, <a href="./how-to/from-sops.html">sops</a>, <a href="./how-to/from-deploy-py.html">a deploy script</a></td></tr><tr><td>repair a clone</td><td><a href="./how-to/mend-a-clone.html">Mend a clone</a></td></tr><tr><td>know whether to trust it</td><td><a href="./threat-model.html">Threat model</a></td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("index.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const index = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  index as default
};
