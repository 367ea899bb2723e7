import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault page","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/page.md","filePath":"reference/commands/page.md"}');
const _sfc_main = { name: "reference/commands/page.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-page" tabindex="-1">vault page <a class="header-anchor" href="#vault-page" aria-label="Permalink to &quot;vault page&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> page</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>The web page that seals secrets, for senders who have no tool.</p><p>It is one HTML file that seals a text or files to the SSH keys of a user of GitHub or GitLab, or to pasted keys, in the sender&#39;s browser: send it to them, or host it. <code>#choldgraf</code> at the end of its address preselects a receiver.</p><p>Without a flag it prints where the file is, as an address for a browser.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>-o, --output FILE</code></td><td>write a copy of the page to FILE, to send or to host</td></tr><tr><td><code>--digest</code></td><td>print its SHA-256 as sha256sum does, to check a copy that somebody hosts</td></tr></tbody></table><h2 id="examples" tabindex="-1">Examples <a class="header-anchor" href="#examples" aria-label="Permalink to &quot;Examples&quot;">​</a></h2><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> page</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> page</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> -o</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> seal.html</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> page</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --digest</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/page.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const page = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  page as default
};
