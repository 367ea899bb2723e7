import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"A laptop was lost or stolen","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/lost-laptop.md","filePath":"how-to/lost-laptop.md"}');
const _sfc_main = { name: "how-to/lost-laptop.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="a-laptop-was-lost-or-stolen" tabindex="-1">A laptop was lost or stolen <a class="header-anchor" href="#a-laptop-was-lost-or-stolen" aria-label="Permalink to &quot;A laptop was lost or stolen&quot;">​</a></h1><p>Any admin does this, as soon as possible:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> holders</span><span style="--shiki-light:#66707B;--shiki-dark:#BDC4CC;">                       # find the fingerprint of the key that was on the laptop</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> revoke</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --key</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> SHA256:…</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> push</span></span></code></pre></div><p>If its owner does not know the fingerprint: GitHub shows it beside the name of each key, under Settings → SSH and GPG keys.</p><p>This takes one key out and replaces the repository&#39;s keys in the same commit. The owner stays a member with their other keys. <code>vault revoke</code> lists the files whose secrets you must change: anyone who has the laptop may read them.</p><p>If it was the only key of its owner, remove them and let them back in with a new key:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> revoke</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> bob</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> grant</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --readmit</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> bob</span><span style="--shiki-light:#66707B;--shiki-dark:#BDC4CC;">           # after bob removed the old key from GitHub and added a new one</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> push</span></span></code></pre></div><p>Also remove the key from the account on GitHub, so that nobody else seals to it.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/lost-laptop.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const lostLaptop = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  lostLaptop as default
};
