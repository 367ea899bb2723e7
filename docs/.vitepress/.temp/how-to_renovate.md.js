import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Raise chart versions with Renovate","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/renovate.md","filePath":"how-to/renovate.md"}');
const _sfc_main = { name: "how-to/renovate.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="raise-chart-versions-with-renovate" tabindex="-1">Raise chart versions with Renovate <a class="header-anchor" href="#raise-chart-versions-with-renovate" aria-label="Permalink to &quot;Raise chart versions with Renovate&quot;">​</a></h1><p>Renovate knows <code>Chart.yaml</code>. It does not know <code>deploy.yaml</code>, nor that <code>deploy.lock</code> has to follow both.</p><p><strong>1. Take the managers.</strong> Copy <code>customManagers</code> and <code>packageRules</code> of <a href="https://github.com/git-vault/git-vault/blob/main/docs/example/renovate/renovate.json" target="_blank" rel="noreferrer"><code>renovate.json</code></a> into yours. They find every chart that <code>deploy.yaml</code> names by <code>oci://…@version</code>, or by name, version and repository.</p><p><strong>2. Let the lock follow.</strong> With a Renovate that you run yourself, allow the command, so that each of its branches brings its own <code>deploy.lock</code>:</p><div class="language-text vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">text</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span>RENOVATE_ALLOWED_COMMANDS=&#39;[&quot;^vault deploy lock$&quot;]&#39;</span></span></code></pre></div><p>The hosted Renovate runs no commands. Then run <code>vault deploy lock</code> on the branch and push.</p><p><strong>3. Refuse what is not locked.</strong> In CI, for every pull request:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> deploy</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> lock</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> --check</span></span></code></pre></div><p>It needs no key and no network. It ends with 7, and names the archives, where <code>deploy.lock</code> is not up to date. Look at what changed before you merge: <code>deploy.lock</code> holds the SHA-256 of what was fetched, and not whether that is any good.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/renovate.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const renovate = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  renovate as default
};
