import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, peer, temporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { runScript } from "@git-vault/testkit/script";
import { afterAll, beforeAll, describe, test } from "vitest";
import { pathWithVault } from "./program.ts";

/*
 * Each script of test/scripts runs in a folder of its own, with: $HOME/.ssh/id_ed25519 and id_rsa
 * the private keys of `choldgraf`, who has both on GitHub keys/ locked (a passphrase: "correct
 * horse"), stranger, ecdsa, rsa1024, and their .pub GitHub users choldgraf, locked, ecdsa-only,
 * mixed, no-keys, signs (stranger's key, which only signs); team binder/team of choldgraf and
 * locked
 */
const folder = temporaryFolder();
const scripts = join(import.meta.dirname, "scripts");
let github: GitHubStandIn;

const publicKey = (name: string): string => {
  const [type, base64] = readFileSync(join(folder.path, `${name}.pub`), "utf8").split(" ");
  return `${type} ${base64}`;
};

beforeAll(async () => {
  const make = (name: string, type: "ed25519" | "rsa" | "ecdsa", more: object = {}): Promise<unknown> =>
    makeSshKey({ folder: folder.path, name, type, comment: name, ...more });
  await make("id_ed25519", "ed25519");
  await make("id_rsa", "rsa", { bits: 3072 });
  await make("locked", "ed25519", { passphrase: "correct horse" });
  await make("stranger", "ed25519");
  await make("ecdsa", "ecdsa");
  await make("rsa1024", "rsa", { bits: 1024 });
  github = await startGitHub();
  Object.assign(github.rate, { limit: 5000, remaining: 5000 });
  github.users.set("choldgraf", { keys: [publicKey("id_ed25519"), publicKey("id_rsa")] });
  github.users.set("locked", { keys: [publicKey("locked")] });
  github.users.set("ecdsa-only", { keys: [publicKey("ecdsa")] });
  github.users.set("mixed", { keys: [publicKey("ecdsa"), publicKey("rsa1024"), publicKey("id_ed25519")] });
  github.users.set("no-keys", { keys: [] });
  github.users.set("signs", { keys: [], signingKeys: [publicKey("stranger")] });
  github.teams.set("binder/team", ["choldgraf", "locked"]);
  github.tokens.add("good-token");
});

afterAll(async () => {
  await github.close();
  folder.remove();
});

/**
 * What a script needs beside the program, by the first line of the script: `# needs: git-crypt`.
 */
const needs = (file: string): string[] =>
  /^# needs: (.*)$/m.exec(readFileSync(join(scripts, file), "utf8"))?.[1]?.split(" ") ?? [];

describe.each(readdirSync(scripts))("the script %s", (file) => {
  const missing = needs(file)
    .map((name) => peer(name))
    .find((its) => its.missing);
  test.skipIf(missing !== undefined)(
    `does what it says${missing === undefined ? "" : `: ${missing.label}`}`,
    async () => {
      // As for those who are signed in.
      Object.assign(github.rate, { limit: 5000, remaining: 5000 });
      await runScript(join(scripts, file), {
        env: { GITHUB_API_URL: github.url },
        setup: ({ folder: work, env }) => {
          env["PATH"] = pathWithVault(join(env["TMPDIR"] ?? "", "bin"));
          const ssh = join(env["HOME"] ?? "", ".ssh");
          const keys = join(work, "keys");
          for (const place of [ssh, keys]) mkdirSync(place, { mode: 0o700 });
          for (const name of readdirSync(folder.path)) {
            copyFileSync(join(folder.path, name), join(name.startsWith("id_") ? ssh : keys, name));
          }
          writeFileSync(join(work, "binary"), Buffer.from(Array.from({ length: 148 }, (_, at) => (at * 7) % 256)));
        },
        programs: { vault: ["vault"] },
      });
    },
  );
});
