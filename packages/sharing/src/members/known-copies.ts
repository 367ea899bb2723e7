import { lstatSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { keyId, parseKeyFile, remoteUrls, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { changeFile, readText } from "../trust/locked-file.ts";
import type { ReceiveOptions } from "../identities/local-identities.ts";
import { coveredKeys } from "./coverage.ts";
import type { Members } from "./membership.ts";
import { readOpenPgpCopies } from "./openpgp-copies.ts";
import { ownFingerprints } from "./own-fingerprints.ts";

/*
 * Whether a key would be lost with what lies in `.git/git-crypt/keys`. Of copies that nobody can
 * look at from here, such as one that was sent, a clone notes that they were made.
 */

/** How a copy of a key came to be, of which nothing lies in the repository. */
export type NotedCopy = "given" | "shared" | "exported" | { readonly file: string };

interface Note {
  readonly key: string;
  readonly copy: NotedCopy;
}

const notesPath = ({ commonDir }: Repository): string => join(commonDir, "git-vault", "key-copies");

const isNote = (value: unknown): value is Note => typeof value === "object" && value !== null && "copy" in value;

function notesIn(text: string): Note[] {
  return text.split("\n").flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isNote(value) ? value : [];
    } catch {
      return []; // A note that is lost makes somebody look for a copy, and no more.
    }
  });
}

/**
 * Notes that a copy of a key is somewhere else than in this clone.
 *
 * @param key a key file
 * @throws GitCryptError MALFORMED_KEY_FILE
 */
export function noteCopy(repository: Repository, key: Uint8Array, copy: NotedCopy): void {
  const keyFile = parseKeyFile(key);
  const line = JSON.stringify({ key: keyId(keyFile), copy });
  wipeKeyFile(keyFile);
  try {
    changeFile(notesPath(repository), (text) => (text.split("\n").includes(line) ? null : `${text}${line}\n`));
  } catch {
    // What was to be done is done: a copy is asked for once more, and no key is lost.
  }
}

/** What is known of copies of a key. */
export type CopyState =
  /** One is known, other than that in `.git`. */
  | "kept"
  /** One for a private key of this machine is staged, and in no commit yet. */
  | "staged"
  /** None is. */
  | "alone";

/**
 * Whether the keys that lie here could be had again if they were removed: from a copy that the
 * present commit holds for a private key of this machine, a file that they were written to, another
 * clone that is a remote of this one, or one that was noted. That a copy is for a private key the
 * log says; nothing is unlocked, and no passphrase is asked for.
 *
 * @param keyNames of keys that lie here
 * @throws what `findLocalIdentities` and reading the keys do
 */
export async function copyStates(
  members: Members,
  keyNames: readonly string[],
  options: ReceiveOptions,
): Promise<Map<string, CopyState>> {
  const { repository } = members;
  const states = new Map<string, CopyState>();
  const open: { readonly keyName: string; readonly id: string }[] = [];
  for (const keyName of keyNames) {
    const { bytes, keyFile } = repository.readKey(keyName);
    bytes.fill(0);
    const id = keyId(keyFile);
    wipeKeyFile(keyFile);
    if (isNoted(repository, id) || isInRemote(repository, keyName, id)) states.set(keyName, "kept");
    else open.push({ keyName, id });
  }
  if (open.length === 0) return states;
  const mine = await ownFingerprints(repository, options);
  for (const { keyName, id } of open) {
    const isHeld = (commit?: string): boolean => holdsCopy(members, { keyName, id }, mine, commit);
    states.set(keyName, isHeld("HEAD") ? "kept" : isHeld() ? "staged" : "alone");
  }
  return states;
}

/** Whether a file is a key file with that id. */
function isKey(path: string, id: string): boolean {
  try {
    if (!lstatSync(path).isFile()) return false;
    const bytes = readFileSync(path);
    const keyFile = parseKeyFile(bytes);
    bytes.fill(0);
    const found = keyId(keyFile);
    wipeKeyFile(keyFile);
    return found === id;
  } catch {
    return false; // It is none, or cannot be read.
  }
}

const isNoted = (repository: Repository, id: string): boolean =>
  notesIn(readText(notesPath(repository))).some(
    ({ key, copy }) => key === id && (typeof copy === "string" || isKey(copy.file, id)),
  );

/** Another clone on this machine that this one fetches from, and that is unlocked. */
function isInRemote(repository: Repository, keyName: string, id: string): boolean {
  return remoteUrls(repository)
    .filter((url) => !/^(?!file:)[\w.+-]+:/.test(url))
    .map((url) => resolve(repository.topLevel ?? repository.gitDir, url.replace(/^file:\/\//, "")))
    .flatMap((folder) => [join(folder, ".git"), folder])
    .some((gitDir) => isKey(join(gitDir, "git-crypt", "keys", keyName), id));
}

function holdsCopy(
  { repository, rootState, branch, branchLog }: Members,
  { keyName, id }: { readonly keyName: string; readonly id: string },
  mine: ReadonlySet<string>,
  commit: string | undefined,
): boolean {
  const openPgp = readOpenPgpCopies(repository, commit).filter((copy) => copy.keyName === keyName);
  const forOpenPgp = openPgp.some(({ fingerprint }) => mine.has(fingerprint));
  if (rootState === "none") return forOpenPgp;
  const named = branch.keyNames.find(({ name }) => name === keyName);
  if (rootState !== "accepted" || named === undefined) return false;
  // An older key is sealed under the newer ones.
  if (!named.generations.some(({ commitment }) => commitment === id)) return false;
  const covered = coveredKeys(repository, branchLog, branch, named.current.commitment, commit);
  // Anyone who was taken off a key is to lock it: those who have the newer one keep it.
  const isReplaced = id !== named.current.commitment && covered.size > 0;
  return forOpenPgp || isReplaced || [...covered].some((key) => mine.has(key));
}
