import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Add or change a secret of production","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/change-a-secret.md","filePath":"how-to/change-a-secret.md"}');
const _sfc_main = { name: "how-to/change-a-secret.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="add-or-change-a-secret-of-production" tabindex="-1">Add or change a secret of production <a class="header-anchor" href="#add-or-change-a-secret-of-production" aria-label="Permalink to &quot;Add or change a secret of production&quot;">​</a></h1><p>In an unlocked clone, edit the encrypted file and commit it:</p><pre><code>$EDITOR secrets/config/prod.yaml
git commit -am &quot;New database password&quot;
</code></pre><p>Then ask which file sets the value, and what it overrides:</p><pre><code>vault deploy values prod --explain hub.config.password
</code></pre><p>The path is that of your key in the file. Secret values are not shown.</p><p>A new file must be one that git encrypts and that <code>deploy.yaml</code> names as a layer of <code>prod</code>. <code>vault status</code> lists it as encrypted, and <code>vault deploy values prod</code> shows its keys.</p><p>Check it and see what would change:</p><pre><code>vault deploy check
vault deploy plan prod --output plan.json
</code></pre><p>The plan says <em>that</em> the secret changes, not what it is. Deploy exactly this plan:</p><pre><code>vault deploy apply prod --plan plan.json
</code></pre><p><code>vault deploy</code> reads what is committed, never what is in the work tree alone.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/change-a-secret.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const changeASecret = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  changeASecret as default
};
