import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Guide","description":"","frontmatter":{},"headers":[],"relativePath":"guide.md","filePath":"guide.md"}');
const _sfc_main = { name: "guide.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="guide" tabindex="-1">Guide <a class="header-anchor" href="#guide" aria-label="Permalink to &quot;Guide&quot;">​</a></h1><p>Each page explains one part in full. For a task, start with the how-to pages instead, such as <a href="./how-to/add-a-colleague.html">Add a colleague</a>.</p><table tabindex="0"><thead><tr><th>page</th><th>what it explains</th></tr></thead><tbody><tr><td><a href="./guide/messages.html">Messages</a></td><td>send a key or a secret, name recipients, scripts, ssh-vault, age and OpenPGP</td></tr><tr><td><a href="./guide/signatures.html">Signed messages</a></td><td>who sent a message, and how scripts demand a signature</td></tr><tr><td><a href="./guide/private-keys.html">Private keys and plugins</a></td><td>which keys open a message, passphrases, age plugins</td></tr><tr><td><a href="./guide/repository.html">Encrypted repositories</a></td><td>patterns, locking, hooks, protection that was lost</td></tr><tr><td><a href="./guide/team.html">A team</a></td><td>the members log: who is let in, who is removed, what to watch</td></tr><tr><td><a href="./guide/rotation.html">Replace the key</a></td><td>rotations, and every case on the way</td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("guide.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const guide = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  guide as default
};
