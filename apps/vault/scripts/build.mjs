// Bundles the command line into lazy chunks in dist/, and writes what the package carries beside them: clipboardy's
// helper programs, the man page, the notices of everything that was bundled, README and licence.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const dist = join(root, "dist");
const hot = [
  "src/main.ts",
  "src/commands/view.ts",
  "src/commands/share.ts",
  "../../packages/directory/dist/file.js",
].map((path) => join(root, path));
const options = {
  cwd: root,
  platform: "node",
  transform: { target: "node20.19", define: { VAULT_VERSION: JSON.stringify(version) } },
};

/*
 * The chunks are CommonJS, since Node starts its loader for ES modules only where it meets one, which takes longer than all of
 * `vault --help`. They are few where it matters, since each file costs about half a millisecond: what main.ts imports is one
 * chunk, what view, and share to a key file, import is another, and everything that only some runs need is loaded by those.
 */
const imports = new Map();
const graph = {
  name: "graph",
  generateBundle() {
    for (const id of this.getModuleIds()) imports.set(id, this.getModuleInfo(id).importedIds);
  },
};
const first = await rolldown({ ...options, input: hot[0], plugins: [graph] });
await first.generate({ format: "cjs" });
const [start, ...commands] = hot.map((id) => closure(id));
const atStart = (id) => start.has(id);
const atWork = (id) => commands.some((modules) => modules.has(id));

rmSync(dist, { recursive: true, force: true });
const bundle = await rolldown({ ...options, input: { main: hot[0] } });
const { output } = await bundle.write({
  dir: dist,
  format: "cjs",
  exports: "named",
  entryFileNames: "[name].cjs",
  chunkFileNames: "[name].cjs",
  codeSplitting: {
    groups: [
      { name: "start", test: atStart, priority: 2 },
      { name: "work", test: atWork, priority: 1 },
    ],
  },
  minify: { compress: true, mangle: false, codegen: true }, // parsing is a good part of start-up; names stay, for readable stacks
  comments: false, // the licences are in THIRD-PARTY-NOTICES.txt
});
chmodSync(join(dist, "main.cjs"), 0o755);
const inputs = output.flatMap((chunk) => Object.keys(chunk.modules ?? {}));

/** A module and all that it imports, other than by `import()`. */
function closure(id, seen = new Set()) {
  if (!seen.has(id)) {
    seen.add(id);
    for (const imported of imports.get(id) ?? []) closure(imported, seen);
  }
  return seen;
}

// clipboardy looks for its programs in ../fallbacks, seen from its own file.
rmSync(join(root, "fallbacks"), { recursive: true, force: true });
cpSync(join(realpathSync(join(root, "node_modules/clipboardy")), "fallbacks"), join(root, "fallbacks"), {
  recursive: true,
});

const man = await rolldown({ ...options, input: join(root, "src/man.ts") });
const page = await man.generate({ format: "cjs", codeSplitting: false });
const manModule = { exports: {} };
new Function("exports", "require", page.output[0].code)(manModule.exports, createRequire(import.meta.url));
mkdirSync(join(root, "man"), { recursive: true });
writeFileSync(join(root, "man/vault.1"), manModule.exports.manPage(version));

writeFileSync(join(root, "THIRD-PARTY-NOTICES.txt"), notices(inputs));
for (const name of ["README.md", "LICENSE"]) cpSync(join(root, "../..", name), join(root, name));

/** The name, version, licence and licence text of every package that `files` were taken from. */
function notices(files) {
  const folders = new Set();
  for (const input of files) {
    const path = input.replace(/^\0/, "").replace(/\?.*$/, "");
    const at = path.lastIndexOf("/node_modules/");
    if (at === -1) continue;
    const [scope, name] = path.slice(at + "/node_modules/".length).split("/");
    folders.add(join(path.slice(0, at), "node_modules", scope.startsWith("@") ? join(scope, name) : scope));
  }
  const entries = [...folders].map((folder) => {
    const { name, version: its, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text =
      file !== undefined && existsSync(join(folder, file))
        ? readFileSync(join(folder, file), "utf8").trim()
        : "(the package has no file for its licence)";
    return { title: `${name} ${its} (${license})`, text };
  });
  entries.sort((a, b) => (a.title < b.title ? -1 : 1));
  const rule = "-".repeat(80);
  return `The program contains code of these packages:\n\n${entries.map(({ title, text }) => `${rule}\n${title}\n${rule}\n${text}\n`).join("\n")}`;
}
