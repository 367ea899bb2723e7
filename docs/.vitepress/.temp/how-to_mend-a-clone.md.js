import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Mend a clone","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/mend-a-clone.md","filePath":"how-to/mend-a-clone.md"}');
const _sfc_main = { name: "how-to/mend-a-clone.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="mend-a-clone" tabindex="-1">Mend a clone <a class="header-anchor" href="#mend-a-clone" aria-label="Permalink to &quot;Mend a clone&quot;">​</a></h1><p>Start here, whatever happened:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> status</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> doctor</span></span></code></pre></div><p><code>status</code> looks at the files, <code>doctor</code> at git&#39;s settings. Both say what to do about each finding.</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> unlock</span></span></code></pre></div><p>mends most of it: filters that point to a program that moved, files that stayed encrypted, a work tree that was interrupted. Your edits stay. Files that no key opens are named, and the exit code is 7; all others are opened.</p><table tabindex="0"><thead><tr><th>what you see</th><th>what to do</th></tr></thead><tbody><tr><td>files are binary after a pull</td><td><code>vault unlock</code></td></tr><tr><td>a pull or merge stopped at a protected file</td><td><code>vault unlock</code>, then <code>git checkout --merge PATH</code></td></tr><tr><td><code>external filter … failed</code> after a new Node</td><td><code>vault unlock</code></td></tr><tr><td><code>status</code> says <code>exposed</code></td><td><code>vault status --fix</code>, commit, and change the secret</td></tr><tr><td><code>status</code> says <code>no-copy</code> or <code>no-guard</code></td><td>the finding names the command; <a href="./../status.html">all findings</a></td></tr><tr><td>a rotation was interrupted</td><td><code>vault rotate --continue</code>, or <code>--abort</code></td></tr><tr><td>one file is damaged</td><td><code>git checkout HEAD~1 -- PATH</code>, or take it from a colleague</td></tr><tr><td>everything else</td><td>clone again, <code>vault unlock</code> there, and copy your edits over</td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/mend-a-clone.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const mendAClone = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  mendAClone as default
};
