import { randomBytes } from "node:crypto";
import { printable } from "@git-vault/core";
import { commitFiles, keyId, wipeKeyFile, type Repository, type StoredKey } from "@git-vault/git-crypt";
import { readMemberKey, type SealedCopy } from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { followedRemotes, openMembers, type Members } from "./membership.ts";
import { remember, rememberRoot } from "./memory.ts";
import type { Person } from "./people.ts";
import { review, type Reviewed } from "./review.ts";
import { sealCopies } from "./seal-copies.ts";
import type { Pins } from "../trust/pins.ts";
import { assertAdmin, LogWriter, type Author } from "./writer.ts";

/** The first member, who starts a log. */
export interface StartOptions {
  readonly members: Members;
  readonly author: Author;
  /** Who that is; the author's own key is added. */
  readonly person: Person;
  readonly now?: Date | undefined;
}

/** A log that was started, before it is committed. */
export interface StartedLog {
  readonly writer: LogWriter;
  readonly root: string;
  /** The log's entry and the sealed copies, to commit. */
  readonly files: Map<string, Buffer>;
}

/** The author's key as the log holds it: a copy can only be sealed to some types of it. */
const keyOf = ({ publicKey }: Author): string => `${publicKey.type} ${publicKey.blob.toString("base64")}`;

/**
 * Starts the members log of a repository with the keys that are here: their maker, or who has them,
 * is the first member.
 *
 * @throws SharingError LOG_EXISTS; what `Repository.readKey` and signing throw
 */
export async function startLog({ members, author, person, now }: StartOptions): Promise<StartedLog> {
  const { repository } = members;
  if (members.rootState !== "none") throw new SharingError("LOG_EXISTS", "the repository has a members log already");
  const own = readMemberKey(keyOf(author));
  const keys = [...new Map([own, ...person.keys].map((key) => [key.id, key])).values()];
  const stored = repository.keyNames().map((name): [string, StoredKey] => [name, repository.readKey(name)]);
  const writer = new LogWriter(members, author, now);
  try {
    const names = stored.map(([name]) => name);
    const generations = stored.map(([keyName, { keyFile }]) => ({ keyName, id: keyId(keyFile) }));
    const files = new Map<string, Buffer>();
    const copies: SealedCopy[] = [];
    for (const [keyName, { bytes, keyFile }] of stored) {
      const id = keyId(keyFile);
      const recipients = { keys, openPgp: person.openPgp, plugins: undefined };
      const made = await sealCopies(repository, { keyName, id }, bytes, recipients);
      for (const [path, content] of made.files) files.set(path, content);
      copies.push(...made.copies);
    }
    const root = await writer.write({
      kind: "start",
      nonce: randomBytes(16).toString("hex"),
      account: person.account,
      keys,
      opens: names,
      label: person.label,
      generations,
      copies,
    });
    return { writer, root, files: new Map([...writer.files, ...files]) };
  } finally {
    for (const [, { bytes, keyFile }] of stored) {
      bytes.fill(0);
      wipeKeyFile(keyFile);
    }
  }
}

/** How the first entry is committed. */
export interface CommitStartOptions extends StartOptions {
  readonly stageOnly: boolean;
}

/** A log that was started. */
export interface Started {
  readonly members: Members;
  readonly root: string;
  readonly commit: string | null;
}

/**
 * Starts the members log and commits it.
 *
 * @throws as `startLog`, `commitFiles`
 */
export async function start(options: CommitStartOptions): Promise<Started> {
  const { members, stageOnly, person, author } = options;
  const { repository } = members;
  const { root, files } = await startLog(options);
  const commit = commitFiles(repository, files, {
    message: `Start the members log with ${printable(person.label)}`,
    stageOnly,
  });
  acceptOwn(repository, root, [author.publicKey.fingerprint, ...person.keys.map(({ id }) => id)]);
  return { members: await openMembers(repository), root, commit };
}

/** Who starts a log has accepted it. */
export function acceptOwn(repository: Repository, root: string, met: readonly string[]): void {
  remember(repository, { root, met });
  rememberRoot(repository, root, { remotes: followedRemotes(repository, []), isSaid: true });
}

/** A key that is to be written into the log. */
export interface NameKeyOptions {
  readonly members: Members;
  readonly author: Author;
  /** The name of a key that is here, and that the log does not name yet. */
  readonly keyName: string;
  readonly now?: Date | undefined;
}

/**
 * Who would have a new key that its author names, with what is worth a look: that is the author
 * alone, but others may have linked keys of theirs with the author's.
 *
 * @throws SharingError NOT_ADMIN, PINS_UNREADABLE
 */
export async function reviewOfName(
  { members, author, keyName }: NameKeyOptions,
  pins: Pins,
): Promise<readonly Reviewed[]> {
  const self = assertAdmin(members.branch, author);
  const { recipients } = await review({
    members,
    after: [{ ...self, opens: [keyName] }],
    removed: [],
    takenKeys: [],
    keyNames: [keyName],
    given: new Set(),
    own: author.publicKey.fingerprint,
    pins,
    directory: null,
  });
  return recipients;
}

/**
 * Writes a new key into the log, for its author alone, and leaves that staged.
 *
 * @throws SharingError NOT_ADMIN; what `Repository.readKey`, `commitFiles` and signing do
 */
export async function nameKey({ members, author, keyName, now }: NameKeyOptions): Promise<void> {
  const { repository } = members;
  const self = assertAdmin(members.branch, author);
  const { bytes, keyFile } = repository.readKey(keyName);
  try {
    const writer = new LogWriter(members, author, now);
    const generation = { keyName, id: keyId(keyFile) };
    const fields = { keys: [], role: null, opens: [keyName], label: null, readmits: [] };
    await writer.write({ kind: "give", member: self.records[0], ...fields });
    const recipients = { keys: self.keys, openPgp: [], plugins: undefined };
    const made = await sealCopies(repository, generation, bytes, recipients);
    await writer.write({ kind: "generation", generations: [generation], copies: made.copies });
    const files = new Map([...writer.files, ...made.files]);
    commitFiles(repository, files, { message: `Name the key ${keyName}`, stageOnly: true });
  } finally {
    bytes.fill(0);
    wipeKeyFile(keyFile);
  }
  await openMembers(repository);
}
