import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { receive } from "@git-vault/sharing";
import { KeyHomes, peer, type Invocation, type Outcome } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * The same command lines through the real ssh-vault and through vault: standard output, exit status
 * and the files that are left are the same, but for the intended differences, each of which is a
 * row in docs/ssh-vault.md.
 */

const sshVault = peer("ssh-vault");
const table = readFileSync(join(import.meta.dirname, "../../../docs/ssh-vault.md"), "utf8");

let world: KeyHomes;
let web: GitHubStandIn;
beforeAll(async () => {
  world = await KeyHomes.create(VAULT, async (vault, keys) => {
    const { plaintext, openedWith } = await receive(vault, {
      ...keys,
      passphrase: async () => Buffer.from("correct horse"),
    });
    return { plaintext, fingerprint: openedWith.fingerprint };
  });
  web = await startGitHub();
  const [ed, rsa, weak, ecdsa, other] = [
    "home/.ssh/id_ed25519",
    "home/.ssh/id_rsa",
    "work/keys/weak",
    "work/keys/ecdsa",
    "work/keys/other",
  ].map((name) => world.read(`${name}.pub`));
  web.texts.set("/alice", `${ecdsa}${ed}${rsa}`);
  web.texts.set("/weak-first", `${weak}${ed}${other}`);
  web.texts.set("/none", `${ecdsa}`);
  web.texts.set("/new", `${other}`);
  web.texts.set("/id_other", world.read("work/keys/other"));
  web.users.set("alice", { keys: [ed?.trim() ?? "", rsa?.trim() ?? ""] });
});
afterAll(async () => {
  await web.close();
  world.remove();
});

interface Case extends Omit<Invocation, "args"> {
  /** The words after the program's name; `WEB` stands for the server's address. */
  readonly line: string;
  /** The exit status of ssh-vault. */
  readonly status: number;
  /** The intended differences, by their names in docs/ssh-vault.md. */
  readonly differs?: readonly string[];
  /**
   * What vault does instead where the whole outcome is another: its exit status, and what it
   * prints.
   */
  readonly vault?: { readonly status: number; readonly stdout?: RegExp; readonly stderr?: RegExp };
}

/** Puts vaults that ssh-vault made into the folder: to-rsa, to-ed, to-locked, to-pem, binary. */
const withVaults = async (folder: string): Promise<void> => {
  for (const [name, vault] of await madeBySshVault()) writeFileSync(join(folder, name), vault);
};

let made: Promise<[string, string][]> | undefined;
const madeBySshVault = (): Promise<[string, string][]> => {
  made ??= (async () => {
    const { execFileSync } = await import("node:child_process");
    const { mkdtempSync, rmSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const home = mkdtempSync(join(tmpdir(), "git-vault-test-"));
    try {
      return [
        ["to-rsa", "home/.ssh/id_rsa.pub", Buffer.from("for rsa\n")],
        ["to-ed", "home/.ssh/id_ed25519.pub", Buffer.from("for ed25519")],
        ["to-locked", "work/keys/locked.pub", Buffer.from("for locked")],
        ["to-pem", "work/keys/pem.pub", Buffer.from("for pem")],
        ["to-other", "work/keys/other.pub", Buffer.from("for other")],
        ["binary", "home/.ssh/id_ed25519.pub", Buffer.from([0, 255, 1, 254])],
      ].map(([name, key, secret]) => {
        writeFileSync(join(home, "key.pub"), world.read(String(key)));
        const vault = execFileSync(sshVault.path, ["create", "-k", join(home, "key.pub")], {
          input: secret,
          env: { HOME: home },
        });
        return [String(name), vault.toString()];
      });
    } finally {
      rmSync(home, { recursive: true });
    }
  })();
  return made;
};

/** An editor that is a shell script. */
const editor =
  (script: string) =>
  async (folder: string): Promise<void> => {
    await withVaults(folder);
    writeFileSync(join(folder, "editor"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "editor"), 0o755);
  };

const OF_FILES = ["mode 0600"];

const CASES: readonly Case[] = [
  // create, to the user's own key
  { line: "create", input: "a secret\n", status: 0 },
  { line: "c", input: "", status: 0 },
  { line: "create", input: "grüße, 秘密 🌰", status: 0 },
  { line: "create out", input: "a secret", status: 0, differs: [...OF_FILES] },
  { line: "create -", input: "a secret", status: 0 },
  { line: "create -j", input: "a secret", status: 0 },
  { line: "create --json out", input: "a secret", status: 0, differs: [...OF_FILES] },
  { line: "create -i keys/weak.pub", status: 0 },
  { line: "create --input keys/weak.pub out", status: 0, differs: [...OF_FILES] },
  { line: "create -i -", input: "a secret", status: 0 },
  { line: "create -k keys/locked.pub", input: "a secret", status: 0 },
  { line: "create --key=keys/other.pub", input: "a secret", status: 0 },
  { line: "create -kkeys/other.pub out", input: "a secret", status: 0, differs: [...OF_FILES] },
  {
    line: "create",
    input: "no RSA key here",
    prepare: async (_, home) => {
      const { rmSync } = await import("node:fs");
      rmSync(join(home, ".ssh/id_rsa.pub"));
    },
    status: 0,
  },
  {
    line: "create out",
    input: "over an empty file",
    prepare: (folder) => writeFileSync(join(folder, "out"), ""),
    status: 0,
    differs: [...OF_FILES],
  },
  // create, to a user
  { line: "create -u WEB/alice", input: "a secret", status: 0, differs: ["the cache of keys"] },
  { line: "create -u WEB/alice -k 1", input: "a secret", status: 0, differs: ["the cache of keys"] },
  {
    line: "create --user WEB/alice --key 2 out",
    input: "a secret",
    status: 0,
    differs: ["the cache of keys", ...OF_FILES],
  },
  {
    line: "create -u WEB/alice -f SHA_OF_RSA",
    input: "a secret",
    status: 0,
    differs: ["the cache of keys"],
  },
  {
    line: "create -u WEB/alice --fingerprint MD5_OF_RSA",
    input: "a secret",
    status: 0,
    differs: ["the cache of keys"],
  },
  { line: "create -u WEB/alice -j", input: "a secret", status: 0, differs: ["the cache of keys"] },
  {
    line: "create -u WEB/weak-first -k 2",
    input: "a secret",
    status: 0,
    differs: ["numbers of keys"],
    vault: { status: 0, stdout: /^\[SHA_OF_OTHER a secret\]$/ },
  },
  {
    line: "create -u WEB/alice -k 0",
    input: "a secret",
    status: 0,
    differs: ["numbers of keys"],
    vault: { status: 2, stderr: /a key's number from 1 to 2/ },
  },
  {
    line: "create -u WEB/alice -k word",
    input: "a secret",
    status: 0,
    differs: ["numbers of keys"],
    vault: { status: 2, stderr: /a key's number from 1 to 2/ },
  },
  {
    line: "create -u WEB/alice -k 3",
    input: "a secret",
    status: 1,
    differs: ["exit status", "the cache of keys"],
    vault: { status: 2 },
  },
  {
    line: "create -u WEB/alice -f SHA_OF_OTHER",
    input: "a secret",
    status: 1,
    differs: ["exit status", "the cache of keys"],
    vault: { status: 2 },
  },
  {
    line: "create -u WEB/none",
    input: "a secret",
    status: 1,
    differs: ["exit status", "the cache of keys"],
    vault: { status: 3 },
  },
  { line: "create -u WEB/missing", input: "a secret", status: 1, differs: ["exit status"], vault: { status: 3 } },
  {
    line: "create -u http://vault.invalid/alice",
    input: "a secret",
    status: 1,
    differs: ["http"],
    vault: { status: 2, stderr: /expected https.*\n.*--insecure-http/ },
  },
  { line: "create -u WEB/missing out", input: "a secret", status: 1, differs: ["exit status"], vault: { status: 3 } },
  { line: "create -u new -k 1", status: 1, differs: ["exit status"], vault: { status: 2 } },
  { line: `create -u new -f SHA256:${"A".repeat(43)}`, status: 1, differs: ["exit status"], vault: { status: 2 } },
  // create, to a fresh key of a helper
  {
    line: "create -u new",
    input: "a secret",
    env: { SSH_VAULT_SSHKEYS_ONLINE: "WEB/new" },
    status: 0,
    differs: ["the helper's address"],
    vault: {
      status: 0,
      stdout:
        /^echo "\[SHA_OF_OTHER a secret\]" \| ssh-vault view -k http:\/\/127\.0\.0\.1:\d+\/key\/[1-9A-HJ-NP-Za-km-z]{43,44}$/,
    },
  },
  {
    line: "create -u new -j",
    input: "a secret",
    env: { SSH_VAULT_SSHKEYS_ONLINE: "WEB/new" },
    status: 0,
    differs: ["the helper's address"],
    vault: {
      status: 0,
      stdout: /^\{"vault":"\[SHA_OF_OTHER a secret\]","private_key":"http:\/\/127\.0\.0\.1:\d+\/key\/\w{43,44}"\}$/,
    },
  },
  {
    line: "create -u new",
    input: "a secret",
    prepare: (_, home) => writeConfig(home, `sshkeys_online: ${web.url}/new\nhttp_headers:\n  X-Vault: me\n`),
    status: 0,
    differs: ["the helper's address"],
    vault: { status: 0, stdout: /^echo "\[SHA_OF_OTHER a secret\]" \| ssh-vault view -k / },
  },
  {
    line: "create -u new",
    input: "a secret",
    env: { SSH_VAULT_SSHKEYS_ONLINE: "WEB/new" },
    prepare: (_, home) => writeConfig(home, `sshkeys_online: ${web.url}/alice\n`),
    status: 0,
    differs: ["the environment before the file"],
    vault: { status: 0, stdout: /^echo "\[SHA_OF_OTHER a secret\]"/ },
  },
  {
    line: "create -u new",
    input: "a secret",
    env: { SSH_VAULT_SSHKEYS_ONLINE: "WEB/new" },
    prepare: (_, home) => writeConfig(home, "sshkeys_online: [a: b: c\n"),
    status: 0,
    differs: ["a broken configuration"],
    vault: { status: 2, stderr: /config\.yml: expected YAML/ },
  },
  // create, wrong
  {
    line: "create out",
    input: "a secret",
    prepare: (folder) => writeFileSync(join(folder, "out"), "in the way"),
    status: 1,
  },
  { line: "create no-such-folder/out", input: "a secret", status: 1 },
  { line: "create -i missing out", status: 1 },
  { line: "create -k missing.pub out", input: "a secret", status: 1 },
  {
    line: "create -k 2 out",
    input: "a secret",
    status: 1,
    differs: ["exit status"],
    vault: { status: 2, stderr: /name the user with -u/ },
  },
  {
    line: "create -k keys/ecdsa.pub out",
    input: "a secret",
    status: 1,
    differs: ["exit status"],
    vault: { status: 3 },
  },
  { line: "create -k keys/other out", input: "a secret", status: 1, differs: ["exit status"], vault: { status: 2 } },
  {
    line: "create -k keys/weak.pub out",
    input: "a secret",
    status: 1,
    differs: ["exit status"],
    vault: { status: 3, stderr: /--allow-weak/ },
  },
  { line: "create -f 12:34", input: "a secret", status: 2 },
  { line: "create -k 1 -f SHA_OF_RSA", input: "a secret", status: 2 },
  { line: "create --bogus", input: "a secret", status: 2 },
  { line: "create one two", input: "a secret", status: 2 },
  { line: "create -k", input: "a secret", status: 2 },
  {
    line: "create -f SHA_OF_ED",
    input: "a secret",
    status: 0,
    differs: ["-f among one's own keys"],
    vault: { status: 0, stdout: /^\[SHA_OF_ED a secret\]$/ },
  },
  {
    line: "create out",
    input: "a secret",
    prepare: (_, home) => {
      for (const name of ["id_rsa.pub", "id_ed25519.pub"]) writeFileSync(join(home, ".ssh", name), "nonsense\n");
    },
    status: 1,
    differs: ["exit status"],
    vault: { status: 3 },
  },
  {
    line: "-u WEB/alice create",
    input: "a secret",
    status: 2,
    differs: ["flags before the command"],
    vault: { status: 0, stdout: /^\[SHA_OF_ED a secret\]$/ },
  },
  // view
  { line: "view to-rsa", prepare: withVaults, status: 0 },
  { line: "v to-ed", prepare: withVaults, status: 0 },
  { line: "view -k keys/other to-other", prepare: withVaults, status: 0 },
  { line: "view --key keys/locked -p PASSPHRASE to-locked", prepare: withVaults, status: 0 },
  { line: "view -k keys/locked --passphrase=PASSPHRASE to-locked", prepare: withVaults, status: 0 },
  {
    line: "view -k keys/locked to-locked",
    env: { SSH_VAULT_PASSPHRASE: "correct horse" },
    prepare: withVaults,
    status: 0,
  },
  { line: "view -o out to-ed", prepare: withVaults, status: 0, differs: OF_FILES },
  { line: "view --output out to-ed", prepare: withVaults, status: 0, differs: OF_FILES },
  { line: "view -o - to-ed", prepare: withVaults, status: 0 },
  { line: "view -k WEB/id_other to-other", prepare: withVaults, status: 0, differs: ["no private key in a cache"] },
  {
    line: "view -o out to-ed",
    prepare: async (folder) => {
      await withVaults(folder);
      writeFileSync(join(folder, "out"), "what was there is longer than the secret\n");
    },
    status: 0,
    differs: ["-o replaces the file"],
    vault: { status: 0 },
  },
  {
    line: "view -k keys/pem to-pem",
    prepare: withVaults,
    status: 1,
    differs: ["private keys in PEM"],
    vault: { status: 0, stdout: /^for pem$/ },
  },
  { line: "view binary", prepare: withVaults, status: 1, differs: ["binary secrets"], vault: { status: 0 } },
  {
    line: "view quoted",
    prepare: async (folder) => {
      const vaults = new Map(await madeBySshVault());
      writeFileSync(join(folder, "quoted"), `Bob wrote:\n${vaults.get("to-rsa")?.replaceAll(/^/gm, "> ")}\n\nBye\n`);
    },
    status: 1,
    differs: ["what chat and mail do"],
    vault: { status: 0, stdout: /^for rsa\n$/ },
  },
  {
    line: "view -k keys/locked -p wrong to-locked",
    prepare: withVaults,
    status: 1,
    differs: ["exit status"],
    vault: { status: 4 },
  },
  { line: "view -k keys/other to-ed", prepare: withVaults, status: 1, differs: ["exit status"], vault: { status: 3 } },
  { line: "view to-locked", prepare: withVaults, status: 1, differs: ["exit status"], vault: { status: 3 } },
  { line: "view -k missing to-ed", prepare: withVaults, status: 1 },
  {
    line: "view -k keys/other.pub to-other",
    prepare: withVaults,
    status: 1,
    differs: ["exit status"],
    vault: { status: 5 },
  },
  { line: "view missing", status: 1 },
  { line: "view", input: "", status: 1, differs: ["exit status"], vault: { status: 5 } },
  { line: "view", input: "SSH-VAULT;AES256;nonsense", status: 1, differs: ["exit status"], vault: { status: 5 } },
  { line: "view -k WEB/missing to-ed", prepare: withVaults, status: 1, differs: ["exit status"], vault: { status: 3 } },
  { line: "view -o no-such-folder/out to-ed", prepare: withVaults, status: 1 },
  { line: "view one two", status: 2 },
  // edit
  {
    line: "edit to-rsa",
    prepare: editor('echo more >> "$1"'),
    env: { EDITOR: "./editor" },
    status: 0,
  },
  {
    line: "e to-ed",
    prepare: editor('printf other > "$1"'),
    env: { EDITOR: "sh ./editor" },
    status: 0,
  },
  {
    line: "edit -k keys/other to-other",
    prepare: editor('echo more >> "$1"'),
    env: { EDITOR: "./editor" },
    status: 0,
  },
  {
    line: "edit -k keys/locked -p PASSPHRASE to-locked",
    prepare: editor('echo more >> "$1"'),
    env: { EDITOR: "./editor" },
    status: 0,
  },
  { line: "edit to-ed", prepare: editor("exit 3"), env: { EDITOR: "./editor" }, status: 1 },
  { line: "edit to-ed", prepare: withVaults, env: { EDITOR: "/no/such/editor" }, status: 1 },
  {
    line: "edit to-ed",
    prepare: editor("exit 0"),
    env: { EDITOR: "./editor" },
    status: 0,
    differs: ["edit without a change"],
    vault: { status: 0 },
  },
  {
    line: "edit to-ed",
    prepare: editor('echo renamed > "$1.new" && mv "$1.new" "$1"'),
    env: { EDITOR: "./editor" },
    status: 0,
    differs: ["editors that save by renaming"],
    vault: { status: 0 },
  },
  {
    line: "edit to-ed",
    prepare: editor('echo "$0" > "$1"'),
    env: { EDITOR: "./no-editor", VISUAL: "./editor" },
    status: 1,
    differs: ["VISUAL"],
    vault: { status: 0 },
  },
  { line: "edit -", input: "", status: 1, differs: ["exit status"], vault: { status: 2 } },
  { line: "edit", status: 2 },
  { line: "edit missing", status: 1 },
  {
    line: "edit to-locked",
    prepare: withVaults,
    env: { EDITOR: "true" },
    status: 1,
    differs: ["exit status"],
    vault: { status: 3 },
  },
  // fingerprint
  { line: "fingerprint", status: 0, differs: ["the RSA fingerprint's label", "order of fingerprints"] },
  { line: "f -k keys/other.pub", status: 0 },
  { line: "fingerprint --key keys/ecdsa.pub", status: 0 },
  { line: "fingerprint -k keys/pem.pub", status: 0, differs: ["the RSA fingerprint's label"] },
  { line: "fingerprint -u WEB/alice", status: 0, differs: ["the RSA fingerprint's label", "the cache of keys"] },
  { line: "fingerprint -u WEB/alice -k 1", status: 0, differs: ["the cache of keys"] },
  {
    line: "fingerprint --user WEB/alice --key 2",
    status: 0,
    differs: ["the cache of keys"],
    vault: { status: 0, stdout: /^ID: 2 Type: ssh-rsa Comment: me@rsa\n +SHA256:\S{43}\n +MD5 \S{47} / },
  },
  {
    line: "fingerprint -u WEB/alice -k 9",
    status: 1,
    differs: ["exit status", "the cache of keys"],
    vault: { status: 2 },
  },
  {
    line: "fingerprint -u WEB/alice -k word",
    status: 0,
    differs: ["exit status", "the cache of keys"],
    vault: { status: 2 },
  },
  { line: "fingerprint -u WEB/missing", status: 1, differs: ["exit status"], vault: { status: 3 } },
  { line: "fingerprint -u new", status: 2 },
  {
    line: "fingerprint -k keys/weak.pub",
    status: 1,
    differs: ["weak RSA keys"],
    vault: { status: 0, stdout: /^weak\.pub Type: ssh-rsa Comment: weak\n/ },
  },
  { line: "fingerprint -k missing.pub", status: 1 },
  { line: "fingerprint operand", status: 2 },
  {
    line: "fingerprint",
    prepare: async (_, home) => {
      const { rmSync } = await import("node:fs");
      rmSync(join(home, ".ssh"), { recursive: true });
    },
    status: 0,
  },
  // the program itself
  { line: "bogus", status: 2 },
  { line: "", status: 2 },
];

const writeConfig = async (home: string, text: string): Promise<void> => {
  const { mkdirSync } = await import("node:fs");
  mkdirSync(join(home, ".config/ssh-vault"), { recursive: true });
  writeFileSync(join(home, ".config/ssh-vault/config.yml"), text);
};

const fingerprintOf = async (name: string, md5 = false): Promise<string> => {
  const { stdout } = await world.run(sshVault.path, { args: ["fingerprint", "-k", name] });
  return (md5 ? /MD5 (\S+)/ : /(SHA256:\S+)/).exec(stdout)?.[1] ?? "";
};

const escaped = (text: string): string => text.replaceAll(/[.*+?^$()[\]{}|\\-]/g, "\\$&");

/** The words in a line or a pattern that are known only when the keys are there. */
async function filled(text: string, spell: (value: string) => string = (value) => value): Promise<string> {
  const words = {
    WEB: () => web.url,
    SHA_OF_RSA: () => fingerprintOf("../home/.ssh/id_rsa.pub"),
    MD5_OF_RSA: () => fingerprintOf("../home/.ssh/id_rsa.pub", true),
    SHA_OF_ED: () => fingerprintOf("../home/.ssh/id_ed25519.pub"),
    SHA_OF_OTHER: () => fingerprintOf("keys/other.pub"),
  };
  let all = text;
  for (const [word, value] of Object.entries(words))
    if (all.includes(word)) all = all.replaceAll(word, spell(await value()));
  return all;
}

/** ssh-vault's cache, and vault's. */
const isCache = (path: string): boolean => /^home\/(?:\.ssh\/vault\/keys|\.cache\/git-vault)\//.test(path);

/**
 * What is left of vault's outcome to compare when the named differences are taken away from both.
 */
function without(differences: readonly string[], outcome: Outcome): Outcome {
  let { stdout, files } = outcome;
  const inFiles = (change: (path: string, content: string, mode: string) => [string, string] | null): void => {
    files = Object.fromEntries(
      Object.entries(files).flatMap(([path, { content, mode }]) => {
        const changed = change(path, content, mode);
        return changed === null ? [] : [[path, { content: changed[0], mode: changed[1] }]];
      }),
    );
  };
  for (const name of differences) {
    if (name === "mode 0600") inFiles((_, content) => [content, "any"]);
    if (/cache/.test(name)) inFiles((path, ...rest) => (isCache(path) ? null : rest));
    if (name === "the RSA fingerprint's label") stdout = stdout.replaceAll(" (ssh-vault's own, not ssh-keygen's)", "");
    if (name === "order of fingerprints") stdout = stdout.split("\n\n").toSorted().join("\n\n");
  }
  return { ...outcome, stdout, files };
}

type Left = Pick<Outcome, "stdout" | "files">;
const leftBy = ({ stdout, files }: Outcome): Left => ({ stdout, files });

/**
 * What must be the same: all but the named differences; of a run that vault alone refuses, that
 * nothing is left.
 */
function comparable({ differs = [], vault }: Case, theirs: Outcome, ours: Outcome): { expected: Left; came: Left } {
  const came = leftBy(without(differs, ours));
  if (vault === undefined) return { expected: leftBy(without(differs, theirs)), came };
  if (ours.status === 0) return { expected: came, came };
  const files = Object.fromEntries(Object.entries(came.files).filter(([path]) => !isCache(path)));
  return { expected: { stdout: "", files: {} }, came: { ...came, files } };
}

/** Whether the two outcomes differ exactly where a difference is named. */
function differsAsSaid({ differs = [] }: Case, theirs: Outcome, ours: Outcome): boolean {
  const differ = theirs.status !== ours.status || !isDeepStrictEqual(leftBy(theirs), leftBy(ours));
  return differ === differs.length > 0;
}

describe.skipIf(sshVault.missing)(`beside the real ${sshVault.label}`, () => {
  test.each(CASES.map((its, at) => [`${at + 1}: ${its.line || "(no word)"}`, its] as const))("%s", async (_, its) => {
    const words = await Promise.all(
      its.line
        .split(" ")
        .filter(Boolean)
        .map((word) => filled(word)),
    );
    const args = words.map((word) => word.replace("PASSPHRASE", "correct horse"));
    const env = Object.fromEntries(
      await Promise.all(
        Object.entries(its.env ?? {}).map(async ([name, value]) => [name, await filled(value)] as const),
      ),
    );
    const [theirs, ours] = await Promise.all([
      world.run(sshVault.path, { ...its, args, env }),
      world.run("vault", { ...its, args, env }),
    ]);
    expect(theirs.status).toBe(its.status);
    expect(ours).toMatchObject({ status: its.vault?.status ?? its.status });
    expect(ours.stdout).toMatch(new RegExp(await filled(its.vault?.stdout?.source ?? "", escaped)));
    expect(ours.stderr).toMatch(its.vault?.stderr ?? /^/);
    const { expected, came } = comparable(its, theirs, ours);
    expect(came).toEqual(expected);
    // a difference that is none is to be struck from the table
    expect(differsAsSaid(its, theirs, ours)).toBe(true);
    for (const name of its.differs ?? []) expect(table).toMatch(new RegExp(`^\\| ${escaped(name)} +\\|`, "m"));
  });

  test("leaves no private key that it fetched behind, where ssh-vault does", async () => {
    const args = ["view", "-k", `${web.url}/id_other`, "to-other"];
    const [theirs, ours] = [
      await world.run(sshVault.path, { args, prepare: withVaults }),
      await world.run("vault", { args, prepare: withVaults }),
    ];
    expect(ours).toMatchObject({ stdout: "for other", files: {} });
    expect(Object.values(theirs.files).some(({ content }) => content.includes("PRIVATE KEY"))).toBe(true);
  });

  test("has a case for every flag of ssh-vault's help", async () => {
    for (const command of ["create", "view", "edit", "fingerprint"]) {
      const { stdout } = await world.run(sshVault.path, { args: [command, "--help"] });
      const lines = CASES.filter(({ line }) => line.split(" ").some((word) => word === command || word === command[0]));
      for (const [, short, long] of stdout.matchAll(/^ +(-\w), (--\w+)/gm)) {
        if (long === "--help") continue;
        const used = lines.some(({ line }) =>
          line.split(" ").some((word) => word.startsWith(short ?? "") || word.startsWith(long ?? "")),
        );
        expect({ command, long, used }).toMatchObject({ used: true });
      }
    }
  });
});

describe("vault, where ssh-vault has nothing to compare", () => {
  const run = (line: string, more: Partial<Invocation> = {}): Promise<Outcome> =>
    world.run("vault", { ...more, args: line.split(" ") });

  test("looks a user up on GitHub", async () => {
    const { stdout, stderr } = await run("create -u alice -k 2", { input: "s", env: { GITHUB_API_URL: web.url } });
    expect(stdout).toBe(`[${await sha("home/.ssh/id_rsa")} s]`);
    expect(stderr).toMatch(/sealed to ssh-rsa 2048 .*\n.*choose with -k N or -f FINGERPRINT\n {2}ssh-ed25519 /);
  });

  test("sends http_headers to addresses that were named, and not to GitHub", async () => {
    const prepare = (_: string, home: string): Promise<void> => writeConfig(home, "http_headers:\n  X-Team: blue\n");
    web.requests.length = 0;
    await run("create -u alice", { input: "s", prepare, env: { GITHUB_API_URL: web.url } });
    await run(`create -u ${web.url}/alice`, { input: "s", prepare });
    expect(web.requests.map(({ path, headers }) => [path === "/alice", headers["x-team"]])).toEqual(
      web.requests.map(({ path }) => (path === "/alice" ? [true, "blue"] : [false, undefined])),
    );
    expect(web.requests.some(({ path }) => path === "/alice")).toBe(true);
  });

  test("seals to a weak RSA key where it must, and opens what was sealed to one", async () => {
    const { stdout } = await run("create --allow-weak -k keys/weak.pub", { input: "s" });
    expect(stdout).toBe(`[${await sha("work/keys/weak")} s]`);
  });

  test("warns of a passphrase in its arguments", async () => {
    const line = "view -k keys/locked -p PASSPHRASE to";
    const { stdout, stderr } = await world.run("vault", {
      args: line.split(" ").map((word) => word.replace("PASSPHRASE", "correct horse")),
      prepare: async (folder, home) => {
        const { execFileSync } = await import("node:child_process");
        execFileSync(process.execPath, [VAULT, "create", "-k", "keys/locked.pub", "to"], {
          cwd: folder,
          input: "s",
          env: { HOME: home },
        });
      },
    });
    expect(stdout).toBe("s");
    expect(stderr).toMatch(/^vault: warning: .*ps/);
    expect(stderr).not.toContain("correct horse");
  });

  const sha = async (name: string): Promise<string> => {
    const { readPublicKeys } = await import("@git-vault/keys");
    return readPublicKeys(world.read(`${name}.pub`))[0]?.fingerprint ?? "";
  };
});
