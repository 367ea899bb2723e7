import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  makeSshKey,
  pathWithVault,
  peer,
  run,
  startGnuPg,
  temporaryFolder,
  type GnuPg,
  type RunResult,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* The page on opening a message without `vault`: its own lines, of the sender and the receiver. */
const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/how-to/open-without-vault.md"), "utf8");
const FORMATS = [
  { has: "age", heading: "It has a line BEGIN AGE ENCRYPTED FILE" },
  { has: "ssh-vault", heading: "It begins with SSH-VAULT" },
  { has: "gpg", heading: "It has a line BEGIN PGP MESSAGE" },
] as const;

/** The lines of a chapter that are indented as commands are. */
const commandsUnder = (heading: string): string[] => {
  const [, chapter = ""] = PAGE.split(`## ${heading}\n`);
  return Array.from(chapter.split("\n## ")[0]?.matchAll(/^ {4}(.+)$/gm) ?? [], ([, line = ""]) => line);
};
/** What the sender runs, by the table. */
const senderLine = (has: string): string => new RegExp(`^\\| \`${has}\` *\\| \`([^\`]+)\``, "m").exec(PAGE)?.[1] ?? "";

let folder: TemporaryFolder;
let github: GitHubStandIn;
let gnupg: GnuPg | undefined;
let env: Record<string, string>;
const gpg = peer("gpg");
const gitCrypt = peer("git-crypt");

beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, ".ssh"));
  const { publicKey } = await makeSshKey({ folder: join(folder.path, ".ssh"), name: "id_ed25519", type: "ed25519" });
  gnupg = gpg.missing ? undefined : startGnuPg();
  const fingerprint = await gnupg?.generate({ userId: "choldgraf <choldgraf@example.org>" });
  const openPgp = fingerprint === undefined ? undefined : await gnupg?.exportPublic(fingerprint);
  github = await startGitHub();
  github.users.set("choldgraf", {
    keys: [publicKey.split(" ").slice(0, 2).join(" ")],
    gpgKeys: openPgp === undefined ? [] : [openPgp.toString()],
  });
  env = {
    HOME: folder.path,
    GITHUB_API_URL: github.url,
    PATH: pathWithVault(VAULT, join(folder.path, "bin")),
    GIT_CONFIG_NOSYSTEM: "1",
    ...(gnupg === undefined ? {} : { GNUPGHOME: gnupg.home }),
  };
  await done("git init -q repo && cd repo && HOME=/nowhere vault init -q 'secret*' && echo hunter2 > secret");
  await done(
    "cd repo && git config user.name a && git config user.email a@example.org && git add . && git commit -qm x",
  );
  await done("git clone -q repo clone");
});
afterAll(async () => {
  await github.close();
  await gnupg?.end();
  folder.remove();
});

const sh = (line: string, cwd = "."): Promise<RunResult> =>
  run("sh", ["-c", line], { cwd: join(folder.path, cwd), env });
async function done(line: string, cwd = "."): Promise<string> {
  const { status, stdout, stderr } = await sh(line, cwd);
  expect([line, status, stderr]).toEqual([line, 0, expect.any(String)]);
  return stdout.toString();
}

describe.each(FORMATS)("for those who have $has", ({ has, heading }) => {
  const { missing, label } = peer(has);

  test.skipIf(missing || gitCrypt.missing)(
    `the page's lines open a secret and a repository, with ${label}`,
    async () => {
      const [open = "", unlock = ""] = commandsUnder(heading);
      await done(`${senderLine(has)} --yes > ../message.txt`, "repo");
      await done(unlock.replace("message.txt", "../message.txt"), "clone");
      expect(await done("cat secret && git-crypt lock", "clone")).toBe("hunter2\n");
      writeFileSync(join(folder.path, "note"), "by letter\n");
      await done(`${senderLine(has).replace(" --base64", "")} --yes note > message.txt`);
      const printed = await done(open);
      expect(printed || (await done("cat secret"))).toBe("by letter\n");
    },
  );
});
