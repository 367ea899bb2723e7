import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Replace the key","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/rotate.md","filePath":"how-to/rotate.md"}');
const _sfc_main = { name: "how-to/rotate.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="replace-the-key" tabindex="-1">Replace the key <a class="header-anchor" href="#replace-the-key" aria-label="Permalink to &quot;Replace the key&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> rotate</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> push</span></span></code></pre></div><p>Makes new keys, and one commit that uses them. Your work tree stays as it is. Who gets the new keys is shown first, and you confirm.</p><p>Everybody else:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> pull</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> unlock</span></span></code></pre></div><p>If they have edits of protected files, they run <code>git fetch</code> and <code>vault unlock</code> first, then <code>git pull</code>.</p><p>Replacing a key does not take back what was read. <code>vault rotate</code> lists the files: change the secrets in them if somebody had the old key who should not.</p><ul><li>Interrupted: <code>vault rotate --continue</code> finishes it, <code>vault rotate --abort</code> undoes it.</li><li>Two people rotated on two branches: merge them, then run <code>vault rotate</code> once more.</li><li>Only one key of several: <code>vault rotate --key-name prod</code>.</li></ul><p><a href="./../guide/rotation.html">Replacing the key</a> explains every case.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/rotate.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const rotate = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  rotate as default
};
