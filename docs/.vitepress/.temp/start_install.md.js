import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Install","description":"","frontmatter":{},"headers":[],"relativePath":"start/install.md","filePath":"start/install.md"}');
const _sfc_main = { name: "start/install.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="install" tabindex="-1">Install <a class="header-anchor" href="#install" aria-label="Permalink to &quot;Install&quot;">​</a></h1><p>You need git. The standalone program needs nothing else. The npm package needs Node 20.19 or newer.</p><table tabindex="0"><thead><tr><th>with</th><th>command</th></tr></thead><tbody><tr><td>Linux, macOS</td><td><code>curl -fsSLO https://github.com/git-vault/git-vault/releases/latest/download/install.sh &amp;&amp; sh install.sh</code></td></tr><tr><td>npm</td><td><code>npm install --global git-vault</code></td></tr><tr><td>Homebrew</td><td><code>brew install ./git-vault.rb</code>, with the file of the release</td></tr><tr><td>Debian, Ubuntu, Fedora</td><td><code>sudo apt install ./git-vault_*.deb</code>, <code>sudo dnf install ./git-vault-*.rpm</code></td></tr><tr><td>Windows</td><td><code>scoop install git-vault.json</code>, with the file of the release</td></tr><tr><td>Nix</td><td><code>nix profile install path:.</code>, beside the release&#39;s <code>flake.nix</code></td></tr><tr><td>GitHub Actions</td><td><code>uses: git-vault/git-vault@COMMIT</code>, see <a href="./../how-to/ci-github.html">CI on GitHub</a></td></tr></tbody></table><p>Nothing is released yet. Until then, install from a clone:</p><pre><code>git clone https://github.com/git-vault/git-vault &amp;&amp; cd git-vault
npm run demo                       # installs, builds, and shows the whole story
npm install --global ./apps/vault
</code></pre><p>To make the files of a release yourself, see <a href="./../releasing.html">Releasing</a>.</p><p>The installer compares the program&#39;s SHA-256 with the release&#39;s before it runs it, and installs below <code>~/.local</code>; <code>--prefix FOLDER</code> names another folder. To prove where a file comes from, check its attestation: <a href="https://github.com/git-vault/git-vault/blob/main/SECURITY.md" target="_blank" rel="noreferrer">SECURITY.md</a>.</p><p>The command is <code>vault</code>. <code>git vault</code> runs the same program; use that name if another <code>vault</code>, such as HashiCorp&#39;s, is on your <code>PATH</code>. <code>git vault doctor</code> tells you where each of them is.</p><p>If you work with people on GitHub, give <code>vault</code> your token, or GitHub answers only 60 questions an hour. With the GitHub CLI:</p><pre><code>export GH_TOKEN=$(gh auth token)
</code></pre><p>Packages and the installer bring completions for bash, zsh and fish. With npm, load them in your shell&#39;s configuration:</p><table tabindex="0"><thead><tr><th>shell</th><th>line</th></tr></thead><tbody><tr><td>bash</td><td><code>source &lt;(vault completion bash)</code></td></tr><tr><td>zsh</td><td><code>source &lt;(vault completion zsh)</code>, after <code>compinit</code></td></tr><tr><td>fish</td><td><code>vault completion fish | source</code></td></tr><tr><td>PowerShell</td><td><code>vault completion powershell | Out-String | Invoke-Expression</code></td></tr></tbody></table><p>Tab then completes commands, flags and files, and what is known on your machine: environments and releases of <code>deploy.yaml</code>, members, key names, and recipients that you shared with before; for <code>vault deploy nodes</code> also the nodes of a cluster that answers fast. It runs <code>git-vault</code>, which answers within 300 ms or not at all; <code>GIT_VAULT_COMPLETION_MS</code> sets another limit.</p><p>To remove it: <code>sh install.sh --remove</code>, <code>npm uninstall --global git-vault</code>, or as your package manager does. Repositories that it set up keep its settings: run <code>git vault lock</code> in them first.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("start/install.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const install = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  install as default
};
