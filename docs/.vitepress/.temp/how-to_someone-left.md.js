import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Someone left","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/someone-left.md","filePath":"how-to/someone-left.md"}');
const _sfc_main = { name: "how-to/someone-left.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="someone-left" tabindex="-1">Someone left <a class="header-anchor" href="#someone-left" aria-label="Permalink to &quot;Someone left&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> revoke</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> dave</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> push</span></span></code></pre></div><p>In one commit this takes all keys of dave out of the members log, makes new keys for the repository, encrypts the files again, and seals the new keys to everybody who stays. Before the commit, <code>vault revoke</code> shows who gets the new keys and asks you to confirm.</p><p><strong>Change the secrets.</strong> Dave could read everything that was encrypted until now, and still can, in his clone. <code>vault revoke</code> lists the files. Change the passwords and tokens in them.</p><p>Your colleagues run:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> pull</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> unlock</span></span></code></pre></div><p>Where they stay, and are to lose one key of several, <code>vault revoke --key-name production dave</code> replaces that key alone. In their clone, <code>vault status</code> and <code>vault unlock</code> then say who took it from them; <code>vault lock --key-name production</code> puts the clone in order.</p><p>Colleagues who use plain git-crypt follow <a href="./../with-git-crypt.html">their own order of commands</a>.</p><p>If the name fits several members, <code>vault revoke</code> lists the number of each account. Use that number instead of the name.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/someone-left.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const someoneLeft = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  someoneLeft as default
};
