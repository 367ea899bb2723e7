import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault completion","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/completion.md","filePath":"reference/commands/completion.md"}');
const _sfc_main = { name: "reference/commands/completion.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-completion" tabindex="-1">vault completion <a class="header-anchor" href="#vault-completion" aria-label="Permalink to &quot;vault completion&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> completion</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS] bash</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;">|</span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">zsh</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;">|</span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">fish</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;">|</span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">powershell</span></span></code></pre></div><p>Print a completion script for a shell.</p><p>Tab then completes names as well, such as those of environments and members: see docs/start/install.md.</p><h2 id="examples" tabindex="-1">Examples <a class="header-anchor" href="#examples" aria-label="Permalink to &quot;Examples&quot;">​</a></h2><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;">source</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> &lt;(</span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> completion bash)</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> completion</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fish</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;"> &gt;</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> ~/.config/fish/completions/vault.fish</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> completion</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> powershell</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;"> &gt;&gt;</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> $PROFILE</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/completion.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const completion = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  completion as default
};
