import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Exit codes","description":"","frontmatter":{},"headers":[],"relativePath":"reference/exit-codes.md","filePath":"reference/exit-codes.md"}');
const _sfc_main = { name: "reference/exit-codes.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="exit-codes" tabindex="-1">Exit codes <a class="header-anchor" href="#exit-codes" aria-label="Permalink to &quot;Exit codes&quot;">​</a></h1><div class="language-text vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">text</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span>exit codes</span></span>
<span class="line"><span>    0  done</span></span>
<span class="line"><span>    1  failed</span></span>
<span class="line"><span>    2  wrong usage, or a question that could not be asked</span></span>
<span class="line"><span>    3  no identity matches, or no usable key, or a wrong one</span></span>
<span class="line"><span>    4  authentication needed, or a wrong passphrase</span></span>
<span class="line"><span>    5  tampered or malformed input</span></span>
<span class="line"><span>    6  network</span></span>
<span class="line"><span>    7  findings</span></span>
<span class="line"><span>    8  stale plan</span></span>
<span class="line"><span>    9  a signature was demanded, and there is none, or it is not by whom it</span></span>
<span class="line"><span>       should be</span></span>
<span class="line"><span>   10  a signature was demanded, and --offline forbade to ask whose it is</span></span>
<span class="line"><span>  130  interrupted</span></span>
<span class="line"><span>  143  terminated (SIGTERM)</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/exit-codes.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const exitCodes = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  exitCodes as default
};
