import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Deploying","description":"","frontmatter":{},"headers":[],"relativePath":"deploy.md","filePath":"deploy.md"}');
const _sfc_main = { name: "deploy.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="deploying" tabindex="-1">Deploying <a class="header-anchor" href="#deploying" aria-label="Permalink to &quot;Deploying&quot;">​</a></h1><p><code>vault deploy</code> reads a repository that describes a deployment: a Helm chart, layers of values and encrypted secrets. It explains one commit, checks it, deploys it, and looks after what runs. Secrets are decrypted in memory and reach Helm on standard input. The checkout stays locked, and no plaintext is written to the disk. <code>@git-vault/deploy</code> does the same from TypeScript.</p><p>Start with <a href="./start/deploy.html">Deploy from an encrypted repository</a>. These pages have every detail:</p><table tabindex="0"><thead><tr><th>page</th><th>what it explains</th></tr></thead><tbody><tr><td><a href="./deploy/layout.html">How a repository is laid out</a></td><td>folders, environments, releases, <code>deploy.yaml</code></td></tr><tr><td><a href="./deploy/keys.html">Keys and sops</a></td><td>which key opens the secrets, files of sops, without a key</td></tr><tr><td><a href="./deploy/trust.html">What a commit decides</a></td><td>what runs or is connected to, and who may say so</td></tr><tr><td><a href="./deploy/values.html">Values, charts and Helm</a></td><td>where a value comes from, locked charts, how Helm runs</td></tr><tr><td><a href="./deploy/cluster.html">Clusters and rights</a></td><td>kubeconfigs, pins, proxies, the least rights</td></tr><tr><td><a href="./deploy/plan.html">Plans and drift</a></td><td>what would change, with all secrets hidden</td></tr><tr><td><a href="./deploy/apply.html">Deploy and roll back</a></td><td>apply, wait, undo, several environments</td></tr><tr><td><a href="./deploy/look-after.html">Look after what runs</a></td><td>nodes, certificates, workloads</td></tr><tr><td><a href="./deploy/ci.html">Deploying in CI</a></td><td>a script of your own, GitHub Actions</td></tr><tr><td><a href="./deploy/checks.html">Write a check</a></td><td>checks of your own, a real cluster</td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("deploy.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const deploy = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  deploy as default
};
