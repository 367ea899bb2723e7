// Bundles the command line into lazy chunks in dist/, and writes what the package carries beside
// them: the man pages, the notices of everything that was bundled,
// README and licence.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { workspaceSources } from "../../../scripts/sources.mjs";
import { makePage } from "../../page/scripts/page.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const dist = join(root, "dist");
const define = {
  VAULT_VERSION: JSON.stringify(version),
  VAULT_COMMIT: JSON.stringify(process.env.GIT_VAULT_COMMIT ?? null),
  CHECK_PAGES: JSON.stringify(checkPages()),
};
const options = {
  cwd: root,
  platform: "node",
  plugins: [workspaceSources],
  transform: { target: "node20.19", define },
};

/** The sections of docs/checks.md that tell of one check each, in Markdown, by the check's id. */
function checkPages() {
  const text = readFileSync(join(root, "../../docs/checks.md"), "utf8");
  const [, checks] = text.split("\n# What is looked for\n");
  return Object.fromEntries(
    [...checks.matchAll(/^## (\S+)\n([^]*?)(?=^## |$(?![^]))/gm)].map(([, id, page]) => [id, page.trim()]),
  );
}

/*
 * The chunks are CommonJS, since Node starts its loader for ES modules only where it meets one,
 * which takes longer than all of `vault --help`. They are few, since each file costs about half a
 * millisecond: what program.ts imports and nearly all need, what view and share to a key file need
 * beside that, what the commands take that are not on messages, what the network needs, what git
 * itself runs, what works on the members log, and each library that only some runs need.
 */
const own = (path) => join(root, path);
const directory = (name) => own(`../../packages/directory/src/${name}.ts`);
const sharing = (name) => own(`../../packages/sharing/src/${name}.ts`);
const program = own("src/program.ts");
const imports = await importsFrom(program);
const chunks = {
  program: [
    program,
    sharing("trust/locked-file"),
    own("../../packages/git-crypt/src/programs.ts"),
    own("src/io/progress.ts"),
  ],
  work: [own("src/commands/message/view.ts"), own("src/commands/message/share.ts"), directory("file")],
  commands: [own("src/commands/index.ts")],
  network: ["github", "http", "web", "settings", "cache"].map(directory),
  repository: [
    ...["filter", "merge", "hooks", "status", "lock"].map((name) => own(`src/commands/repository/${name}.ts`)),
    own("src/commands/about/doctor.ts"),
  ],
  members: [
    ...["grant", "holders", "log", "sync", "revoke", "rotate"].map((name) => own(`src/commands/holders/${name}.ts`)),
    own("src/commands/repository/init.ts"),
    sharing("members/index"),
  ],
};
// Commands on messages look at a repository, where there is one.
const isOfRepositories = (id) => /[/\\]packages[/\\]git-crypt/.test(id);
/**
 * The indexes of the packages lead to what only signed messages need, which is kept out of the
 * chunks above.
 */
const ofPackage = (name, files) => files.map((file) => own(`../../packages/${name}/src/${file}.ts`));
const signatures = new Set([
  ...ofPackage(
    "keys",
    ["agent-protocol", "allowed-signers", "signature", "signing", "signing-key"].map((file) => `signature/${file}`),
  ),
  ...ofPackage("sealing", ["age/attached-signature", "message-signature"]),
  ...ofPackage("sharing", [
    "messages/check-signer",
    "messages/sign-message",
    "identities/signer",
    "identities/ssh-agent",
  ]),
  own("src/commands/sign-options.ts"),
  own("src/commands/message/signature-report.ts"),
  own("src/commands/message/known-signer.ts"),
  own("src/io/git-config.ts"),
]);
const groups = Object.entries(chunks).map(([name, entries], at) => {
  const modules = closure(entries, name === "work" ? isOfRepositories : undefined);
  return { name, test: (id) => modules.has(id) && !signatures.has(id), priority: 9 - at };
});
groups.push({ name: "signatures", test: (id) => signatures.has(id), priority: 0 });

// Parsing is a good part of start-up; names stay, for readable stacks.
const minify = { compress: true, mangle: false, codegen: true };
rmSync(dist, { recursive: true, force: true });
const bundle = await rolldown({ ...options, input: { program }, preserveEntrySignatures: false });
const { output } = await bundle.write({
  dir: dist,
  format: "cjs",
  exports: "named",
  entryFileNames: "[name].cjs",
  chunkFileNames: ({ facadeModuleId, name }) =>
    `${
      packageOf(facadeModuleId ?? "")
        ?.replace(/^@/, "")
        .replace("/", "-") ?? name
    }.cjs`,
  codeSplitting: { groups, includeDependenciesRecursively: false },
  minify,
  comments: false, // the licences are in THIRD-PARTY-NOTICES.txt
});

takeInRuntime("rolldown-runtime.cjs", "program.cjs");
for (const { name } of groups) writeAscii(join(dist, `${name}.cjs`));

/*
 * These share no chunk with the program, which would run in them: the filter, a thread of its own,
 * and the entry, which knows the others by their contents. An old Node can read the entry, and is
 * told in it which one is needed.
 */
const OLD = "es2015";
for (const source of ["filter", "io/chunk-worker", "main", "standalone"]) {
  const defined = { ...define, PROGRAM: JSON.stringify(contentsOf(dist)) };
  const isEntry = source === "main";
  const transform = { target: isEntry ? OLD : options.transform.target, define: defined };
  const alone = await rolldown({ ...options, transform, input: own(`src/${source}.ts`) });
  // What the standalone program starts with is built after all that it holds, and is not published.
  const file = source === "standalone" ? own("standalone/entry.cjs") : join(dist, `${basename(source)}.cjs`);
  await alone.write({
    file,
    format: "cjs",
    codeSplitting: false,
    minify: isEntry ? { ...minify, compress: { target: OLD } } : minify,
    banner: isEntry ? nodeCheck(engines.node.replace(">=", "")) : "",
    comments: false,
  });
  if (source === "filter") writeAscii(file);
}
chmodSync(join(dist, "main.cjs"), 0o755);
const sealPage = await makePage(version);
writeFileSync(join(dist, "seal.html"), sealPage.html);
const inputs = [...output.flatMap((chunk) => Object.keys(chunk.modules ?? {})), ...sealPage.files];

/** Ends an older Node with a sentence: the first thing that runs, in the JavaScript of old. */
function nodeCheck(oldest) {
  const [major, minor] = oldest.split(".");
  return [
    "var node = process.versions.node.split('.').map(Number);",
    `if (node[0] < ${major} || (node[0] === ${major} && node[1] < ${minor})) {`,
    `  process.stderr.write('vault: error: expected Node ${oldest} or newer to run git-vault, got ' + node.join('.') + '\\n');`,
    "  process.exit(1);",
    "}",
  ].join("\n");
}

/**
 * Moves the bundler's few functions, which lie in a file of their own, into the one that each run
 * begins with.
 */
function takeInRuntime(runtime, first) {
  const functions = readFileSync(join(dist, runtime), "utf8");
  const required = `require("./${runtime}")`;
  for (const { fileName, code } of output.filter(({ type }) => type === "chunk")) {
    if (fileName === runtime || !code.includes(required)) continue;
    const inside = `exports.runtime=(exports=>{${functions};return exports})({})`;
    const there = `require("./${first}").runtime`;
    writeFileSync(
      join(dist, fileName),
      code.replaceAll(required, () => (fileName === first ? inside : there)),
    );
  }
  rmSync(join(dist, runtime));
}

/**
 * Writes what is not ASCII in a file of the program as escapes: V8 takes twice the memory for a
 * text that is not.
 */
function writeAscii(file) {
  const text = readFileSync(file, "utf8");
  // Where it is read raw, or follows a backslash, an escape is not what it stands for.
  if (/\.raw`[^`]*[^\0-\x7f]|(?<!\\)(?:\\\\)*\\[^\0-\x7f]/.test(text))
    throw new Error(`${file} cannot be written in ASCII`);
  const escaped = text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  writeFileSync(file, escaped);
}

/** A name for the contents of all files in a folder. */
function contentsOf(folder) {
  const digest = createHash("sha256");
  for (const name of readdirSync(folder).toSorted())
    digest.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return digest.digest("hex").slice(0, 32);
}

/** What each module imports, other than by `import()`. */
async function importsFrom(entry) {
  const graph = new Map();
  const plugin = {
    name: "graph",
    generateBundle() {
      for (const id of this.getModuleIds()) graph.set(id, this.getModuleInfo(id).importedIds);
    },
  };
  const looked = await rolldown({ ...options, input: entry, plugins: [workspaceSources, plugin] });
  await looked.generate({ format: "cjs" });
  return graph;
}

/** Modules and all that they import, but for what `isElsewhere` names. */
function closure(ids, isElsewhere = () => false, seen = new Set()) {
  for (const id of ids) {
    if (seen.has(id) || isElsewhere(id)) continue;
    seen.add(id);
    closure(imports.get(id) ?? [], isElsewhere, seen);
  }
  return seen;
}

/** The name of the installed package that a file belongs to; undefined for our own. */
function packageOf(path) {
  const [, name] = /.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(path) ?? [];
  return name?.replace("\\", "/");
}

const { manPages } = await runHere("man");
const { jsonSchemas } = await runHere("json-schemas");

/** What a file among the sources exports, which is run by this build. */
async function runHere(name) {
  const sources = await rolldown({ ...options, input: own(`src/${name}.ts`) });
  const alone = await sources.generate({ format: "cjs", codeSplitting: false });
  const file = join(dist, `${name}.cjs`);
  writeFileSync(file, alone.output[0].code);
  const exported = createRequire(import.meta.url)(file);
  rmSync(file);
  return exported;
}

rmSync(join(root, "man"), { recursive: true, force: true });
mkdirSync(join(root, "man"));
for (const [name, text] of Object.entries(manPages(version))) writeFileSync(join(root, "man", name), text);
rmSync(join(root, "schemas"), { recursive: true, force: true });
mkdirSync(join(root, "schemas"));
for (const [name, schema] of Object.entries(jsonSchemas()))
  writeFileSync(join(root, "schemas", `${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);

const packages = bundledPackages(inputs);
writeFileSync(join(root, "THIRD-PARTY-NOTICES.txt"), notices(packages));
const names = packages.map(({ manifest: { name, version: its } }) => ({ name, version: its }));
writeFileSync(join(root, "standalone/bundled.json"), JSON.stringify(names));
for (const name of ["README.md", "LICENSE"]) cpSync(join(root, "../..", name), join(root, name));

/**
 * What the LGPL asks for beside its own text: the GPL's, where the source is, and how to put
 * another version in.
 */
function withGpl(text, name, source) {
  const chunk = `dist/${name.replace(/^@/, "").replace("/", "-")}.cjs`;
  if (!existsSync(join(root, chunk))) throw new Error(`${name} is under the LGPL and must have a file of its own`);
  const note = `It is used unchanged, its source is ${source}, and it lies in ${chunk}, which another build of it can replace.`;
  return `${note}\n\n${text}\n\n${readFileSync(join(root, "scripts/GPL-3.0.txt"), "utf8").trim()}`;
}

/** The packages that `files` were taken from: each one's folder and manifest, by name. */
function bundledPackages(files) {
  const folders = new Set();
  for (const file of files) {
    const name = packageOf(file);
    if (name !== undefined) folders.add(join(file.slice(0, file.lastIndexOf("node_modules")), "node_modules", name));
  }
  const all = [...folders].map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
  }));
  return all.toSorted((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1));
}

function titleOf({ manifest: { name, version: its, license } }) {
  return `${name} ${its} (${license})`;
}

/** The name, version, licence and licence text of each package. */
function notices(all) {
  const entries = all.map((each) => {
    const { name, version: its, license, repository } = each.manifest;
    const file = readdirSync(each.folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text =
      file === undefined
        ? "(the package has no file for its licence)"
        : readFileSync(join(each.folder, file), "utf8").trim();
    return {
      title: titleOf(each),
      text: license.startsWith("LGPL") ? withGpl(text, name, `${repository?.url ?? repository} ${its}`) : text,
    };
  });
  const rule = "-".repeat(80);
  return `The program contains code of these packages:\n\n${entries.map(({ title, text }) => `${rule}\n${title}\n${rule}\n${text}\n`).join("\n")}`;
}
