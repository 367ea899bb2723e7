import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Add a colleague","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/add-a-colleague.md","filePath":"how-to/add-a-colleague.md"}');
const _sfc_main = { name: "how-to/add-a-colleague.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="add-a-colleague" tabindex="-1">Add a colleague <a class="header-anchor" href="#add-a-colleague" aria-label="Permalink to &quot;Add a colleague&quot;">​</a></h1><p>You are an admin of the repository, and your clone is unlocked.</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> grant</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> choldgraf</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">git</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> push</span></span></code></pre></div><p>Your colleague clones the repository and runs:</p><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> unlock</span></span></code></pre></div><ul><li>They become an admin, who may let others in. <code>vault grant --reader choldgraf</code> lets them only open.</li><li>A team of GitHub: <code>vault grant github:org/team</code>.</li><li>No account: <code>vault grant ./bob.pub</code>, after you compared the fingerprint with them. See <a href="./../without-a-forge.html">Members without an account</a>.</li><li>A key in a YubiKey: <code>vault grant age1yubikey1…</code>, with the age plugin installed.</li><li>A further key of a member: the same command. It gets a copy of each key that they may open and your clone has; where one is missing it says so, and ends with 7.</li><li>OpenPGP and git-crypt: <code>vault grant --gpg choldgraf</code>.</li><li>Only one of several keys: <code>vault grant --key-name prod choldgraf</code>.</li></ul><p>The first time, <code>vault</code> shows the fingerprints of their keys and asks whether they are theirs.</p><p>The first <code>vault unlock</code> of a colleague asks whether this is the members log that they expect, and shows its root. Tell them the root that <code>vault log</code> prints in your clone.</p><p>If GitHub&#39;s rate limit is used up, give <code>vault</code> your token: <code>export GH_TOKEN=$(gh auth token)</code>.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/add-a-colleague.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const addAColleague = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  addAColleague as default
};
