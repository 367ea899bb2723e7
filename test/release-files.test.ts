import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { peer, run, runOk, temporaryFolder, throwawayRepository, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { files, read, ROOT } from "./sources.ts";

/* What other people's machines run of ours: workflows, the action, the container, the installer. */
const zizmor = peer("zizmor");
const actionlint = peer("actionlint");
const hadolint = peer("hadolint");

describe("the workflows and the action", () => {
  test.skipIf(zizmor.missing)(`have nothing that a linter objects to: ${zizmor.label}`, async () => {
    using folder = temporaryFolder();
    for (const name of [".github", "action.yml"])
      cpSync(join(ROOT, name), join(folder.path, name), { recursive: true });
    const words = ["--offline", "--no-progress", "--persona", "auditor", folder.path];
    const { status, stdout, stderr } = await run(zizmor.path, words);
    expect({ status, said: status === 0 ? "" : stdout.toString() + stderr }).toEqual({ status: 0, said: "" });
  });

  test.skipIf(actionlint.missing)(`are what GitHub takes: ${actionlint.label}`, async () => {
    const paths = files(/^(?:\.github|docs\/example\/[^/]+)\/workflows\/.*\.yml$/);
    expect(paths.length).toBeGreaterThan(4);
    const github = paths.filter((path) => path.startsWith(".github/"));
    const { status, stdout } = await run(actionlint.path, ["-shellcheck=", ...github], { cwd: ROOT });
    expect({ status, said: stdout.toString() }).toEqual({ status: 0, said: "" });
  });

  test("run no action but by its commit", () => {
    for (const path of files(/^\.github\/workflows\//)) {
      for (const [, name] of read(path).matchAll(/uses: (\S+)/g)) expect(name).toMatch(/@[0-9a-f]{40}$/);
    }
  });
});

test.skipIf(hadolint.missing)(`the container's recipe is sound: ${hadolint.label}`, async () => {
  const { status, stdout } = await run(hadolint.path, [join(ROOT, "packaging/container/Containerfile")]);
  expect({ status, said: stdout.toString() }).toEqual({ status: 0, said: "" });
  expect(read("packaging/container/Containerfile")).toMatch(/^USER \d+:\d+$/m);
});

const PAGES = ["git-vault.1", "vault-share.1", "vault.1"];

/** A release of one archive, whose program is a script that tells what it was run with. */
async function startRelease(folder: string) {
  const name = `git-vault-1.2.3-${process.platform}-${process.arch}`;
  mkdirSync(join(folder, name, "bin"), { recursive: true });
  // It is "locked" where no file `plain` is there.
  const program = `#!/bin/sh
echo "$* key=\${GIT_CRYPT_KEY:-none} input=\${INPUT_KEY:-none}" >>"${folder}/ran"
case $1 in unlock) : >plain ;; lock) rm -f plain ;; *) echo 'vault 1.2.3' ;; esac
`;
  for (const each of ["vault", "git-vault"]) writeFileSync(join(folder, name, "bin", each), program, { mode: 0o755 });
  for (const path of [
    ...PAGES.map((page) => `man/man1/${page}`),
    "bash-completion/completions/vault",
    "bash-completion/completions/git-vault",
    "zsh/site-functions/_vault",
    "zsh/site-functions/_git-vault",
    "fish/vendor_completions.d/vault.fish",
    "fish/vendor_completions.d/git-vault.fish",
    "doc/git-vault/README.md",
    "doc/git-vault/LICENSE",
    "doc/git-vault/THIRD-PARTY-NOTICES.txt",
  ]) {
    mkdirSync(join(folder, name, "share", path, ".."), { recursive: true });
    writeFileSync(join(folder, name, "share", path), "");
  }
  await runOk("tar", ["czf", `${name}.tar.gz`, name], { cwd: folder });
  const archive = readFileSync(join(folder, `${name}.tar.gz`));
  const digest = createHash("sha256").update(archive).digest("hex");
  const served: Record<string, Buffer | string> = {
    [`${name}.tar.gz`]: archive,
    SHA256SUMS: `${digest}  ${name}.tar.gz\n`,
  };
  const server = createServer((request, response) => response.end(served[request.url?.split("/").at(-1) ?? ""] ?? ""));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("there is no port");
  const close = (): void => void server.close();
  return {
    digest,
    served,
    archive: `${name}.tar.gz`,
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.dispose]: close,
  };
}

describe("the action of GitHub", () => {
  test("takes the bytes that are pinned alone, unlocks, and locks when the job ends", async () => {
    using folder = temporaryFolder();
    using release = await startRelease(folder.path);
    using repository = await throwawayRepository();
    const environment = {
      PATH: process.env["PATH"],
      RUNNER_TEMP: folder.path,
      GITHUB_PATH: join(folder.path, "path"),
      GITHUB_STATE: join(folder.path, "state"),
      GITHUB_WORKSPACE: repository.path,
      GIT_VAULT_RELEASES: release.url,
      INPUT_VERSION: "1.2.3",
      INPUT_DIRECTORY: ".",
      INPUT_KEY: "a2V5",
    };
    const step = (script: string, env: NodeJS.ProcessEnv): Promise<RunResult> =>
      run(process.execPath, [join(ROOT, "packaging/action", script)], { env: { ...environment, ...env } });

    const refused = await step("main.mjs", { INPUT_SHA256: "0".repeat(64) });
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stdout.toString()).toContain(`has the SHA-256 ${release.digest}, and the input sha256 is 000`);
    const isPlain = (): boolean => existsSync(join(repository.path, "plain"));
    expect(isPlain()).toBe(false);

    writeFileSync(environment.GITHUB_STATE, "");
    expect(await step("main.mjs", { INPUT_SHA256: release.digest })).toMatchObject({ status: 0, stderr: "" });
    expect(isPlain()).toBe(true);
    const lines = readFileSync(environment.GITHUB_STATE, "utf8").trim().split("\n");
    const state = Object.fromEntries(lines.map((line) => [`STATE_${line.split("=")[0]}`, line.split("=")[1]]));
    expect(await step("post.mjs", state)).toMatchObject({ status: 0, stderr: "" });
    expect(isPlain()).toBe(false);
    expect(readFileSync(join(folder.path, "ran"), "utf8")).toBe(
      "unlock --no-input key=a2V5 input=none\nlock --without-copy --force --all-worktrees key=none input=a2V5\n",
    );
    expect(existsSync(state["STATE_folder"] ?? folder.path)).toBe(false);
  });
});

describe("the installer", () => {
  test("installs what has the digest of the release, and removes all of it", async () => {
    using folder = temporaryFolder();
    using release = await startRelease(folder.path);
    const home = join(folder.path, "home");
    mkdirSync(home);
    const script = join(folder.path, "install.sh");
    const pages = PAGES.map((page) => `share/man/man1/${page}`).join("\n");
    const text = read("packaging/install.sh");
    writeFileSync(script, text.replaceAll("@VERSION@", "1.2.3").replace("@MAN_PAGES@", pages));
    const install = (...words: string[]): Promise<RunResult> =>
      run("sh", [script, ...words], {
        env: { HOME: home, PATH: "/usr/bin:/bin", GIT_VAULT_RELEASE: release.url },
      });
    const installed = await install();
    expect(installed).toMatchObject({ status: 0 });
    expect(installed.stderr).toContain(`git-vault 1.2.3 is installed in ${home}/.local\n`);
    expect((await runOk(join(home, ".local/bin/git-vault"), ["--version"])).toString()).toBe("vault 1.2.3\n");
    // What it kept for later goes as well.
    mkdirSync(join(home, ".cache/git-vault/code"), { recursive: true });
    for (const kept of ["answer", "code/share"]) writeFileSync(join(home, ".cache/git-vault", kept), "");
    expect(await install("--remove")).toMatchObject({ status: 0 });
    expect((await runOk("find", [home, "-mindepth", "1"])).toString()).toBe("");

    release.served[release.archive] = "something else";
    const refused = await install();
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toContain("is not what the release has: its SHA-256 is ");
    expect(await install("--perfix", "x")).toMatchObject({ status: 1 });
    expect((await runOk("find", [home, "-mindepth", "1"])).toString()).toBe("");
  });
});
