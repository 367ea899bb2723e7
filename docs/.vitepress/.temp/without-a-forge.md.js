import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Members without an account on a forge","description":"","frontmatter":{},"headers":[],"relativePath":"without-a-forge.md","filePath":"without-a-forge.md"}');
const _sfc_main = { name: "without-a-forge.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="members-without-an-account-on-a-forge" tabindex="-1">Members without an account on a forge <a class="header-anchor" href="#members-without-an-account-on-a-forge" aria-label="Permalink to &quot;Members without an account on a forge&quot;">​</a></h1><p>A member need not have an account on GitHub. Their public key is enough: they send it, and you compare its fingerprint with them, by telephone or in person.</p><h2 id="let-somebody-in" tabindex="-1">Let somebody in <a class="header-anchor" href="#let-somebody-in" aria-label="Permalink to &quot;Let somebody in&quot;">​</a></h2><pre><code>ssh-keygen -lf bob.pub              # both of you read the fingerprint
vault grant ./bob.pub               # they are called file:bob
git push
</code></pre><p><code>vault holders</code> cannot look such keys up anywhere: that they are still theirs, only their owner knows.</p><h2 id="a-second-key-or-a-new-laptop" tabindex="-1">A second key, or a new laptop <a class="header-anchor" href="#a-second-key-or-a-new-laptop" aria-label="Permalink to &quot;A second key, or a new laptop&quot;">​</a></h2><p>Put the old and the new public key into one file: who has one of the keys of a member is that member. Any admin does it, such as they themselves on the old laptop:</p><pre><code>cat id_ed25519.pub new-laptop.pub &gt; bob.keys
vault grant ./bob.keys
git push
</code></pre><p>On the new laptop, <code>vault unlock</code> in a clone opens the repository. When the old laptop is given away, take its key out. This replaces the repository&#39;s key, since it lies on that laptop:</p><pre><code>vault revoke --key SHA256:…         # the fingerprint of the old key
git push
</code></pre><h2 id="a-lost-or-stolen-laptop" tabindex="-1">A lost or stolen laptop <a class="header-anchor" href="#a-lost-or-stolen-laptop" aria-label="Permalink to &quot;A lost or stolen laptop&quot;">​</a></h2><p>Do it at once, and by anyone who is an admin:</p><pre><code>vault revoke --key SHA256:…         # the key that was on it; its owner stays a member
git push
</code></pre><p>It lists the secrets that anyone who has the laptop can read. Change these. Without a terminal, each member who is new to you needs <code>--keep NAME</code>. Where it was their only key, they would go with it: <code>vault revoke --key</code> asks, and without a terminal stops. Remove them by name, and let them back in with a new key:</p><pre><code>vault revoke file:bob
vault grant ./bob.pub               # the new key: a new name or the old one
git push
</code></pre><p>To be prepared, give each person two keys, such as a second one on a medium in a drawer, and have two admins: nobody can remove the key that they sign with.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("without-a-forge.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const withoutAForge = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  withoutAForge as default
};
