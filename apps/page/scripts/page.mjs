// Makes the page: one HTML file with its style and its script in it, and a Content-Security-Policy
// that lets nothing else run.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { browserSources } from "../../../scripts/sources.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** What the page may do. `connect-src` and `img-src` are the hosts that docs/page.md names. */
const policy = (style, script) =>
  [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    // The worker is the same script, from a Blob.
    "worker-src blob:",
    "connect-src https://api.github.com/users/ https://gitlab.com/api/v4/users/",
    "img-src data: https://avatars.githubusercontent.com/u/",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types git-vault-worker",
  ].join("; ");

/** The page as it is served, the same text for the same sources, and what it was made of. */
export async function makePage(version) {
  const bundle = await rolldown({
    cwd: root,
    input: join(root, "src/main.ts"),
    platform: "browser",
    plugins: [browserSources],
    transform: { target: "es2023", define: { PAGE_VERSION: JSON.stringify(version) } },
  });
  const { output } = await bundle.generate({ format: "iife", minify: true, codeSplitting: false, comments: false });
  const [{ code }] = output;
  if (output.length !== 1 || /<\/script|<!--/i.test(code)) throw new Error("the script does not fit in one element");
  const style = readFileSync(join(root, "src/page.css"), "utf8").trim();
  const script = code.trim();
  // Functions, since a text with `$` would be taken for a pattern.
  const html = readFileSync(join(root, "src/page.html"), "utf8")
    .replace("{{policy}}", () => policy(style, script))
    .replace("{{version}}", () => version)
    .replace("<!-- style -->", () => `<style>${style}</style>`)
    .replace("<!-- script -->", () => `<script>${script}</script>`);
  return { html, files: Object.keys(output[0].modules) };
}
