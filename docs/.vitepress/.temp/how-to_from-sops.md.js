import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Come from sops or helm-secrets","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/from-sops.md","filePath":"how-to/from-sops.md"}');
const _sfc_main = { name: "how-to/from-sops.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="come-from-sops-or-helm-secrets" tabindex="-1">Come from sops or helm-secrets <a class="header-anchor" href="#come-from-sops-or-helm-secrets" aria-label="Permalink to &quot;Come from sops or helm-secrets&quot;">​</a></h1><p><code>vault deploy</code> reads YAML and JSON files that sops encrypted. Nothing has to change: name them as layers of values.</p><pre><code>vault deploy init          # finds values and secrets, and writes deploy.yaml
git add deploy.yaml &amp;&amp; git commit -m &quot;Describe the deployment&quot;
vault deploy check
vault deploy plan prod
</code></pre><p>It decrypts in memory with the private keys that sops would use: age identities (<code>$SOPS_AGE_KEY</code>, <code>$SOPS_AGE_KEY_FILE</code>), SSH keys, and gpg. Keys of a cloud are asked for by the installed <code>sops</code>, and only if you name them with <code>--cloud-key</code>. See <a href="./../deploy/keys.html#layers-of-sops">Layers of sops</a>.</p><p>To encrypt with git-crypt from now on instead:</p><pre><code>vault init &#39;secrets/**&#39;
sops --decrypt --in-place secrets/prod.yaml
git add secrets &amp;&amp; git commit -m &quot;Encrypt by git-crypt&quot;
vault status
</code></pre><p>A file can be of sops or of git-crypt, not both. A repository may hold files of each.</p><p>What differs: sops encrypts values and leaves keys readable in a diff; git-crypt encrypts whole files, and shows a readable diff in an unlocked clone. <a href="./../why/comparison.html">Comparison</a> has more.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/from-sops.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const fromSops = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  fromSops as default
};
