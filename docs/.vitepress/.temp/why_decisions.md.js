import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Decisions","description":"","frontmatter":{},"headers":[],"relativePath":"why/decisions.md","filePath":"why/decisions.md"}');
const _sfc_main = { name: "why/decisions.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="decisions" tabindex="-1">Decisions <a class="header-anchor" href="#decisions" aria-label="Permalink to &quot;Decisions&quot;">​</a></h1><p><strong>Messages are age messages.</strong> One message opens on every machine of every recipient, with <code>vault</code> or with plain <code>age</code>. ssh-vault&#39;s format and OpenPGP are there for those who need them.</p><p><strong>git-crypt&#39;s formats stay.</strong> A team can mix both programs, and leave <code>vault</code> any day.</p><p><strong>Keys come from the forge, and are remembered.</strong> The first time, fingerprints are shown and pinned. When they change, <code>vault</code> says what was added and removed, and stops.</p><p><strong>A signed log decides who has the keys.</strong> Not a name, a date or a file somebody committed. Each entry is signed with an SSH key of a member; git merges entries without conflicts.</p><p><strong>The branch decides which key encrypts.</strong> So a reset, a revert or a closed pull request takes the clone along.</p><p><strong>A commit is data.</strong> What a deployment runs or connects to comes from the holders of the key, or from your own command line. See <a href="./../deploy/trust.html">What runs or is connected to</a>.</p><p><strong>Helm does the rendering.</strong> Values go to it on standard input. Nothing plain is written to the disk.</p><p><strong>Nothing unauthenticated is released.</strong> Every plaintext that you see was verified first.</p><p><strong>No cryptography of our own.</strong> node:crypto and well-kept libraries have it all: <a href="./../dependencies.html">Dependencies</a>.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("why/decisions.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const decisions = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  decisions as default
};
