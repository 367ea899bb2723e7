import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Write a check","description":"","frontmatter":{},"headers":[],"relativePath":"deploy/checks.md","filePath":"deploy/checks.md"}');
const _sfc_main = { name: "deploy/checks.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="write-a-check" tabindex="-1">Write a check <a class="header-anchor" href="#write-a-check" aria-label="Permalink to &quot;Write a check&quot;">​</a></h1><h2 id="checks" tabindex="-1">Checks <a class="header-anchor" href="#checks" aria-label="Permalink to &quot;Checks&quot;">​</a></h2><pre><code>vault deploy check
</code></pre><p>finds what should not be deployed: secrets in plaintext or in two tiers, layers that say nothing, keys that no chart knows, dependencies that are not locked, hosts without certificates, pods that no node takes, certificates that end soon. <a href="./../checks.html">Checks</a> explains each finding, how to silence one, and how the reports go to GitHub. Values can be checked against JSON Schemas of your own as well: <code>schemas: [schemas/values.json]</code> in <code>deploy.yaml</code>.</p><h2 id="checks-of-your-own" tabindex="-1">Checks of your own <a class="header-anchor" href="#checks-of-your-own" aria-label="Permalink to &quot;Checks of your own&quot;">​</a></h2><p>A check is a function that reads the project and yields what it finds. It has the project, the environments, their releases, a way to say what it skipped, and a signal to stop:</p><pre><code>const replicas: Check = async function* replicasCheck({ releases }) {
  for (const release of releases) {
    for (const { path, value, setting } of release.values().leaves()) {
      if (path.at(-1) !== &quot;replicas&quot; || value !== 0) continue;
      const { layer, entry } = setting;
      yield { id: &quot;replicas&quot;, severity: &quot;warning&quot;, message: &quot;there will be none&quot;, file: layer.path, line: entry.position.line };
    }
  }
};
for await (const finding of runChecks(project, { checks: [...CHECKS, replicas] })) console.log(finding);
</code></pre><p><code>runChecks</code> gives each finding as it is found, of one environment. <code>collectReport(project, options)</code> takes the same options, collects the findings, and tells the same one of several environments once, with their names in a list: what <code>vault deploy check</code> prints, and <code>toSarif</code> takes:</p><pre><code>const report = await collectReport(project, { checks: [...CHECKS, replicas] });
writeFileSync(&quot;checks.sarif&quot;, JSON.stringify(toSarif(report, &quot;1.0.0&quot;)));
if (report.findings.some(({ severity }) =&gt; severity === &quot;error&quot;)) process.exitCode = 7;
</code></pre><p>Values are ordinary objects: <code>values.value</code>, and <code>values.get(&quot;hub.replicas&quot;)</code> for one of them. They come with the layer, line and column that set them (<code>values.leaves()</code>, <code>values.explain(path)</code>), files with their mode, their blob and whether they are encrypted or protected (<code>project.files()</code>), rendered objects with the template that made them (<code>release.render()</code>), the environment of a release (<code>release.environment</code>), and <code>project.redactor</code> finds secrets in a text. A finding must not hold a secret.</p><h2 id="trying-it-on-a-cluster" tabindex="-1">Trying it on a cluster <a class="header-anchor" href="#trying-it-on-a-cluster" aria-label="Permalink to &quot;Trying it on a cluster&quot;">​</a></h2><p>The tests run real Helm against a stand-in for a cluster. Those of <code>packages/deploy/test/real-cluster.test.ts</code> read from a real one, and change nothing in it; without the variable, they are skipped by name:</p><pre><code>kubectl config view --flatten --minify &gt; kubeconfig    # it must name no other file
GIT_VAULT_CLUSTER=$PWD/kubeconfig GIT_VAULT_CLUSTER_NAMESPACE=prod npx vitest run packages/deploy/test/real-cluster.test.ts
</code></pre><p>A plan is made for a release that is not there, with the Helm of <code>$HELM</code>: the server rehearses it, and makes nothing.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("deploy/checks.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const checks = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  checks as default
};
