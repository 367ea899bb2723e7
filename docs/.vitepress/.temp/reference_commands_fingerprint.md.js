import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault fingerprint","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/fingerprint.md","filePath":"reference/commands/fingerprint.md"}');
const _sfc_main = { name: "reference/commands/fingerprint.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-fingerprint" tabindex="-1">vault fingerprint <a class="header-anchor" href="#vault-fingerprint" aria-label="Permalink to &quot;vault fingerprint&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fingerprint</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS] [-k FILE] [-u USER [-k N]]</span></span></code></pre></div><p>Show the fingerprints of public keys, laid out as by ssh-vault. Also <code>vault f</code>.</p><p>Shows the keys of the .pub files in ~/.ssh, of one such file, or of a user, whose usable keys have the numbers that <code>vault create -k</code> takes.</p><p>The line that begins with MD5 is what ssh-vault calls an RSA key by: the MD5 of its SubjectPublicKeyInfo, and not the MD5 that ssh-keygen shows.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>-k, --key KEY</code></td><td>with -u, the number or fingerprint of one of the user&#39;s keys; else a public key file</td></tr><tr><td><code>-u, --user USER</code></td><td>a GitHub user, or a recipient as in <code>vault help recipients</code></td></tr><tr><td><code>--insecure-http</code></td><td>take keys from http:// addresses, where anybody on the way can put in their own</td></tr><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr><tr><td><code>-q, --quiet</code></td><td>print nothing but the answer and errors</td></tr></tbody></table><h2 id="examples" tabindex="-1">Examples <a class="header-anchor" href="#examples" aria-label="Permalink to &quot;Examples&quot;">​</a></h2><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fingerprint</span></span>
<span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> fingerprint</span><span style="--shiki-light:#023B95;--shiki-dark:#91CBFF;"> -u</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> choldgraf</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/fingerprint.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const fingerprint = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  fingerprint as default
};
