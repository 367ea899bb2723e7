import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Open a message without vault","description":"","frontmatter":{},"headers":[],"relativePath":"how-to/open-without-vault.md","filePath":"how-to/open-without-vault.md"}');
const _sfc_main = { name: "how-to/open-without-vault.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="open-a-message-without-vault" tabindex="-1">Open a message without vault <a class="header-anchor" href="#open-a-message-without-vault" aria-label="Permalink to &quot;Open a message without vault&quot;">​</a></h1><p>Save the whole message as <code>message.txt</code>. Its first line says which program opens it. If instructions stand around the message, the commands for age and gpg on this page still work; for ssh-vault, run the command that the instructions name.</p><h2 id="it-has-a-line-begin-age-encrypted-file" tabindex="-1">It has a line BEGIN AGE ENCRYPTED FILE <a class="header-anchor" href="#it-has-a-line-begin-age-encrypted-file" aria-label="Permalink to &quot;It has a line BEGIN AGE ENCRYPTED FILE&quot;">​</a></h2><p>You need <a href="https://age-encryption.org" target="_blank" rel="noreferrer">age</a> (<code>brew install age</code>, <code>apt install age</code>, <code>winget install FiloSottile.age</code>) and the private half of an SSH key that is on your account.</p><pre><code>sed -n &#39;/^-----BEGIN AGE/,/^-----END AGE/p&#39; message.txt | age -d -i ~/.ssh/id_ed25519 &gt; secret
</code></pre><p>If the message holds the key of a repository, unlock your clone with it:</p><pre><code>sed -n &#39;/^-----BEGIN AGE/,/^-----END AGE/p&#39; message.txt | age -d -i ~/.ssh/id_ed25519 | git-crypt unlock -
</code></pre><h2 id="it-begins-with-ssh-vault" tabindex="-1">It begins with SSH-VAULT <a class="header-anchor" href="#it-begins-with-ssh-vault" aria-label="Permalink to &quot;It begins with SSH-VAULT&quot;">​</a></h2><pre><code>ssh-vault view message.txt
</code></pre><p>The key of a repository must be sent as base64, because ssh-vault prints text only:</p><pre><code>ssh-vault view message.txt | base64 -d | git-crypt unlock -
</code></pre><p>If <code>ssh-vault</code> says <code>invalid utf-8 sequence</code>, ask the sender to add <code>--base64</code>.</p><h2 id="it-has-a-line-begin-pgp-message" tabindex="-1">It has a line BEGIN PGP MESSAGE <a class="header-anchor" href="#it-has-a-line-begin-pgp-message" aria-label="Permalink to &quot;It has a line BEGIN PGP MESSAGE&quot;">​</a></h2><pre><code>gpg -d message.txt &gt; secret
</code></pre><p>The key of a repository:</p><pre><code>gpg -d message.txt | git-crypt unlock -
</code></pre><h2 id="for-the-sender" tabindex="-1">For the sender <a class="header-anchor" href="#for-the-sender" aria-label="Permalink to &quot;For the sender&quot;">​</a></h2><p><code>vault share</code> prints the right command for the receiver. Choose the format by what they have:</p><table tabindex="0"><thead><tr><th>they have</th><th>you run</th></tr></thead><tbody><tr><td><code>age</code></td><td><code>vault share --to choldgraf</code></td></tr><tr><td><code>ssh-vault</code></td><td><code>vault share --to choldgraf --format ssh-vault --base64</code></td></tr><tr><td><code>gpg</code></td><td><code>vault share --to choldgraf --format openpgp</code></td></tr><tr><td>not sure</td><td><code>vault share --to choldgraf --instructions</code></td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("how-to/open-without-vault.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const openWithoutVault = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  openWithoutVault as default
};
