import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Recipients","description":"","frontmatter":{},"headers":[],"relativePath":"reference/recipients.md","filePath":"reference/recipients.md"}');
const _sfc_main = { name: "reference/recipients.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="recipients" tabindex="-1">Recipients <a class="header-anchor" href="#recipients" aria-label="Permalink to &quot;Recipients&quot;">​</a></h1><div class="language-text vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">text</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span>A recipient R is one of</span></span>
<span class="line"><span></span></span>
<span class="line"><span>  choldgraf, github:choldgraf  a GitHub user, with all the SSH keys of their</span></span>
<span class="line"><span>                               profile</span></span>
<span class="line"><span>  github:org/team              every member of a GitHub team; needs a token in</span></span>
<span class="line"><span>                               GH_TOKEN</span></span>
<span class="line"><span>  gitlab:user                  a user of gitlab.com</span></span>
<span class="line"><span>  codeberg:user                a user of codeberg.org</span></span>
<span class="line"><span>  sourcehut:user               a user of meta.sr.ht</span></span>
<span class="line"><span>  https://host/user.keys       any address that serves public key lines</span></span>
<span class="line"><span>  ./alice.pub, ~/team.keys     a .pub or authorized_keys file; its name has a</span></span>
<span class="line"><span>                               slash or ends in .pub or .keys</span></span>
<span class="line"><span>  alice.asc, alice.gpg         a file of OpenPGP keys, for --format openpgp</span></span>
<span class="line"><span>  &#39;ssh-ed25519 AAAA… alice&#39;    a public key itself, as one quoted word</span></span>
<span class="line"><span>  age1…                        an age public key, as \`vault keys new\` and</span></span>
<span class="line"><span>                               age-keygen make them; or a tagged one, age1tag1…</span></span>
<span class="line"><span>  age1NAME1…                   a key of the age plugin NAME, which is then run;</span></span>
<span class="line"><span>                               or AGE-PLUGIN-NAME-1…, an identity of it</span></span>
<span class="line"><span>  -                            one recipient a line, read from stdin</span></span>
<span class="line"><span></span></span>
<span class="line"><span>A message can be sealed to ssh-ed25519 keys and to ssh-rsa keys of 2048 to 8192</span></span>
<span class="line"><span>bits. ECDSA and FIDO keys can only sign; they are named and passed over, and the</span></span>
<span class="line"><span>run fails only for a recipient with no usable key left.</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/recipients.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const recipients = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  recipients as default
};
