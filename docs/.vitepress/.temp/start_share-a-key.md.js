import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Share a key in five minutes","description":"","frontmatter":{},"headers":[],"relativePath":"start/share-a-key.md","filePath":"start/share-a-key.md"}');
const _sfc_main = { name: "start/share-a-key.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="share-a-key-in-five-minutes" tabindex="-1">Share a key in five minutes <a class="header-anchor" href="#share-a-key-in-five-minutes" aria-label="Permalink to &quot;Share a key in five minutes&quot;">​</a></h1><p>Alice has a repository that git-crypt or <code>vault</code> encrypts. Her clone is unlocked. She wants to give Chris, <code>choldgraf</code> on GitHub, the key.</p><h2 id="alice-look-first" tabindex="-1">Alice: look first <a class="header-anchor" href="#alice-look-first" aria-label="Permalink to &quot;Alice: look first&quot;">​</a></h2><pre><code>vault keys choldgraf
</code></pre><p>This lists the public keys on his GitHub account. It says which ones a message can be sealed to.</p><h2 id="alice-seal-the-key" tabindex="-1">Alice: seal the key <a class="header-anchor" href="#alice-seal-the-key" aria-label="Permalink to &quot;Alice: seal the key&quot;">​</a></h2><pre><code>vault share --to choldgraf -c
</code></pre><p>The sealed key is on her clipboard. It is text, and only Chris can open it: she pastes it into a chat, a mail or an issue. The first time, <code>vault</code> shows the fingerprints of his keys and asks whether they are his.</p><p>Use <code>-o message.txt</code> for a file, or neither for standard output. With <code>--sign</code>, Chris sees who sent it.</p><h2 id="chris-unlock" tabindex="-1">Chris: unlock <a class="header-anchor" href="#chris-unlock" aria-label="Permalink to &quot;Chris: unlock&quot;">​</a></h2><p>In a clone of the repository, with the message on the clipboard:</p><pre><code>vault unlock
</code></pre><p>That&#39;s all. The private key in <code>~/.ssh</code> opens the message, and the files in the work tree become readable. With a file: <code>vault unlock message.txt</code>.</p><p>If he prefers git-crypt itself, or has no <code>vault</code>, see <a href="./../how-to/open-without-vault.html">Open a message without vault</a>.</p><h2 id="next" tabindex="-1">Next <a class="header-anchor" href="#next" aria-label="Permalink to &quot;Next&quot;">​</a></h2><ul><li>Let Chris take the key from the repository itself, without a message: <a href="./../how-to/add-a-colleague.html">Add a colleague</a>.</li><li>Encrypt a repository of your own: <a href="./encrypt-a-repository.html">Encrypt a repository</a>.</li></ul></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("start/share-a-key.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const shareAKey = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  shareAKey as default
};
