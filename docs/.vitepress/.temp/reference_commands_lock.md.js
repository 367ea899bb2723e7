import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"vault lock","description":"","frontmatter":{},"headers":[],"relativePath":"reference/commands/lock.md","filePath":"reference/commands/lock.md"}');
const _sfc_main = { name: "reference/commands/lock.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="vault-lock" tabindex="-1">vault lock <a class="header-anchor" href="#vault-lock" aria-label="Permalink to &quot;vault lock&quot;">​</a></h1><div class="language-sh vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">sh</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span style="--shiki-light:#702C00;--shiki-dark:#FFB757;">vault</span><span style="--shiki-light:#032563;--shiki-dark:#ADDCFF;"> lock</span><span style="--shiki-light:#0E1116;--shiki-dark:#F0F3F6;"> [FLAGS]</span></span></code></pre></div><p>Encrypt the protected files in the work tree, and remove the keys from the repository.</p><p>It refuses where no copy of a key is known but the one here, since nothing would open the repository again: a copy in a commit for one of your private keys, one that <code>vault export-key</code> or <code>vault share</code> made, the file or message that it was unlocked with, or a remote on this machine that is unlocked. <code>--without-copy</code> locks nevertheless.</p><p>Plaintext that it leaves is named: files that git does not track, ignored ones too, on protected paths, and what editors keep beside protected files, such as <code>file~</code>, <code>.file.swp</code>, <code>file.orig</code>; also in other work trees.</p><p>It refuses while protected files have changes that are not staged, and while another work tree of the repository holds decrypted files: that one would then store plaintext. With <code>--force</code> files are encrypted with their changes, which unlocking brings back, and work trees whose folder is gone are passed over; with <code>--all-worktrees</code> the others are locked along.</p><p>In the place of the filter it leaves a guard: as long as the key is not here, git refuses plaintext on its paths, and takes what is encrypted.</p><h2 id="flags" tabindex="-1">Flags <a class="header-anchor" href="#flags" aria-label="Permalink to &quot;Flags&quot;">​</a></h2><table tabindex="0"><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td><code>--key-name NAME</code></td><td>the name of the repository&#39;s git-crypt key; default <code>default</code></td></tr><tr><td><code>--all-worktrees</code></td><td>lock the other work trees of the repository along</td></tr><tr><td><code>--without-copy</code></td><td>lock also where no other copy of a key is known</td></tr><tr><td><code>--force</code></td><td>go on where the command would refuse; its help says where</td></tr><tr><td><code>-j, --json</code></td><td>print one JSON object, see <code>vault help json</code></td></tr><tr><td><code>-q, --quiet</code></td><td>print nothing but the answer and errors</td></tr></tbody></table></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/commands/lock.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const lock = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  lock as default
};
