import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Private keys and plugins","description":"","frontmatter":{},"headers":[],"relativePath":"guide/private-keys.md","filePath":"guide/private-keys.md"}');
const _sfc_main = { name: "guide/private-keys.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="private-keys-and-plugins" tabindex="-1">Private keys and plugins <a class="header-anchor" href="#private-keys-and-plugins" aria-label="Permalink to &quot;Private keys and plugins&quot;">​</a></h1><p><code>vault view</code> and <code>vault unlock</code> try private keys in this order:</p><ol><li>that of <code>-k</code>, and no other;</li><li>else that of <code>$GIT_VAULT_IDENTITY</code>, and no other;</li><li>else those that <code>IdentityFile</code> lines of <code>~/.ssh/config</code> name, for any host; then <code>~/.ssh/id_ed25519</code> and <code>~/.ssh/id_rsa</code>; then every other private key in <code>~/.ssh</code>, with or without its <code>.pub</code> file.</li></ol><p>They read OpenSSH&#39;s format, PEM, PKCS#8 and PuTTY&#39;s <code>.ppk</code>, with or without passphrase.</p><h2 id="passphrases" tabindex="-1">Passphrases <a class="header-anchor" href="#passphrases" aria-label="Permalink to &quot;Passphrases&quot;">​</a></h2><p>The public half tells whether a message is for a key, so <code>vault</code> asks for a passphrase only then. An encrypted PEM file has no readable public half. Keep its <code>.pub</code> beside it: else <code>vault</code> asks for the passphrase at any message to an SSH key, or, if only its place in <code>~/.ssh</code> speaks for the key, does not use it.</p><p><code>vault</code> asks on the terminal, even while stdin and stdout are pipes. Without a terminal, use <code>--passphrase-file FILE</code>, <code>--passphrase-fd FD</code> or <code>SSH_VAULT_PASSPHRASE</code>. <code>--no-input</code> forbids questions.</p><p>A key that is only in an SSH agent or a password manager cannot open anything: agents only sign. <code>vault share --sign</code> uses them for that.</p><h2 id="with-age-plugins" tabindex="-1">With age plugins <a class="header-anchor" href="#with-age-plugins" aria-label="Permalink to &quot;With age plugins&quot;">​</a></h2><p>A plugin lets a YubiKey or another device open messages. Install it, and name its keys:</p><pre><code>$ vault share --to age1yubikey1…                    # the recipient that it printed
$ vault unlock --key yubikey.txt message.txt        # the identity file that it wrote
</code></pre><p>Its questions (a PIN, a touch) begin with its name, such as <code>age-plugin-yubikey: …</code>.</p><p><code>vault</code> runs a plugin for keys that you name yourself. For keys that others wrote, in a file of recipients or in the members log, you say which plugin may run:</p><pre><code>$ vault grant age1yubikey1…                         # a member whose key is in a YubiKey
$ vault rotate --plugin yubikey                     # seals the new key to it as well
$ git config --global git-vault.plugin yubikey      # from now on without --plugin
</code></pre><p>If the plugin is not installed or refuses the key, <code>vault</code> says that this key gets no copy, and why. <code>vault sync --plugin yubikey</code> makes the copy later.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("guide/private-keys.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const privateKeys = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  privateKeys as default
};
