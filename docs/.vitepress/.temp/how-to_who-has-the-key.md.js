import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"See who has the key","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/who-has-the-key.md","filePath":"how-to/who-has-the-key.md"}');
const _sfc_main = { name: "how-to/who-has-the-key.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="see-who-has-the-key" tabindex="-1">See who has the key <a class="header-anchor" href="#see-who-has-the-key" aria-label="Permalink to &quot;See who has the key&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> holders</span></span></code></pre></div><p>lists the members, their role, since when, who let them in, and their keys. It asks GitHub whether the keys are still on their accounts, and ends with 7 if something needs attention.</p><p>To publish it, write the same as a page into the repository:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> holders</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --markdown</span><span style="--shiki-light:#A0111F;--shiki-dark:#FF9492;"> &gt;</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> KEYS.md</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> add</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> KEYS.md</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> &amp;&amp; </span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> commit</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> -m</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> &quot;Who has the keys&quot;</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> &amp;&amp; </span><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> push</span></span>
<span class="line"></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> log</span></span></code></pre></div><p>shows every entry: who let whom in, who was removed, and what does not count and why.</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> sync</span></span></code></pre></div><p>follows keys that members added to their accounts or removed from them.</p><p>Nobody can know who was sent a message or a key file outside of the log. <code>vault share --note</code> writes into the log whom you sent the key to.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/who-has-the-key.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const whoHasTheKey = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  whoHasTheKey as default
};
