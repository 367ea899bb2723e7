import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { base58 } from "@scure/base";
import { printable } from "@git-vault/core";
import type { Directory, DirectoryEntry } from "@git-vault/directory";
import type { PublicKeyEntry } from "@git-vault/keys";
import { sshVaultFingerprint } from "@git-vault/sealing";
import { share, SharingError, type Shared } from "@git-vault/sharing";
import { CliError, usageError } from "../../errors.ts";
import type { Options, Run } from "../../cli/command.ts";
import { homeFolder, readOperand, readStandardInput, type Input } from "../../io/input.ts";
import { writeOutput } from "../../io/output.ts";
import { leadsTo, say } from "../../io/streams.ts";
import { describeKey } from "../message/recipients.ts";
import { openSshVaultDirectory } from "../message/ssh-vault-config.ts";
import { ownPublicKeys, readPublicKeyFile, sshKeys } from "./public-key-files.ts";
import type { SSH_VAULT_COMMANDS } from "./specs.ts";

type Create = typeof SSH_VAULT_COMMANDS.create;
type CreateOptions = Options<Create["flags"]>;

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

export const run: Run<Create> = async (options, [operand]) => {
  checkKeyChoice(options);
  const { allowWeak, quiet } = options;
  const vault = operand === "-" ? undefined : operand;
  refuseToOverwrite(vault);
  const target = await findTarget(options);
  const seal = (secret: Uint8Array): Promise<Shared> =>
    share({ secret, to: [target.entry], format: "ssh-vault", key: target.key, allowWeak });
  const input = await readSecret(options, seal);
  try {
    const shared = await seal(input.data);
    refuseToOverwrite(vault); // the editor may have been open for long
    const text = present(shared.message.toString(), target, options);
    await writeOutput(Buffer.from(text), { output: vault }, { input, secret: false });
    if (!quiet) for (const line of othersThan(shared, target)) say(line);
  } finally {
    input.data.fill(0);
  }
};

const FINGERPRINT = /^(?:SHA256:[\dA-Za-z+/]{43}|(?:[\da-f]{2}:){15}[\da-f]{2})$/;

function checkKeyChoice({ user, key, fingerprint }: CreateOptions): void {
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

async function findTarget(options: CreateOptions): Promise<Target> {
  const { user } = options;
  if (user === undefined) return ownTarget(options);
  const { directory, helper } = await openSshVaultDirectory(options);
  return user === "new" ? freshTarget(directory, helper) : usersTarget(directory, options, user);
}

async function usersTarget(directory: Directory, options: CreateOptions, user: string): Promise<Target> {
  const entries = await directory.resolve(user);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw usageError(`-u: a vault is for one user, got ${entries.length}; \`vault share\` seals to many`);
  }
  const { fingerprint } = options;
  const key = fingerprint === undefined ? options.key : byFingerprint(entry, fingerprint);
  return { entry, key, choice: "choose with -k N or -f FINGERPRINT" };
}

/** A key pair that a helper server has made for this one vault. */
async function freshTarget(directory: Directory, helper: string): Promise<Target> {
  const [entry] = await directory.resolve(helper);
  const key = entry && sshKeys(entry).find(({ unusable }) => unusable === null)?.key;
  if (entry === undefined || !key) {
    throw new SharingError("NO_USABLE_KEY", `${new URL(helper).host} gave no key that can be sealed to`);
  }
  const id = base58.encode(createHash("sha256").update(key.blob).digest());
  return { entry, key: key.fingerprint, choice: "", privateKey: new URL(`key/${id}`, helper).href };
}

/** The user's key: the one named, else `id_rsa.pub`, else `id_ed25519.pub`, as ssh-vault. */
async function ownTarget({ key: path, fingerprint, allowWeak }: CreateOptions): Promise<Target> {
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
    { hint: "name a user (-u USER) or a public key (-k FILE), or make a key: `ssh-keygen -t ed25519`" },
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
async function readSecret(
  { input, noInput }: CreateOptions,
  seal: (secret: Uint8Array) => Promise<Shared>,
): Promise<Input> {
  if (input !== undefined) return readOperand(input);
  if (leadsTo(0) !== "terminal") return readStandardInput();
  if (noInput)
    throw usageError("the secret cannot be asked for: --no-input forbids it", "pipe it in, or name a file with -i");
  await seal(Buffer.alloc(0)); // what is wrong with the key is said before anything was written
  const { editSecret } = await import("./edit-secret.ts");
  const data = await editSecret(Buffer.alloc(0));
  if (data.length > 0) return { data, title: "the editor", file: null };
  throw new CliError("EDITOR_FAILED", "nothing was written in the editor, so nothing is sealed", {
    hint: "to seal an empty secret, say `-i /dev/null`",
  });
}

/** The vault as it is printed: alone, as ssh-vault's JSON, or with the helper's key. */
function present(vault: string, { privateKey }: Target, { json }: CreateOptions): string {
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
