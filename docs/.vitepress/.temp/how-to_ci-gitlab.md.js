import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"CI on GitLab","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/ci-gitlab.md","filePath":"how-to/ci-gitlab.md"}');
const _sfc_main = { name: "how-to/ci-gitlab.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="ci-on-gitlab" tabindex="-1">CI on GitLab <a class="header-anchor" href="#ci-on-gitlab" aria-label="Permalink to &quot;CI on GitLab&quot;">​</a></h1><p><strong>1. Make an identity for CI.</strong> In your unlocked clone:</p><pre><code>vault grant --ci=gitlab
git push
</code></pre><p>It prints two lines, once: the root of the members log, and a private key.</p><p><strong>2. Store it.</strong> Settings → CI/CD → Variables. GitLab masks only what is one line:</p><table tabindex="0"><thead><tr><th>variable</th><th>value</th><th>settings</th></tr></thead><tbody><tr><td><code>GIT_VAULT_IDENTITY</code></td><td><code>AGE-SECRET-KEY-…</code></td><td>masked, protected</td></tr><tr><td><code>GIT_VAULT_ROOT</code></td><td><code>SHA256:…</code>, the log&#39;s root</td><td>protected</td></tr></tbody></table><p>Only protected branches get them.</p><p><strong>3. Use it.</strong> In <code>.gitlab-ci.yml</code>:</p><div class="language-yaml vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">yaml</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">deploy</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  image</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">node:22</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  rules</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">    - </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">if</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  variables</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: { </span><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">GIT_DEPTH</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">: </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">&quot;0&quot;</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> } </span><span style="--shiki-light:#66707B;--shiki-dark:#BDC4CC;"># vault reads the history of the members log</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  before_script</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">    - </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">npm install --global git-vault@1.2.3</span><span style="--shiki-light:#66707B;--shiki-dark:#BDC4CC;"> # the version that you use</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  script</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">    - </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">vault unlock</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">    - </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">./deploy.sh</span></span>
<span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">  after_script</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">    - </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">vault lock --without-copy</span></span></code></pre></div><p><code>vault unlock</code> asks nothing: <code>GIT_VAULT_ROOT</code> says which members log to trust.</p><p>A runner that is not fresh for each job keeps files between jobs. <code>after_script</code> runs after a failure as well, and leaves neither the key nor plaintext behind.</p><p>With <code>vault deploy</code> leave out <code>unlock</code> and <code>lock</code>: it decrypts in memory. The image needs Helm, and <code>vault deploy fetch</code> gets the charts that <code>deploy.lock</code> names:</p><div class="language-yaml vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">yaml</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#024C1A;--shiki-dark:#72F088;">script</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">:</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">  - </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">vault deploy fetch</span></span>
<span class="line"><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;">  - </span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;">vault deploy apply prod --yes</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/ci-gitlab.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const ciGitlab = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  ciGitlab as default
};
