import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault deploy fetch","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/deploy-fetch.md","filePath":"reference/commands/deploy-fetch.md"}');
const _sfc_main = { name: "reference/commands/deploy-fetch.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-deploy-fetch" tabindex="-1">vault deploy fetch <a class="header-anchor" href="#vault-deploy-fetch" aria-label="Permalink to &quot;vault deploy fetch&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> deploy</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fetch</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>Fetch the charts that deploy.yaml and its charts name, as deploy.lock has them.</p><p>Puts the archives into the chart&#39;s folder <code>charts</code>, each only if its SHA-256 is the one in deploy.lock. Helm runs in a home of its own: it needs no repositories to be added.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>--revision REV</code></td><td>read the project at the commit REV; default HEAD</td></tr><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr><tr><td><code>-q, --quiet</code></td><td>print nothing but the answer and errors</td></tr><tr><td><code>--no-input</code></td><td>never ask anything on the terminal</td></tr></tbody></table><h2 id="examples" tabindex="-1">Examples <a class="header-anchor" href="#examples" aria-label="Permalink to &quot;Examples&quot;">​</a></h2><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> deploy</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fetch</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> deploy</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fetch</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --revision</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> origin/main</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/deploy-fetch.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const deployFetch = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  deployFetch as default
};
