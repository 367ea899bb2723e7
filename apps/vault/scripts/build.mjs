// Bundles the command line into lazy ESM chunks in dist/, and writes what the package carries beside them: clipboardy's
// helper programs, the man page, and the notices of everything that was bundled.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  define: { VAULT_VERSION: JSON.stringify(version) },
  write: false,
};

const program = await build({
  ...common,
  entryPoints: { main: "src/main.ts" },
  outdir: "dist",
  splitting: true,
  chunkNames: "[name]-[hash]",
  minifyWhitespace: true, // parsing is a good part of start-up; names stay, for readable stacks
  minifySyntax: true,
  legalComments: "none", // they are in THIRD-PARTY-NOTICES.txt
  metafile: true,
});
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const { path, text } of program.outputFiles) writeFileSync(path, withRequire(text));
chmodSync(join(dist, "main.js"), 0o755);

// Bundled CommonJS calls `require` for Node's own modules. esbuild's shim looks for it in the chunk of the shim alone, so that
// no other chunk has to pay for making one.
function withRequire(text) {
  if (!/typeof require\b/.test(text)) return text;
  return `import{createRequire}from"node:module";const require=createRequire(import.meta.url);${text}`;
}

// clipboardy looks for its programs in ../fallbacks, seen from its own file.
rmSync(join(root, "fallbacks"), { recursive: true, force: true });
cpSync(join(realpathSync(join(root, "node_modules/clipboardy")), "fallbacks"), join(root, "fallbacks"), { recursive: true });

const manSource = await build({ ...common, entryPoints: ["src/man.ts"], external: ["./commands/*"] });
const manModule = `data:text/javascript;base64,${Buffer.from(manSource.outputFiles[0].text).toString("base64")}`;
mkdirSync(join(root, "man"), { recursive: true });
writeFileSync(join(root, "man/vault.1"), (await import(manModule)).manPage(version));

writeFileSync(join(root, "THIRD-PARTY-NOTICES.txt"), notices(Object.keys(program.metafile.inputs)));

/** The name, version, licence and licence text of every package that `inputs` were taken from. */
function notices(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const path = realpathSync(join(root, input));
    const at = path.lastIndexOf("/node_modules/");
    if (at === -1) continue;
    const [scope, name] = path.slice(at + "/node_modules/".length).split("/");
    folders.add(join(path.slice(0, at), "node_modules", scope.startsWith("@") ? join(scope, name) : scope));
  }
  const entries = [...folders].map((folder) => {
    const { name, version: its, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : "(no licence file)";
    return { title: `${name} ${its} (${license})`, text };
  });
  entries.sort((a, b) => (a.title < b.title ? -1 : 1));
  const rule = "-".repeat(80);
  return `The program contains code of these packages:\n\n${entries.map(({ title, text }) => `${rule}\n${title}\n${rule}\n${text}\n`).join("\n")}`;
}
