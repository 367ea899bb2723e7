import { constants } from "node:buffer";
import { existsSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import {
  decryptBlob,
  GitCryptError,
  isEncryptedBlob,
  KeyRing,
  parseKeyFile,
  readProtected,
  tryKey,
  wipeKeyFile,
  type KeyFile,
  type Repository,
} from "@git-vault/git-crypt";
import { isVaultError, printable } from "@git-vault/core";
import type { Options, Run } from "../../cli/command.ts";
import { CliError, usageError } from "../../errors.ts";
import { ASK_BACK } from "./advice.ts";
import { keyOfEnvironment, openKey } from "./git-crypt-key.ts";
import { readOperand, type Input } from "../../io/input.ts";
import { plaintextToJson, refuseTwoPlaces, writeOutput } from "../../io/output.ts";
import { say, writeJson } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";
import { openHere } from "../open-here.ts";

type Decrypt = typeof REPOSITORY_COMMANDS.decrypt;
type DecryptOptions = Options<Decrypt["flags"]>;

export const run: Run<Decrypt> = async (options, [operand]) => {
  refuseTwoPlaces(options);
  const { key, keyFile, passphraseFile } = options;
  if (operand === "-" && keyFile === "-") throw usageError("stdin cannot hold both the key and the file");
  const [revision, path] = splitOperand(operand);
  const { content, encrypted, input } = await (
    revision === null ? fromDisk(path, options) : fromRevision(revision, path, options)
  ).catch((error: unknown) => {
    throw isLostName(operand, error) ? lostName(error) : error;
  });
  try {
    const inUse = [key, keyFile, passphraseFile];
    const place = await writeOutput(content, options, { input, secret: true, inUse });
    if (options.json) return writeJson(describe(content, encrypted, place));
    if (options.quiet) return;
    if (!encrypted) say(`vault: ${printable(operand)} is not encrypted: this is the file as it is`);
    if (place !== null) say(`vault: wrote ${content.length} bytes to ${place}`);
  } finally {
    content.fill(0);
  }
};

interface Decrypted {
  readonly content: Buffer;
  readonly encrypted: boolean;
  readonly input: Input | null;
}

/** The most that git-crypt encrypts (4 GiB - 1) and 22 bytes; less if Node cannot hold it. */
const MOST_ENCRYPTED = Math.min(2 ** 32 - 1 + 22, constants.MAX_LENGTH - 2 ** 16);

/** A file whose own name has a colon is that file. */
function splitOperand(operand: string): [revision: string | null, path: string] {
  const colon = operand.indexOf(":");
  return colon < 0 || existsSync(operand) ? [null, operand] : [operand.slice(0, colon), operand.slice(colon + 1)];
}

async function fromDisk(path: string, options: DecryptOptions): Promise<Decrypted> {
  const input = readOperand(path, MOST_ENCRYPTED);
  const { data } = input;
  if (!isEncryptedBlob(data)) return { content: data, encrypted: false, input };
  const repository = repositoryHere();
  const keys = await keysFor(repository, options);
  try {
    return { content: openBlob(repository, keys, data), encrypted: true, input };
  } catch (error) {
    throw await explained(error, repository, keys);
  } finally {
    keys.forEach(wipeKeyFile);
  }
}

/** With the first key that opens it, or that replaced the one here; else the last error. */
function openBlob(repository: Repository | null, keys: readonly KeyFile[], blob: Buffer): Buffer {
  let failure: unknown;
  for (const key of keys) {
    const ring = repository === null ? null : KeyRing.of(repository, key);
    try {
      return ring === null ? decryptBlob(key, blob) : ring.open(blob);
    } catch (error) {
      failure = error;
    } finally {
      ring?.forget();
    }
  }
  throw failure;
}

async function fromRevision(revision: string, path: string, options: DecryptOptions): Promise<Decrypted> {
  const repository = openHere();
  const keys = await keysFor(repository, options);
  try {
    const [file] = readProtected(repository, revision, [fromTop(repository, path)], { keys });
    if (file === undefined) throw new TypeError("one path is one file");
    return { content: file.content, encrypted: file.encrypted, input: null };
  } catch (error) {
    throw await explained(error, repository, keys);
  } finally {
    keys.forEach(wipeKeyFile);
  }
}

/** The error, which says who took the key away if the key was replaced. */
async function explained(error: unknown, repository: Repository | null, keys: readonly KeyFile[]): Promise<unknown> {
  if (isWrongKey(error, repository, keys)) return wrongKey(error);
  if (repository === null || !isVaultError(error) || error.code !== "RETIRED_KEY") return error;
  const { openMembers, removalText, takenOffHere } = await import("@git-vault/sharing/members");
  const { lockedPrivateKeys } = await import("./last-copy.ts");
  const [taken] = await takenOffHere(await openMembers(repository), lockedPrivateKeys());
  if (taken === undefined) return error;
  return new CliError("NO_KEY_GIVEN", `${removalText(taken)}: ${error.message}`, { hint: ASK_BACK, cause: error });
}

/**
 * Whether a file does not open since the keys are another repository's: they open none of this
 * one's. Outside of any repository, nobody can tell a wrong key from a file that was tampered with.
 */
function isWrongKey(error: unknown, repository: Repository | null, keys: readonly KeyFile[]): boolean {
  if (!isVaultError(error) || !UNOPENED.has(error.code) || repository === null) return false;
  return keys.every((key) => {
    const ring = KeyRing.of(repository, key);
    try {
      return tryKey(repository, ring) === "wrong";
    } finally {
      ring.forget();
    }
  });
}

const UNOPENED: ReadonlySet<string> = new Set(["TAMPERED_BLOB", "RETIRED_KEY"]);

const wrongKey = (cause: unknown): GitCryptError =>
  new GitCryptError("WRONG_KEY", "the key opens neither this file nor any other of the repository", {
    hint: "check that the key belongs to this repository",
    cause,
  });

function fromTop({ topLevel }: Repository, path: string): string {
  if (topLevel === null || !/^\.\.?\//.test(path)) return path;
  return relative(topLevel, resolve(path)).split(sep).join("/");
}

/** Whether its name is not UTF-8: Node then gives U+FFFD in the arguments. */
const isLostName = (operand: string, error: unknown): boolean =>
  operand.includes("\u{FFFD}") &&
  isVaultError(error) &&
  (error.code === "NO_SUCH_FILE" || error.code === "INPUT_UNREADABLE");

const lostName = (cause: unknown): CliError =>
  new CliError(
    "INPUT_UNREADABLE",
    "the file is not found: its name is not in UTF-8, and cannot be given as an argument",
    {
      hint: "hand its content over on standard input: `git cat-file blob REV:PATH | vault decrypt -`",
      cause,
    },
  );

/** The repository that the run stands in; null outside of any. */
function repositoryHere(): Repository | null {
  try {
    return openHere();
  } catch (error) {
    if (isVaultError(error) && (error.code === "NOT_A_REPOSITORY" || error.code === "GIT_MISSING")) return null;
    throw error;
  }
}

async function keysFor(repository: Repository | null, options: DecryptOptions): Promise<KeyFile[]> {
  const { keyFile } = options;
  if (keyFile !== undefined) return [parsed((await openKey(readOperand(keyFile), options)).key)];
  const names = repository?.keyNames() ?? [];
  if (repository !== null && names.length > 0) return names.map((name) => readStored(repository, name));
  const key = await keyOfEnvironment(options);
  if (key !== null) return [parsed(key)];
  if (repository !== null) {
    const { openMembersKeys } = await import("./members-keys.ts");
    const keys = await openMembersKeys(repository, options);
    if (keys.length > 0) return keys.map(parsed);
  }
  throw new CliError(
    "NO_KEY_GIVEN",
    "there is no key to decrypt with: no repository here holds one, nor a copy for you",
    {
      hint: "name the key file or the sealed message: `--key-file message.txt`",
    },
  );
}

function readStored(repository: Repository, name: string): KeyFile {
  const { bytes, keyFile } = repository.readKey(name);
  bytes.fill(0);
  return keyFile;
}

function parsed(bytes: Buffer): KeyFile {
  try {
    return parseKeyFile(bytes);
  } finally {
    bytes.fill(0);
  }
}

const describe = (content: Buffer, encrypted: boolean, output: string | null): object => ({
  encrypted,
  bytes: content.length,
  output,
  ...plaintextToJson(content, output),
});
