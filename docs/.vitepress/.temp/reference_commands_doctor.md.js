import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault doctor","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/doctor.md","filePath":"reference/commands/doctor.md"}');
const _sfc_main = { name: "reference/commands/doctor.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-doctor" tabindex="-1">vault doctor <a class="header-anchor" href="#vault-doctor" aria-label="Permalink to &quot;vault doctor&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> doctor</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>Explain how the repository is set up, and what is amiss.</p><p>Looks at git&#39;s version, the settings of the filters and merge drivers and the programs that they name, the keys, and who may read them. It changes nothing and runs none of these programs. Where secrets are at risk, or git would stop, the exit code is 7.</p><p>A path in the settings is stale when the program was moved or removed since; <code>vault unlock</code> in an unlocked repository writes the present one.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/doctor.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const doctor = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  doctor as default
};
