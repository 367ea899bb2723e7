import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Come from a deploy script","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/from-deploy-py.md","filePath":"how-to/from-deploy-py.md"}');
const _sfc_main = { name: "how-to/from-deploy-py.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="come-from-a-deploy-script" tabindex="-1">Come from a deploy script <a class="header-anchor" href="#come-from-a-deploy-script" aria-label="Permalink to &quot;Come from a deploy script&quot;">​</a></h1><p>Repositories such as mybinder.org-deploy have a script that unlocks, then runs <code>helm upgrade</code> with the right <code>-f</code> files. <code>vault deploy</code> replaces the script; the charts, values and secrets stay.</p><pre><code>vault deploy init          # looks at the names of files, charts and requirements; runs nothing
git add deploy.yaml &amp;&amp; git commit -m &quot;Describe the deployment&quot;
vault deploy lock &amp;&amp; git add deploy.lock &amp;&amp; git commit -m &quot;Lock the charts&quot;
vault deploy check         # names values files that were left out, too
vault deploy values staging
</code></pre><p>Compare the layers in <code>deploy.yaml</code> with the <code>-f</code> flags of the script, in their order: the last one counts.</p><table tabindex="0"><thead><tr><th>in the script</th><th>with vault</th></tr></thead><tbody><tr><td><code>git-crypt unlock</code> before deploying</td><td>nothing: secrets are decrypted in memory</td></tr><tr><td><code>helm dependency update</code></td><td><code>vault deploy lock</code> once, <code>vault deploy fetch</code> in CI</td></tr><tr><td><code>helm upgrade --install -f … -f …</code></td><td><code>vault deploy apply prod</code>, with the layers of <code>deploy.yaml</code></td></tr><tr><td>image tags that CI sets</td><td><code>--set KEY=VALUE</code> or <code>--values FILE</code></td></tr><tr><td><code>kubectl rollout status</code>, retries</td><td>waits until ready, and goes back to what was good if it is not</td></tr><tr><td>staging, then prod, one after other</td><td><code>vault deploy rollout --canary ovh</code></td></tr><tr><td>a check of certificates, of versions</td><td><code>vault deploy certs</code>, <code>vault deploy verify</code></td></tr></tbody></table><p>Once each environment has its <a href="./../start/deploy.html">cluster</a>, compare before you switch: <code>vault deploy plan prod</code> says whether anything would change in the cluster. If nothing changes, both deploy the same.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/from-deploy-py.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const fromDeployPy = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  fromDeployPy as default
};
