import { createHash } from "node:crypto";
import {
  audienceOf,
  encodeDraft,
  fold,
  readMemberKey,
  type Action,
  type Entry,
  type FoldOptions,
  type EntryDraft,
  type Log,
  type Member,
  type Membership,
  type NamedCommitment,
  type MemberKey,
  type Role,
  withDraft,
} from "../src/index.ts";

/*
 * Logs for the tests of the fold, which looks at no signature: the one who is named as an author
 * has signed. What the signatures are worth is tested with real ones.
 */

const sshString = (content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** An Ed25519 key in form: nobody has its private half. */
export const keyNamed = (name: string): MemberKey =>
  readMemberKey(`ssh-ed25519 ${Buffer.concat([sshString("ssh-ed25519"), sshString(digest(name))]).toString("base64")}`);

/** A commitment to a key that nobody has. */
export const commitmentNamed = (name: string): string => digest(`commitment ${name}`).toString("hex");

export interface Person {
  readonly name: string;
  readonly account: string | null;
  readonly key: MemberKey;
}

/** Somebody with an account, whose number comes from the name, and a key. */
export const person = (name: string): Person => ({
  name,
  account: `github.com/${digest(name).readUInt32BE(0) + 1}`,
  key: keyNamed(name),
});

/** Somebody known by a key alone. */
export const stranger = (name: string): Person => ({ name, account: null, key: keyNamed(name) });

/** Entries, and who wrote them on what. */
export class Story {
  readonly #entries = new Map<string, Entry>();
  readonly #labels = new Map<string, string>();
  #clock = 0;

  readonly founder: Person;

  constructor(founder: Person = person("alice")) {
    this.founder = founder;
  }

  /** Writes an entry; the parents are the heads of what is there, where none are named. */
  write(by: Person | MemberKey, action: Action, parents: readonly string[] = this.fold().heads): string {
    const draft = this.draft(by, action, parents);
    const id = createHash("sha256").update(encodeDraft(draft)).digest("hex");
    this.#entries.set(id, { ...draft, id, signature: "" });
    this.#labels.set(id, `${"name" in by ? by.name : by.id}: ${action.kind}`);
    return id;
  }

  draft(by: Person | MemberKey, action: Action, parents: readonly string[]): EntryDraft {
    const author = "key" in by ? by.key.id : by.id;
    const time = new Date(Date.UTC(2026, 10, 1) + this.#clock * 1000).toISOString().replace(".000Z", "Z");
    this.#clock += 1;
    return { root: action.kind === "start" ? null : this.root, parents, author, time, action };
  }

  /** New keys of these names, for those who are members once an action is done. */
  generations(
    names: readonly string[],
    by: Person | MemberKey,
    action: Action | null,
    parents: readonly string[],
    view: FoldOptions & { ids?: Iterable<string> } = {},
  ): NamedCommitment[] {
    const { ids, ...options } = view;
    const log = this.log(ids);
    const { members } = fold(action === null ? log : withDraft(log, this.draft(by, action, parents)).log, options);
    return names.map((keyName) => ({
      keyName,
      commitment: commitmentNamed(`${keyName} ${this.#clock}`),
      audience: audienceOf(members, keyName),
    }));
  }

  label(id: string): string {
    return this.#labels.get(id) ?? "";
  }

  get root(): string {
    return this.#entries.keys().next().value ?? "";
  }

  start(opens: readonly string[] = ["default"], nonce = "0".repeat(32)): string {
    const { account, key, name } = this.founder;
    const generations = opens.map((keyName) => {
      const audience = audienceOf([{ keys: [key], opens }], keyName);
      return { keyName, commitment: commitmentNamed(`${keyName} 0`), audience };
    });
    return this.write(
      this.founder,
      { kind: "start", nonce, account, keys: [key], opens, label: name, generations },
      [],
    );
  }

  add(
    by: Person,
    whom: Person,
    options: { role?: Role; opens?: string[]; readmits?: string[] } = {},
    parents?: string[],
  ): string {
    const { role = "admin", opens = ["default"], readmits = [] } = options;
    const { account, key, name } = whom;
    return this.write(by, { kind: "add", account, keys: [key], role, opens, label: name, readmits }, parents);
  }

  give(
    by: Person | MemberKey,
    member: string,
    what: { keys?: MemberKey[]; role?: "admin"; opens?: string[]; readmits?: string[]; label?: string },
    parents?: string[],
  ): string {
    const { keys = [], role = null, opens = [], readmits = [], label = null } = what;
    return this.write(by, { kind: "give", member, keys, role, opens, label, readmits }, parents);
  }

  take(
    by: Person | MemberKey,
    member: string,
    what: { keys?: string[]; role?: "admin"; opens?: string[] },
    parents?: string[],
  ): string {
    const { keys = [], role = null, opens = [] } = what;
    return this.write(by, { kind: "take", member, keys, role, opens, generations: [] }, parents);
  }

  /**
   * Removes people, by their account and key; `keys` are the names whose key is replaced with it.
   */
  remove(
    by: Person,
    whom: Person | readonly string[],
    parents: readonly string[] = this.fold().heads,
    keys: readonly string[] = [],
  ): string {
    const members = "key" in whom ? [whom.key.id, ...(whom.account === null ? [] : [whom.account])] : whom;
    const action = { kind: "remove", members, generations: [] } as const;
    return this.write(by, { ...action, generations: this.generations(keys, by, action, parents) }, parents);
  }

  rotate(by: Person, keyName = "default", parents: readonly string[] = this.fold().heads): string {
    return this.write(by, { kind: "generation", generations: this.generations([keyName], by, null, parents) }, parents);
  }

  entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error("no such entry");
    return entry;
  }

  get ids(): string[] {
    return [...this.#entries.keys()];
  }

  log(ids: Iterable<string> = this.#entries.keys()): Log {
    const entries = new Map([...ids].map((id) => [id, this.entry(id)]));
    return { entries, signed: new Set(entries.keys()), forged: new Set(), sound: new Map(), bad: [] };
  }

  fold(options: FoldOptions & { ids?: Iterable<string> } = {}): Membership {
    const { ids, ...rest } = options;
    return fold(this.log(ids), rest);
  }

  /** What is said of an entry, for comparing. */
  verdict(id: string, membership: Membership = this.fold()): string {
    const verdict = membership.verdicts.get(id);
    if (verdict === undefined) return "unknown";
    if (verdict.counts) return verdict.outdoneBy === null ? "counts" : "outdone";
    return verdict.reason;
  }
}

/** The labels of members, each with `*` where they are an admin. */
export const namesOf = ({ members }: { members: readonly Member[] }): string[] =>
  members.map(({ label, role }) => `${label ?? "?"}${role === "admin" ? "*" : ""}`).toSorted();
