import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Environment variables","description":"","frontmatter":{},"headers":[],"relativePath":"reference/environment.md","filePath":"reference/environment.md"}');
const _sfc_main = { name: "reference/environment.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="environment-variables" tabindex="-1">Environment variables <a class="header-anchor" href="#environment-variables" aria-label="Permalink to &quot;Environment variables&quot;">​</a></h1><div class="language-text vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang">text</span><pre class="shiki shiki-themes github-light-high-contrast github-dark-high-contrast vp-code" tabindex="0"><code><span class="line"><span>environment</span></span>
<span class="line"><span>  GH_TOKEN, GITHUB_TOKEN      a GitHub token, in this order; public keys need</span></span>
<span class="line"><span>                              none, but allow more requests with one</span></span>
<span class="line"><span>  GITHUB_API_URL, GH_HOST     another GitHub server than github.com</span></span>
<span class="line"><span>  HTTPS_PROXY, NO_PROXY, …    the proxy to reach the network by</span></span>
<span class="line"><span>  GIT_CRYPT_KEY_NAME          for \`vault deploy\`: the same for the key NAME of a</span></span>
<span class="line"><span>                              repository with several, such as</span></span>
<span class="line"><span>                              GIT_CRYPT_KEY_PROD</span></span>
<span class="line"><span>  GIT_CRYPT_KEY               for \`vault unlock\`, \`vault decrypt\` and \`vault</span></span>
<span class="line"><span>                              deploy\`: the base64 text of a git-crypt key file,</span></span>
<span class="line"><span>                              or the path of one</span></span>
<span class="line"><span>  SOPS_AGE_KEY                private keys for layers that sops encrypted, as in</span></span>
<span class="line"><span>                              sops: age identities; or their file in</span></span>
<span class="line"><span>                              SOPS_AGE_KEY_FILE, or an SSH key&#39;s in</span></span>
<span class="line"><span>                              SOPS_AGE_SSH_PRIVATE_KEY_FILE</span></span>
<span class="line"><span>  HELM                        the Helm program of \`vault deploy\`; \`helm\` where</span></span>
<span class="line"><span>                              it is not set</span></span>
<span class="line"><span>  SSH_AUTH_SOCK               the SSH agent that messages and the members log</span></span>
<span class="line"><span>                              are signed with</span></span>
<span class="line"><span>  GIT_VAULT_ROOT              the members log that is demanded, SHA256:…, such</span></span>
<span class="line"><span>                              as in CI; GIT_VAULT_IDENTITY may name it, too</span></span>
<span class="line"><span>  GIT_VAULT_IDENTITY          the private key that opens messages and the</span></span>
<span class="line"><span>                              repository&#39;s keys, such as a CI system&#39;s: the text</span></span>
<span class="line"><span>                              AGE-SECRET-KEY-…, or the path of a private key</span></span>
<span class="line"><span>  SSH_VAULT_PASSPHRASE        the passphrase of the private key, as in ssh-vault</span></span>
<span class="line"><span>  SSH_VAULT_SSHKEYS_ONLINE    the server that \`vault create -u new\` gets a</span></span>
<span class="line"><span>                              public key from</span></span>
<span class="line"><span>  VISUAL, EDITOR              the editor of \`vault create\` and \`vault edit\`; vi</span></span>
<span class="line"><span>                              where neither is set</span></span>
<span class="line"><span>  XDG_CONFIG_HOME             where the recipients and members logs are kept</span></span>
<span class="line"><span>                              that were seen, in git-vault/known-recipients and</span></span>
<span class="line"><span>                              known-repositories</span></span>
<span class="line"><span>  XDG_CACHE_HOME              where answers of forges are kept, which are</span></span>
<span class="line"><span>                              checked again each time, and the program as Node</span></span>
<span class="line"><span>                              compiled it</span></span>
<span class="line"><span>  GIT_VAULT_COMPLETION_MS     how long completion may look for names, such as</span></span>
<span class="line"><span>                              those of environments, in milliseconds; 300 where</span></span>
<span class="line"><span>                              it is not set</span></span>
<span class="line"><span>  NODE_COMPILE_CACHE          where else the program as Node compiled it is</span></span>
<span class="line"><span>                              kept, in git-vault/code</span></span>
<span class="line"><span>  NODE_DISABLE_COMPILE_CACHE  1 keeps no compiled program, and loads none</span></span>
<span class="line"><span>  NO_COLOR, FORCE_COLOR       whether errors are coloured</span></span>
<span class="line"><span>  VAULT_DEBUG                 1 adds the stack to an error</span></span></code></pre></div></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("reference/environment.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const environment = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  environment as default
};
