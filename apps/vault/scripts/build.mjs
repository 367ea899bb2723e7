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
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/*
 * main.cjs parses argv and shows help; commands.cjs is all the rest of our own code; each library that only some runs need is
 * a file of its own, loaded when it is needed. They are CommonJS, since Node starts its loader for ES modules only where it
 * meets one, which takes longer than all of `vault --help`; and few, since each file costs about a millisecond.
 */
const LIBRARIES = ["@octokit/rest", "bcrypt-pbkdf", "clipboardy", "inquirer", "sshpk", "tweetnacl", "undici"];
const libraryFile = (name) => `./${name.replace("@", "").replace("/", "-")}.cjs`;

const common = {
  absWorkingDir: root,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20.19",
  supported: { "dynamic-import": false }, // it becomes a lazy require
  define: { VAULT_VERSION: JSON.stringify(version), "import.meta.url": "importMetaUrl" },
  minifyWhitespace: true, // parsing is a good part of start-up; names stay, for readable stacks
  minifySyntax: true,
  legalComments: "none", // they are in THIRD-PARTY-NOTICES.txt
  metafile: true,
};

/** Leaves what is imported lazily to the file that holds it, and remembers where a library was found. */
const found = new Map();
const lazyFiles = {
  name: "lazy-files",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, kind, pluginData, ...rest }) => {
      if (kind !== "dynamic-import" || pluginData === "resolved") return undefined;
      if (path === "./commands/index.ts") return { path: "./commands.cjs", external: true };
      if (!LIBRARIES.includes(path)) return undefined;
      const { path: file } = await resolve(path, { kind, ...rest, pluginData: "resolved" });
      found.set(path, file);
      return { path: libraryFile(path), external: true };
    });
  },
};

const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
const program = await build({
  ...common,
  entryPoints: { main: "src/main.ts", commands: "src/commands/index.ts" },
  outdir: dist,
  outExtension: { ".js": ".cjs" },
  plugins: [lazyFiles],
});
chmodSync(join(dist, "main.cjs"), 0o755);

const inputs = Object.keys(program.metafile.inputs);
for (const name of LIBRARIES) {
  const file = found.get(name);
  if (file === undefined) throw new Error(`${name} is not imported lazily anywhere: take it out of LIBRARIES`);
  const { metafile } = await build({
    ...common,
    // Who requires it takes all of it for the default export, as Node does for CommonJS.
    stdin: {
      contents: `const library = require(${JSON.stringify(file)});
        module.exports = library.__esModule && library.default ? library.default : library;`,
      resolveDir: root,
    },
    outfile: join(dist, libraryFile(name)),
    inject: [join(root, "scripts/import-meta-url.mjs")],
  });
  inputs.push(...Object.keys(metafile.inputs));
}

// clipboardy looks for its programs in ../fallbacks, seen from its own file.
rmSync(join(root, "fallbacks"), { recursive: true, force: true });
cpSync(join(realpathSync(join(root, "node_modules/clipboardy")), "fallbacks"), join(root, "fallbacks"), {
  recursive: true,
});

const man = await build({ ...common, entryPoints: ["src/man.ts"], write: false });
const manModule = { exports: {} };
new Function("module", "require", man.outputFiles[0].text)(manModule, createRequire(import.meta.url));
mkdirSync(join(root, "man"), { recursive: true });
writeFileSync(join(root, "man/vault.1"), manModule.exports.manPage(version));

writeFileSync(join(root, "THIRD-PARTY-NOTICES.txt"), notices(inputs));
for (const name of ["README.md", "LICENSE"]) cpSync(join(root, "../..", name), join(root, name));

/** The name, version, licence and licence text of every package that `files` were taken from. */
function notices(files) {
  const folders = new Set();
  for (const input of files) {
    if (input === "<stdin>") continue;
    const path = realpathSync(join(root, input));
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
