import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault status","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/status.md","filePath":"reference/commands/status.md"}');
const _sfc_main = { name: "reference/commands/status.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-status" tabindex="-1">vault status <a class="header-anchor" href="#vault-status" aria-label="Permalink to &quot;vault status&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> status</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>Show whether the repository is locked, what is protected, and every danger.</p><p>Works in locked repositories, too. Where something is wrong the exit code is 7, and it is told what to do about each path.</p><p>It also compares files with attributes, of now and of all commits that HEAD reaches: encrypted files that nothing protects any more, plaintext on a path that was protected, a file that another filter such as git-lfs takes, a key that changed. A path that is not protected on purpose has <code>git-vault=unprotected</code> on a line of .gitattributes, and is not named then. Untracked files on protected paths are listed; ignored ones are not.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>--history</code></td><td>search all commits for files that were once stored in the clear</td></tr><tr><td><code>--fix</code></td><td>encrypt what the index holds in the clear, or under a retired key, on protected paths</td></tr><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr><tr><td><code>-q, --quiet</code></td><td>print nothing but the answer and errors</td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/status.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const status = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  status as default
};
