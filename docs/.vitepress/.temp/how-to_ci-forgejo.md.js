import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"CI on Forgejo and Codeberg","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/ci-forgejo.md","filePath":"how-to/ci-forgejo.md"}');
const _sfc_main = { name: "how-to/ci-forgejo.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="ci-on-forgejo-and-codeberg" tabindex="-1">CI on Forgejo and Codeberg <a class="header-anchor" href="#ci-on-forgejo-and-codeberg" aria-label="Permalink to &quot;CI on Forgejo and Codeberg&quot;">​</a></h1><p><strong>1. Make an identity for CI.</strong> In your unlocked clone:</p><pre><code>vault grant --ci=forgejo
git push
</code></pre><p><strong>2. Store it.</strong> Settings → Actions → Secrets: add <code>GIT_VAULT_IDENTITY</code> with what was printed.</p><p><strong>3. Use it.</strong> In <code>.forgejo/workflows/deploy.yml</code>:</p><div class="language-yaml vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">yaml</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;">on</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  push</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">    branches</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: [</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">main</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">]</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">jobs</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  deploy</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">    runs-on</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">docker</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">    container</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: { </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">image</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">&quot;node:22&quot;</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> }</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">    steps</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">      - </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">uses</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">actions/checkout@v4</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">        with</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: { </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">fetch-depth</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;">0</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">, </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">persist-credentials</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;">false</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> }</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">      - </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">run</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">npm install --global git-vault@1.2.3</span><span style="--shiki-light:#66707B;--shiki-dark:#BDC4CC;"> # the version that you use</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">      - </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">run</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">vault unlock</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">        env</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">          GIT_VAULT_IDENTITY</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">\${{ secrets.GIT_VAULT_IDENTITY }}</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">      - </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">run</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">./deploy.sh</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">      - </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">if</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">always()</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">        run</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">vault lock --without-copy</span></span></code></pre></div><p>Runners of Forgejo are often kept between jobs, so keep the last step.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/ci-forgejo.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const ciForgejo = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  ciForgejo as default
};
