import { printable } from "@git-vault/core";
import { assertNoRotation, commitOf } from "@git-vault/git-crypt";
import { readSignature } from "@git-vault/keys";
import {
  audienceOf,
  encodeDraft,
  finishEntry,
  fold,
  isSound,
  memberWith,
  MEMBERS_NAMESPACE,
  withDraft,
  type Action,
  type EntryDraft,
  type Log,
  type Member,
  type Membership,
  type NamedCommitment,
} from "@git-vault/members";
import { SharingError } from "../errors.ts";
import type { Signer } from "../identities/signer.ts";
import { readLogFiles } from "./log-files.ts";
import { nameOfMember, type Members } from "./membership.ts";
import { entryPath } from "../log-places.ts";

/** Who writes entries: an admin's key that signs. */
export type Author = Pick<Signer, "publicKey" | "sign">;

/** A new key, before it is known for whom it is. */
export interface NewGeneration {
  readonly keyName: string;
  /** The key's id, which the log commits to. */
  readonly id: string;
}

/** What an entry is to do. Whom its new keys are for follows from it. */
export type Change = DistributiveOmit<Action, "generations"> & { readonly generations?: readonly NewGeneration[] };

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** Writes entries, each on those before it, and shows what they will do. */
export class LogWriter {
  readonly #author: Author;
  readonly #time: string;
  readonly #members: Members;
  #log: Log;
  #membership: Membership;
  readonly #files: Map<string, Buffer>;

  /**
   * @param now the time that entries say they were written at; the present where it is left out
   * @throws GitCryptError UNFINISHED where a rotation was begun and left: it could not be undone
   * any more, and would not know of whom is added meanwhile
   */
  constructor(members: Members, author: Author, now: Date = new Date()) {
    assertNoRotation(members.repository.commonDir);
    this.#members = members;
    this.#author = author;
    this.#time = `${now.toISOString().slice(0, 19)}Z`;
    this.#log = members.branchLog;
    this.#membership = members.branch;
    this.#files = missingFiles(members);
  }

  /** The membership with what was written so far. */
  get membership(): Membership {
    return this.#membership;
  }

  /** The log with what was written so far. */
  get log(): Log {
    return this.#log;
  }

  /** The entries to commit, by their paths from the top folder. */
  get files(): ReadonlyMap<string, Buffer> {
    return this.#files;
  }

  /**
   * The membership as it would be with further changes.
   *
   * @throws SharingError NOT_ALLOWED
   */
  preview(changes: readonly Change[]): Membership {
    let [log, membership] = [this.#log, this.#membership];
    for (const change of changes) {
      let id;
      ({ id, log, membership } = this.#apply(log, membership, change));
      assertCounts(membership, id);
    }
    return membership;
  }

  /**
   * Signs an entry. Where it makes more copies than one can name, others that name the same keys
   * follow it.
   *
   * @throws SharingError NOT_ADMIN, NOT_ALLOWED; what signing throws
   */
  async write(change: Change): Promise<string> {
    if (change.kind === "note") return this.#write(change);
    const { copies = [] } = change;
    if (copies.length <= MOST_COPIES) return this.#write(change);
    const id = await this.#write({ ...change, copies: copies.slice(0, MOST_COPIES) });
    const rest = { kind: "generation" as const, generations: change.generations ?? [] };
    await this.write({ ...rest, copies: copies.slice(MOST_COPIES) });
    return id;
  }

  async #write(change: Change): Promise<string> {
    if (change.kind !== "start") assertAdmin(this.#membership, this.#author);
    const { log, membership, draft, id } = this.#apply(this.#log, this.#membership, change);
    const signature = readSignature(await this.#author.sign(MEMBERS_NAMESPACE, encodeDraft(draft)));
    assertCounts(membership, id);
    this.#files.set(entryPath(id), finishEntry(draft, signature));
    [this.#log, this.#membership] = [log, membership];
    return id;
  }

  #apply(log: Log, before: Membership, change: Change): Drafted {
    const named = change.generations ?? [];
    const commit = (audience: (keyName: string) => string): NamedCommitment[] =>
      named.map(({ keyName, id }) => ({ keyName, commitment: id, audience: audience(keyName) }));
    const first = this.#drafted(
      log,
      before,
      change,
      commit(() => NOBODY),
    );
    if (named.length === 0) return first;
    const { members } = first.membership;
    const generations = commit((keyName) => audienceOf(members, keyName));
    return this.#drafted(log, before, change, generations);
  }

  #drafted(log: Log, before: Membership, change: Change, generations: readonly NamedCommitment[]): Drafted {
    const action = actionOf(change, generations);
    const isStart = action.kind === "start";
    const draft: EntryDraft = {
      root: isStart ? null : before.root,
      // Anyone who writes very many at once does not keep others from writing.
      parents: isStart ? [] : before.heads.slice(0, MOST_PARENTS),
      author: this.#author.publicKey.fingerprint,
      time: this.#time,
      action,
    };
    const next = withDraft(log, draft);
    const options = isStart ? { ...this.#members.options, root: next.id } : this.#members.options;
    return { draft, id: next.id, log: next.log, membership: fold(next.log, options) };
  }
}

function assertCounts({ verdicts }: Membership, id: string): void {
  const verdict = verdicts.get(id);
  if (verdict?.counts === true) return;
  const reason = verdict?.reason ?? "missing-parent";
  if (reason === "own-power") {
    const hint = "ask another admin to do it";
    throw new SharingError("NOT_ALLOWED", "no admin can remove themselves, or the key that they sign with", { hint });
  }
  throw new SharingError("NOT_ALLOWED", `the members log would not let this count: ${reason}`);
}

interface Drafted {
  readonly draft: EntryDraft;
  readonly id: string;
  readonly log: Log;
  readonly membership: Membership;
}

/** So many copies one entry names: with all else, they fit its size. */
const MOST_COPIES = 300;

/** An entry names at most 1000. */
const MOST_PARENTS = 900;

/** Takes the audience's place while it is found out who that is. */
const NOBODY = "0".repeat(64);

function actionOf(change: Change, generations: readonly NamedCommitment[]): Action {
  return change.kind === "add" || change.kind === "give" || change.kind === "note"
    ? change
    : { ...change, generations };
}

/**
 * Entries that the branch builds on and that its last commit lacks: its files lost them, or they
 * are only staged. They are committed with the next one, which builds on them.
 */
function missingFiles({ repository, log, branchLog, files, seen }: Members): Map<string, Buffer> {
  const known = new Map(files.map(({ name, bytes }) => [name, bytes]));
  const isBegun = commitOf(repository, "HEAD") !== null;
  const inHead = isBegun ? readLogFiles(repository, "HEAD", seen) : [];
  const committed = new Set(
    inHead.filter((file) => !log.signed.has(file.name) || isSound(log, file)).map(({ name }) => name),
  );
  return new Map(
    [...branchLog.entries.keys()].flatMap((id) => {
      const bytes = committed.has(id) ? undefined : (log.sound.get(id)?.[0] ?? known.get(id));
      return bytes === undefined ? [] : [[entryPath(id), Buffer.from(bytes)] as const];
    }),
  );
}

/**
 * Asserts that the branch has a log where the clone knows one: a link, a file or a submodule may
 * lie in the place of its folder.
 *
 * @throws SharingError LOG_GONE
 */
export function assertLogHere({ branch, whole }: Pick<Members, "branch" | "whole">): void {
  if (branch.members.length > 0 || whole.members.length === 0) return;
  throw new SharingError("LOG_GONE", "nothing of the members log that this clone knows is on this branch", {
    hint: "undo the commit that took it away",
  });
}

/**
 * Asserts that who writes may.
 *
 * @returns the member that they are
 * @throws SharingError NOT_ADMIN
 */
export function assertAdmin(membership: Membership, { publicKey }: Author): Member {
  const member = memberWith(membership, publicKey.fingerprint);
  if (member?.role === "admin") return member;
  const admins = membership.members.filter(({ role }) => role === "admin").map((one) => printable(nameOfMember(one)));
  const who = member === null ? "belongs to no member" : "belongs to a reader, who may only open";
  throw new SharingError("NOT_ADMIN", `the key ${publicKey.fingerprint} ${who}`, {
    hint: `sign with the key of an admin, or ask one: ${admins.slice(0, 20).join(", ")}`,
  });
}
