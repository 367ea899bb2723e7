import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Encrypt a repository","description":"","frontmatter":{},"headers":[],"relativePath":"start/encrypt-a-repository.md","filePath":"start/encrypt-a-repository.md"}');
const _sfc_main = { name: "start/encrypt-a-repository.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="encrypt-a-repository" tabindex="-1">Encrypt a repository <a class="header-anchor" href="#encrypt-a-repository" aria-label="Permalink to &quot;Encrypt a repository&quot;">​</a></h1><pre><code>cd my-project
vault init &#39;secrets/**&#39; &#39;*.pem&#39;
git add . &amp;&amp; git commit -m &quot;Encrypt secrets&quot;
</code></pre><p><code>vault init</code> makes a key, writes the patterns to <code>.gitattributes</code>, and starts the members log with you as its first member. It asks for your user name on GitHub: the log is signed with an SSH key of that account. Without an account, press Enter. From then on, git stores every file that a pattern names encrypted. In your work tree the files stay readable.</p><p>Check what is protected:</p><pre><code>vault status
</code></pre><p>It lists the protected files, and everything that puts them at risk. The exit code is 7 if something needs your attention.</p><p>Stop commits of unencrypted secrets before they are made:</p><pre><code>vault hooks install
</code></pre><p>Let a colleague in, and push:</p><pre><code>vault grant choldgraf
git push
</code></pre><p>Colleagues clone the repository and run:</p><pre><code>vault unlock
</code></pre><p>The first time, it shows the root of the members log and asks whether that is the right one. Tell them the root that <code>vault log</code> prints in your clone.</p><p><strong>Files that were committed before.</strong> <code>vault init</code> names files that are in the history unencrypted. <code>vault status --fix</code> encrypts them from now on. Their secrets stay readable in older commits: change them.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("start/encrypt-a-repository.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const encryptARepository = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  encryptARepository as default
};
