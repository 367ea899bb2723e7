import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault export-key","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/export-key.md","filePath":"reference/commands/export-key.md"}');
const _sfc_main = { name: "reference/commands/export-key.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-export-key" tabindex="-1">vault export-key <a class="header-anchor" href="#vault-export-key" aria-label="Permalink to &quot;vault export-key&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> export-key</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>Write the repository&#39;s key, unsealed, as git-crypt does.</p><p>It is the secret itself. To hand it to somebody, use <code>vault share</code>.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>--key-name NAME</code></td><td>the name of the repository&#39;s git-crypt key; default <code>default</code></td></tr><tr><td><code>-o, --output FILE</code></td><td>write to FILE (mode 0600, replaced whole) instead of stdout</td></tr><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr><tr><td><code>-q, --quiet</code></td><td>print nothing but the answer and errors</td></tr></tbody></table><h2 id="examples" tabindex="-1">Examples <a class="header-anchor" href="#examples" aria-label="Permalink to &quot;Examples&quot;">​</a></h2><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> export-key</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> -o</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> ../git-crypt-key</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> export-key</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;"> |</span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;"> base64</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/export-key.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const exportKey = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  exportKey as default
};
