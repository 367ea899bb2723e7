import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Libraries","description":"","frontmatter":{},"headers":[],"relativePath":"libraries/api/README.md","filePath":"libraries/api/README.md"}');
const _sfc_main = { name: "libraries/api/README.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="libraries" tabindex="-1">Libraries <a class="header-anchor" href="#libraries" aria-label="Permalink to &quot;Libraries&quot;">​</a></h1><h2 id="modules" tabindex="-1">Modules <a class="header-anchor" href="#modules" aria-label="Permalink to &quot;Modules&quot;">​</a></h2><ul><li><a href="./deploy/src.html">deploy/src</a></li><li><a href="./deploy/src/checks.html">deploy/src/checks</a></li><li><a href="./deploy/src/ci.html">deploy/src/ci</a></li><li><a href="./deploy/src/findings.html">deploy/src/findings</a></li><li><a href="./deploy/src/init.html">deploy/src/init</a></li><li><a href="./deploy/src/nodes.html">deploy/src/nodes</a></li><li><a href="./deploy/src/releases.html">deploy/src/releases</a></li><li><a href="./deploy/src/rollout.html">deploy/src/rollout</a></li><li><a href="./deploy/src/values.html">deploy/src/values</a></li><li><a href="./deploy/src/verify.html">deploy/src/verify</a></li><li><a href="./directory/src.html">directory/src</a></li><li><a href="./git-crypt/src.html">git-crypt/src</a></li><li><a href="./keys/src.html">keys/src</a></li><li><a href="./members/src.html">members/src</a></li><li><a href="./sealing/src.html">sealing/src</a></li><li><a href="./sharing/src.html">sharing/src</a></li></ul></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("libraries/api/README.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const README = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  README as default
};
