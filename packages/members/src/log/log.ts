import { push } from "@git-vault/core";
import { hash } from "node:crypto";
import { MembersError } from "../errors.ts";
import type { Entry, EntryDraft } from "../entry/entry.ts";
import { encodeDraft, entryId, parse, problemAtStart, type ParsedEntry } from "../entry/format.ts";
import { entryVerifier } from "../entry/sign.ts";

/** A file of the folder that holds the log. */
export interface LogFile {
  /** Its name in the folder: an entry's is its id. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A file that holds no entry. */
export interface BadFile {
  readonly name: string;
  /** Why, as a phrase. */
  readonly problem: string;
}

/** Entries whose form is sound, and whose signatures were looked at where that can matter. */
export interface Log {
  /** By id. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** The ids of entries whose signature holds. */
  readonly signed: ReadonlySet<string>;
  /** The ids of entries whose signature does not hold. */
  readonly forged: ReadonlySet<string>;
  /** What was read of each of `signed`, as far as the signature holds in it: see `isSound`. */
  readonly sound: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly bad: readonly (BadFile & LogFile)[];
}

/** What makes reading a log cheaper. Neither changes what it means. */
export interface ReadLogOptions {
  /** The root that is expected: signatures under another are not looked at. */
  readonly root?: string | undefined;
  /**
   * Digests of entries with signatures that held before, which are not verified again; those that
   * hold now are added. Another signature over the same entry is another digest.
   */
  readonly held?: Set<string> | undefined;
}

/** Names an entry and its signature. */
const digestOf = ({ id, signature }: Pick<Entry, "id" | "signature">): string =>
  hash("sha256", `${id}\n${signature}`, "hex");

/** The digests of a log's sound entries, by which `held` knows them. */
export const digestsOf = ({ entries, signed }: Pick<Log, "entries" | "signed">): string[] =>
  [...signed].flatMap((id) => {
    const entry = entries.get(id);
    return entry === undefined ? [] : digestOf(entry);
  });

/** So many signatures wait for a core at once: more would only lie in memory. */
const AT_ONCE = 64;

/** The keys that an entry brings in, which may sign others. */
const signersIn = ({ action }: Entry): string[] =>
  action.kind === "start" || action.kind === "add" || action.kind === "give"
    ? action.keys.filter(({ signs }) => signs).map(({ id }) => id)
    : [];

/**
 * Reads the files of a log. One bad file never hides another, and no file costs more than reading
 * it unless a key that entries with sound signatures brought in is said to have signed it: what
 * others wrote counts for nothing anyway. A name may come several times, such as from a tree and
 * from its history: an entry's signature holds if it holds in one of them.
 */
export async function readLog(files: Iterable<LogFile>, { root, held }: ReadLogOptions = {}): Promise<Log> {
  const { copies, bad } = readFiles(files);
  const entries = new Map<string, Entry>();
  const ofAuthor = new Map<string, string[]>();
  const authors = new Set<string>();
  for (const [id, [{ parsed }]] of copies) {
    const { entry } = parsed;
    entries.set(id, entry);
    if (root !== undefined && root !== (entry.root ?? id)) continue;
    push(ofAuthor, entry.author, id);
    if (entry.root === null) authors.add(entry.author);
  }
  const verify = entryVerifier();
  const isSigned = async (copy: ParsedEntry): Promise<boolean> => {
    if (held === undefined) return verify(copy);
    const digest = digestOf(copy.entry);
    if (held.has(digest)) return true;
    const isSound = await verify(copy);
    if (isSound) held.add(digest);
    return isSound;
  };
  const signed = new Set<string>();
  const forged = new Set<string>();
  const sound = new Map<string, Uint8Array[]>();
  const check = async (id: string): Promise<void> => {
    const found: Copy[] = [];
    for (const copy of copies.get(id) ?? []) if (await isSigned(copy.parsed)) found.push(copy);
    const [first] = found;
    if (first === undefined) return void forged.add(id);
    entries.set(id, first.parsed.entry);
    signed.add(id);
    sound.set(
      id,
      found.map(({ bytes }) => bytes),
    );
  };
  // A set's iterator goes on to what is added meanwhile.
  for (const author of authors) {
    const ids = ofAuthor.get(author) ?? [];
    const waiting = ids.values();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const id of waiting) await check(id);
      }),
    );
    for (const id of ids) {
      const entry = signed.has(id) ? entries.get(id) : undefined;
      for (const signer of entry === undefined ? [] : signersIn(entry)) authors.add(signer);
    }
  }
  return { entries, signed, forged, sound, bad };
}

/** A file that holds an entry by its own id, whether or not its signature holds. */
interface Copy {
  readonly parsed: ParsedEntry;
  readonly bytes: Uint8Array;
}

/** Whether a file that was read with the log holds an entry whose signature holds in it. */
export const isSound = ({ sound }: Pick<Log, "sound">, { name, bytes }: LogFile): boolean =>
  sound.get(name)?.some((one) => isSame(one, bytes)) === true;

const isSame = (one: Uint8Array, other: Uint8Array): boolean => one === other || Buffer.compare(one, other) === 0;

/** The sound copies of each entry, and the files that hold none. */
function readFiles(files: Iterable<LogFile>): {
  readonly copies: ReadonlyMap<string, readonly [Copy, ...Copy[]]>;
  readonly bad: readonly (BadFile & LogFile)[];
} {
  const copies = new Map<string, [Copy, ...Copy[]]>();
  const bad: (BadFile & LogFile)[] = [];
  /** What was read by a name: the tree, its history and the clone's memory mostly hold the same. */
  const seen = new Map<string, Uint8Array[]>();
  for (const { name, bytes } of files) {
    if (seen.get(name)?.some((one) => isSame(one, bytes)) === true) continue;
    push(seen, name, bytes);
    const parsed = parseOrNull(bytes, (problem) => bad.push({ name, bytes, problem }));
    if (parsed === null) continue;
    const others = copies.get(name);
    if (parsed.entry.id !== name)
      bad.push({ name, bytes, problem: "it is an entry, and its name is not the entry's id" });
    else if (others === undefined) copies.set(name, [{ parsed, bytes }]);
    else others.push({ parsed, bytes });
  }
  return { copies, bad };
}

function parseOrNull(bytes: Uint8Array, report: (problem: string) => void): ParsedEntry | null {
  // Of much junk an error each would take seconds.
  const problem = problemAtStart(bytes);
  if (problem !== null) {
    report(`malformed entry: ${problem}`);
    return null;
  }
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof MembersError)) throw error;
    report(error.message);
    return null;
  }
}

/** A log without the entries that are not among some. */
export const onlyOf = (log: Log, ids: ReadonlySet<string>): Log => ({
  ...log,
  entries: new Map([...log.entries].filter(([id]) => ids.has(id))),
  signed: new Set([...log.signed].filter((id) => ids.has(id))),
});

/** Entries, by their ids, and all that they build on. */
export function withAncestors(log: Pick<Log, "entries">, ids: Iterable<string>): Set<string> {
  const within = new Set(ids);
  // A set's iterator goes on to what is added meanwhile.
  for (const one of within) for (const parent of log.entries.get(one)?.parents ?? []) within.add(parent);
  return within;
}

/**
 * The log as it would be with one more entry, signed: to see what an entry does before anybody
 * signs it.
 *
 * @throws MembersError as `encodeDraft`
 */
export function withDraft(log: Log, draft: EntryDraft): { readonly log: Log; readonly id: string } {
  const id = entryId(encodeDraft(draft));
  const entries = new Map(log.entries).set(id, { ...draft, id, signature: "" });
  return { log: { ...log, entries, signed: new Set(log.signed).add(id) }, id };
}
