import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Deploy from an encrypted repository","description":"","frontmatter":{},"headers":[],"relativePath":"start/deploy.md","filePath":"start/deploy.md"}');
const _sfc_main = { name: "start/deploy.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="deploy-from-an-encrypted-repository" tabindex="-1">Deploy from an encrypted repository <a class="header-anchor" href="#deploy-from-an-encrypted-repository" aria-label="Permalink to &quot;Deploy from an encrypted repository&quot;">​</a></h1><p>Your repository holds a Helm chart, layers of values, and encrypted secrets. You need Helm 3 or 4, and the key, in the clone or in <code>$GIT_CRYPT_KEY</code>.</p><p><strong>1. Describe it.</strong> <code>vault deploy init</code> looks at the repository and writes <code>deploy.yaml</code>. It says what it took from where, and what it could not decide: answer that in the file.</p><pre><code>vault deploy init
git add deploy.yaml &amp;&amp; git commit -m &quot;Describe the deployment&quot;
</code></pre><p><strong>2. Lock the charts.</strong> If a chart depends on published charts, fetch them once:</p><pre><code>vault deploy lock
git add deploy.lock &amp;&amp; git commit -m &quot;Lock the charts&quot;
</code></pre><p>Their digests go to <code>deploy.lock</code>, and only those are deployed from then on. A fresh clone, such as CI&#39;s, gets the charts with <code>vault deploy fetch</code>. If all charts are in the repository, it says <code>no dependency comes as an archive</code>. Then there is nothing to commit.</p><p><strong>3. Check it.</strong> This needs no cluster. A values file that <code>deploy.yaml</code> lacks is named here, too.</p><pre><code>vault deploy check
vault deploy values prod
vault deploy values prod --explain KEY   # such as hub.replicas: a key that the line above shows
vault deploy template prod
</code></pre><p>The third command says which file and line sets a value, and the last what would be applied.</p><p><strong>4. Say which cluster it is.</strong> Each environment has a kubeconfig, encrypted in the repository (<code>secrets/prod-kubeconfig.yaml</code>, or where <code>deploy.yaml</code> says), or you give one of your own by <code>--kubeconfig</code>. The first <code>vault deploy plan prod</code> tells the id of the cluster that this leads to, and the line to write into <code>deploy.yaml</code>:</p><div class="language-yaml vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">yaml</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">environments</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  prod</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: { </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">cluster</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: { </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">uid</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">6c1f0b1e-…</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> } }</span></span></code></pre></div><p>Commit it: what is not committed does not count.</p><p><strong>5. Plan and apply.</strong></p><pre><code>vault deploy plan prod --output plan.json
vault deploy apply prod --plan plan.json
</code></pre><p>The plan shows what would change, without any secret. <code>apply</code> does exactly that or refuses, and waits until everything is ready.</p><p>All settings are in <a href="./../deploy.html">Deploying</a> and in the reference of <code>deploy.yaml</code>.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("start/deploy.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const deploy = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  deploy as default
};
