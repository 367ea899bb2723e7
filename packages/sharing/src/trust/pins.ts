import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { forgeUserOf, isKeysAddress, nameAt, type DirectoryEntry, type KeyKind } from "@git-vault/directory";
import { systemCode } from "@git-vault/core";
import { SharingError } from "../errors.ts";
import { withFileLock } from "./file-lock.ts";

/*
 * The recipients that a user has seen, and with which keys, as ssh has its known_hosts. See
 * docs/formats.md.
 */

/** A recipient whose keys are not those that were seen before. */
export interface ChangedRecipient {
  readonly entry: DirectoryEntry;
  /** Fingerprints that are new. */
  readonly added: readonly string[];
  /** Fingerprints that are gone. */
  readonly removed: readonly string[];
}

/** How recipients compare to what was seen before. */
export interface PinReport {
  /** Those that were never seen. */
  readonly first: readonly DirectoryEntry[];
  readonly changed: readonly ChangedRecipient[];
}

const HEADER = "# git-vault: the recipients that were seen, and the fingerprints of their keys";
const LINE = /^(\S{1,2048}) (\S{1,4096})$/;
const MAX_BYTES = 16 * 1024 * 1024;

/** The pins' file: `$XDG_CONFIG_HOME` or `~/.config`, `/git-vault/known-recipients`; or null. */
export function defaultPinFile(env: NodeJS.ProcessEnv = process.env): string | null {
  const base = env["XDG_CONFIG_HOME"] ?? "";
  // The XDG Base Directory Specification has relative paths ignored.
  if (isAbsolute(base)) return join(base, "git-vault", "known-recipients");
  const home = env["HOME"] ?? homedir();
  return isAbsolute(home) ? join(home, ".config", "git-vault", "known-recipients") : null;
}

/** The recipients that a user has seen; given keys and files are not recorded. */
export class Pins {
  readonly #path: string | null;

  /** @param path of the file; null to know nobody and remember nobody */
  constructor(path: string | null) {
    this.#path = path;
  }

  /**
   * Compares recipients to what was seen before.
   *
   * @param granted the keys of those who were never seen, as a repository's grants have them, by
   * their names
   * @throws SharingError `PINS_UNREADABLE`
   */
  compare(
    entries: readonly DirectoryEntry[],
    granted: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
  ): PinReport {
    const known = this.#read();
    const first: DirectoryEntry[] = [];
    const changed: ChangedRecipient[] = [];
    for (const entry of entries.filter(isPinned)) {
      const before = known.get(entry.source);
      const now = fingerprintsOf(entry);
      const theirs = before ?? granted.get(entry.name);
      if (theirs === undefined) {
        first.push(entry);
        continue;
      }
      // A grant names the keys alone that can be sealed to.
      const usable = before === undefined ? usableOf(entry) : now;
      const added = [...usable].filter((fingerprint) => !theirs.has(fingerprint));
      const removed = [...theirs].filter((fingerprint) => !now.has(fingerprint));
      if (before === undefined && added.length + removed.length === 0) first.push(entry);
      if (added.length + removed.length > 0) changed.push({ entry, added, removed });
    }
    return { first, changed };
  }

  /**
   * The fingerprints that were seen of a user of a forge, whose name is `github:choldgraf` or the
   * like, or of a URL.
   *
   * @returns null for who was never seen, and for who has no pins
   * @throws SharingError `PINS_UNREADABLE`
   */
  fingerprintsOf(name: string, kind: KeyKind): ReadonlySet<string> | null {
    const user = forgeUserOf(name);
    let seen: Set<string> | null = null;
    for (const [source, fingerprints] of this.#read()) {
      const isTheirs = user === null ? source === name : isKeysAddress(user, kind, source);
      if (isTheirs) seen = new Set([...(seen ?? []), ...fingerprints]);
    }
    return seen;
  }

  /**
   * What the recipients are called that were seen: a user of GitHub by the login, of another forge
   * as `gitlab:alice`, anybody else by the address of their keys.
   *
   * @throws SharingError `PINS_UNREADABLE`
   */
  names(): string[] {
    return [...new Set([...this.#read().keys()].map((source) => nameAt(source) ?? source))];
  }

  /**
   * Remembers recipients with the keys that they have now. The file is replaced whole, under a
   * lock, and is its owner's alone (0600).
   *
   * @throws SharingError `PINS_UNREADABLE`; the system's error where the file cannot be written
   */
  remember(entries: readonly DirectoryEntry[]): void {
    const pinned = entries.filter(isPinned);
    const path = this.#path;
    if (path === null || pinned.length === 0) return;
    withFileLock(path, () => {
      const known = this.#read();
      for (const entry of pinned) known.set(entry.source, fingerprintsOf(entry));
      const lines = [...known].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(linesOf);
      const unfinished = `${path}.${randomUUID()}`;
      try {
        writeFileSync(unfinished, `${[HEADER, ...lines].join("\n")}\n`, { mode: 0o600, flag: "wx" });
        renameSync(unfinished, path);
      } finally {
        rmSync(unfinished, { force: true });
      }
    });
  }

  #read(): Map<string, Set<string>> {
    const known = new Map<string, Set<string>>();
    for (const line of this.#text().split("\n")) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const [, source, fingerprint] = LINE.exec(line) ?? [];
      if (source === undefined || fingerprint === undefined) throw this.#unreadable("a line of it is damaged");
      const fingerprints = known.get(source) ?? new Set();
      known.set(source, fingerprint === NO_KEYS ? fingerprints : fingerprints.add(fingerprint));
    }
    return known;
  }

  #text(): string {
    if (this.#path === null) return "";
    try {
      const stat = statSync(this.#path, { throwIfNoEntry: false });
      if (stat === undefined) return "";
      if (!stat.isFile() || stat.size > MAX_BYTES) throw this.#unreadable("it is no file of a sensible size");
      return readFileSync(this.#path, "utf8");
    } catch (error) {
      if (error instanceof SharingError) throw error;
      throw this.#unreadable(systemCode(error) ?? "it failed", error);
    }
  }

  #unreadable(reason: string, cause?: unknown): SharingError {
    const message = `cannot read the recipients that were seen before, in ${this.#path ?? ""}: ${reason}`;
    return new SharingError("PINS_UNREADABLE", message, { hint: "mend or remove that file", cause });
  }
}

const NO_KEYS = "-";

const linesOf = ([source, fingerprints]: readonly [string, ReadonlySet<string>]): string[] =>
  fingerprints.size === 0 ? [`${source} ${NO_KEYS}`] : [...fingerprints].toSorted().map((one) => `${source} ${one}`);

/** Keys that were fetched from somewhere can be others the next time. */
const isPinned = ({ source }: DirectoryEntry): boolean => /^https?:\/\/\S{1,2000}$/.test(source);

const usableOf = ({ keys }: DirectoryEntry): Set<string> =>
  new Set(keys.flatMap(({ unusable, fingerprint }) => (unusable === null ? (fingerprint ?? []) : [])));

/** Of the keys that anything could be sealed to, however weak. */
const fingerprintsOf = ({ keys }: DirectoryEntry): Set<string> =>
  new Set(keys.flatMap(({ key, fingerprint }) => (key === null ? [] : (fingerprint ?? []))));
