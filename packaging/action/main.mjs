// The action of GitHub: takes the program of one release, which must have the digest that the
// workflow pins, puts it on the PATH of the steps that follow, and unlocks where a key is given.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { finish, input, state } from "./runner.mjs";

const RELEASES = "https://github.com/git-vault/git-vault/releases/download";

async function main() {
  const [version, digest] = [input("version"), input("sha256")];
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error("expected an input version such as 1.2.3");
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error("expected an input sha256 of 64 hexadecimal digits");
  const isWindows = process.platform === "win32";
  const isMusl = process.platform === "linux" && process.report.getReport().header.glibcVersionRuntime === undefined;
  const name = `git-vault-${version}-${process.platform}-${process.arch}${isMusl ? "-musl" : ""}`;
  const archive = `${name}.${isWindows ? "zip" : "tar.gz"}`;
  const folder = mkdtempSync(join(process.env.RUNNER_TEMP, "git-vault-"));
  state("folder", folder);

  const answer = await fetch(`${process.env.GIT_VAULT_RELEASES ?? RELEASES}/v${version}/${archive}`);
  if (!answer.ok) throw new Error(`${archive} could not be downloaded: ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== digest) throw new Error(`${archive} has the SHA-256 ${found}, and the input sha256 is ${digest}`);
  writeFileSync(join(folder, archive), bytes);
  // Windows has a tar that reads both.
  run("tar", ["-xf", archive], { cwd: folder });
  const bin = join(folder, name, "bin");
  appendFileSync(process.env.GITHUB_PATH, `${bin}\n`);

  const [key, identity, root] = [input("key"), input("identity"), input("root")];
  if (key === "" && identity === "") return;
  const repository = resolve(process.env.GITHUB_WORKSPACE, input("directory"));
  const program = join(bin, isWindows ? "vault.exe" : "vault");
  // What is to be locked is known before anything is unlocked.
  state("repository", repository);
  state("program", program);
  const env = { ...process.env, GIT_CRYPT_KEY: key, GIT_VAULT_IDENTITY: identity, GIT_VAULT_ROOT: root };
  for (const each of Object.keys(env)) if (env[each] === "" || each.startsWith("INPUT_")) delete env[each];
  run(program, ["unlock", "--no-input"], { cwd: repository, env });
}

function run(program, args, options) {
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"], ...options });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${args[0] === "unlock" ? "git-vault could not unlock" : program}: exit code ${status}`);
}

await finish(main);
