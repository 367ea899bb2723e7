import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"See who has the key","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/who-has-the-key.md","filePath":"how-to/who-has-the-key.md"}');
const _sfc_main = { name: "how-to/who-has-the-key.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="see-who-has-the-key" tabindex="-1">See who has the key <a class="header-anchor" href="#see-who-has-the-key" aria-label="Permalink to &quot;See who has the key&quot;">​</a></h1><pre><code>vault holders
</code></pre><p>lists the members, their role, since when, who let them in, and their keys. It asks GitHub whether the keys are still on their accounts, and ends with 7 if something needs attention.</p><p>To publish it, write the same as a page into the repository:</p><pre><code>vault holders --markdown &gt; KEYS.md
git add KEYS.md &amp;&amp; git commit -m &quot;Who has the keys&quot; &amp;&amp; git push

vault log
</code></pre><p>shows every entry: who let whom in, who was removed, and what does not count and why.</p><pre><code>vault sync
</code></pre><p>follows keys that members added to their accounts or removed from them.</p><p>Nobody can know who was sent a message or a key file outside of the log. <code>vault share --note</code> writes into the log whom you sent the key to.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/who-has-the-key.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const whoHasTheKey = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  whoHasTheKey as default
};
