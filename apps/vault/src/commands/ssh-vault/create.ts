import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { homeFolder } from "../../io/home.ts";
import { join } from "node:path";
import type { Directory, DirectoryEntry } from "@git-vault/directory";
import type { PublicKeyEntry } from "@git-vault/keys";
import { sshVaultFingerprint } from "@git-vault/sealing";
import { share, SharingError, type Shared } from "@git-vault/sharing";
import { base58 } from "./base58.ts";
import { CliError, usageError } from "../../cli/errors.ts";
import { readOperand, readStandardInput, type Input } from "../../io/input.ts";
import { writeOutput } from "../../io/output.ts";
import { ownPublicKeys, readPublicKeyFile, sshKeys } from "./public-key-files.ts";
import { describeKey } from "../message/recipients.ts";
import { openSshVaultDirectory } from "./ssh-vault-directory.ts";
import { leadsTo, printable, say } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

/** Whom the vault is for. */
interface Target {
  readonly entry: DirectoryEntry;
  /** Which of the keys, as `share` takes it. */
  readonly key: string | undefined;
  /** How else to choose among the keys. */
  readonly choice: string;
  /** Where the helper gives out the private key. */
  readonly privateKey?: string;
}

export async function run({ flags, args }: Invocation): Promise<void> {
  checkFlags(flags);
  const vault = args[0] === "-" ? undefined : args[0];
  refuseToOverwrite(vault);
  const target = await findTarget(flags);
  const seal = (secret: Uint8Array): Promise<Shared> =>
    share({
      secret,
      to: [target.entry],
      format: "ssh-vault",
      key: target.key,
      allowWeak: flags["allow-weak"] === true,
    });
  const input = await readSecret(flags, seal);
  try {
    const shared = await seal(input.data);
    refuseToOverwrite(vault); // the editor may have been open for long
    const text = present(shared.message.toString(), target, flags);
    await writeOutput(Buffer.from(text), vault === undefined ? {} : { output: vault }, { input, secret: false });
    if (!flags.quiet) for (const line of othersThan(shared, target)) say(line);
  } finally {
    input.data.fill(0);
  }
}

const FINGERPRINT = /^(?:SHA256:[\dA-Za-z+/]{43}|(?:[\da-f]{2}:){15}[\da-f]{2})$/;

function checkFlags({ user, key, fingerprint }: FlagValues): void {
  if (key !== undefined && fingerprint !== undefined) throw usageError("-k and -f were both given");
  if (user === "new" && (key ?? fingerprint) !== undefined) {
    throw usageError("-k and -f choose among the keys of a user, and -u new has one");
  }
  if (fingerprint !== undefined && !FINGERPRINT.test(fingerprint)) {
    throw usageError("-f: expected SHA256: and 43 characters, or ssh-vault's 16 pairs of hex digits for an RSA key");
  }
}

function refuseToOverwrite(vault: string | undefined): void {
  const stat = vault === undefined ? undefined : statSync(vault, { throwIfNoEntry: false });
  if (stat === undefined || (!stat.isFile() && !stat.isDirectory()) || (stat.isFile() && stat.size === 0)) return;
  throw new CliError("OUTPUT_UNWRITABLE", `${printable(vault ?? "")} exists already`, {
    hint: "name another file, or change this one with `vault edit`",
  });
}

async function findTarget(flags: FlagValues): Promise<Target> {
  if (flags.user === undefined) return ownTarget(flags);
  const { directory, helper } = await openSshVaultDirectory(flags);
  return flags.user === "new" ? freshTarget(directory, helper) : usersTarget(directory, flags, flags.user);
}

async function usersTarget(directory: Directory, flags: FlagValues, user: string): Promise<Target> {
  const entries = await directory.resolve(user);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw usageError(`-u: a vault is for one user, got ${entries.length}; \`vault share\` seals to many`);
  }
  const { fingerprint } = flags;
  const key = fingerprint === undefined ? flags.key : byFingerprint(entry, fingerprint);
  return { entry, key, choice: "choose with -k N or -f FINGERPRINT" };
}

/** A key pair that a helper server has made for this one vault. */
async function freshTarget(directory: Directory, helper: string): Promise<Target> {
  const [entry] = await directory.resolve(helper);
  const key = entry && sshKeys(entry).find(({ unusable }) => unusable === null)?.key;
  if (entry === undefined || !key) {
    throw new SharingError("NO_USABLE_KEY", `${new URL(helper).host} gave no key that can be sealed to`);
  }
  const id = base58(createHash("sha256").update(key.blob).digest());
  return { entry, key: key.fingerprint, choice: "", privateKey: new URL(`key/${id}`, helper).href };
}

/**
 * The user's own key: the one that was named, else `id_rsa.pub`, else `id_ed25519.pub`, in
 * ssh-vault's order.
 */
async function ownTarget({ key: path, fingerprint, "allow-weak": allowWeak }: FlagValues): Promise<Target> {
  const choice = "choose with -k FILE or -f FINGERPRINT";
  if (path !== undefined) return { entry: await readPublicKeyFile(path), key: undefined, choice };
  const files = await ownPublicKeys();
  const keys = files.flatMap(sshKeys);
  const own: DirectoryEntry = { name: "~/.ssh", source: join(homeFolder(), ".ssh"), keys };
  if (fingerprint !== undefined) return { entry: own, key: byFingerprint(own, fingerprint), choice };
  const usual = ["id_rsa.pub", "id_ed25519.pub"].flatMap((name) => {
    const file = files.find((known) => known.name === name);
    return file === undefined ? [] : sshKeys(file);
  });
  const chosen = usual.find(({ unusable }) => unusable === null) ?? (allowWeak ? usual[0] : undefined);
  if (chosen?.fingerprint) return { entry: own, key: chosen.fingerprint, choice };
  const why = usual.map((entry) => `${describeKey(entry)}: ${entry.unusable}`).join("; ");
  throw new SharingError(
    "NO_USABLE_KEY",
    `~/.ssh has no id_rsa.pub or id_ed25519.pub to seal to${why && ` (${why})`}`,
    {
      hint: "name a user (-u USER) or a public key (-k FILE), or make a key: `ssh-keygen -t ed25519`",
    },
  );
}

/** The SHA256 fingerprint of the key with that fingerprint, which may be ssh-vault's own. */
function byFingerprint(entry: DirectoryEntry, fingerprint: string): string {
  const has = ({ key, ...entryOf }: PublicKeyEntry): boolean =>
    entryOf.fingerprint === fingerprint || (key !== null && sshVaultFingerprint(key) === fingerprint);
  const found = sshKeys(entry).find(has)?.fingerprint;
  if (!found) {
    throw new SharingError("INVALID_KEY_CHOICE", `${printable(entry.name)} has no key with that fingerprint`, {
      hint: "list the fingerprints with `vault fingerprint`, of a user with -u USER",
    });
  }
  return found;
}

/** What -i names, else what is written in the editor where stdin is a terminal, else stdin. */
async function readSecret(flags: FlagValues, seal: (secret: Uint8Array) => Promise<Shared>): Promise<Input> {
  if (flags.input !== undefined) return readOperand(flags.input);
  if (leadsTo(0) !== "terminal") return readStandardInput();
  if (flags["no-input"]) {
    throw new CliError("USAGE", "the secret cannot be asked for: --no-input forbids it", {
      hint: "pipe it in, or name a file with -i",
    });
  }
  await seal(Buffer.alloc(0)); // what is wrong with the key is said before anything was written
  const { editSecret } = await import("./edit-secret.ts");
  const data = await editSecret(Buffer.alloc(0));
  if (data.length > 0) return { data, title: "the editor", file: null };
  throw new CliError("EDITOR_FAILED", "nothing was written in the editor, so nothing is sealed", {
    hint: "to seal an empty secret, say `-i /dev/null`",
  });
}

/**
 * The vault as it is printed: by itself, in ssh-vault's JSON, or in the line that opens it with the
 * helper's key.
 */
function present(vault: string, { privateKey }: Target, { json }: FlagValues): string {
  if (json) return JSON.stringify({ vault, ...(privateKey === undefined ? {} : { private_key: privateKey }) });
  return privateKey === undefined ? vault : `echo "${vault}" | ssh-vault view -k ${privateKey}`;
}

/** Which key was taken, where there were others. */
function othersThan({ sealedTo, notSealedTo }: Shared, { choice, privateKey }: Target): string[] {
  const others = notSealedTo.filter(({ entry }) => entry.unusable === null);
  const [to] = sealedTo;
  if (privateKey !== undefined || to === undefined || others.length === 0) return [];
  return [
    `vault: sealed to ${describeKey(to.entry)}`,
    `vault: not sealed to these, ${choice}`,
    ...others.map(({ entry }) => `  ${describeKey(entry)}`),
  ];
}
