import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault holders","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/holders.md","filePath":"reference/commands/holders.md"}');
const _sfc_main = { name: "reference/commands/holders.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-holders" tabindex="-1">vault holders <a class="header-anchor" href="#vault-holders" aria-label="Permalink to &quot;vault holders&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> holders</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>Show who may open the keys, since when and let in by whom, and whether their keys are still theirs.</p><p>The list is that of the members log of the branch that is checked out. Each member is then looked up on their forge: a key that left their account, an account that is gone or has another name, a key that was not granted to yet. The exit code is 7 where something needs attention. It works in a locked repository, too.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>--offline</code></td><td>ask no forge whose key signed, nor whether keys are still there</td></tr><tr><td><code>--markdown</code></td><td>print Markdown: a page of a project&#39;s documentation, or a plan for a comment</td></tr><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr></tbody></table><h2 id="examples" tabindex="-1">Examples <a class="header-anchor" href="#examples" aria-label="Permalink to &quot;Examples&quot;">​</a></h2><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> holders</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> holders</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --markdown</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;"> &gt;</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> docs/who-has-the-keys.md</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/holders.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const holders = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  holders as default
};
