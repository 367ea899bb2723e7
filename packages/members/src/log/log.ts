import { signatureVerifier } from "@git-vault/keys";
import { MembersError } from "../errors.ts";
import type { Entry, EntryDraft } from "../entry/entry.ts";
import { encodeDraft, entryId, parse, type ParsedEntry } from "../entry/format.ts";
import { isSigned } from "../entry/sign.ts";

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
  readonly bad: readonly BadFile[];
}

/** What makes reading a log cheaper. Neither changes what it means. */
export interface ReadLogOptions {
  /** The root that is expected: signatures under another are not looked at. */
  readonly root?: string | undefined;
  /** Ids of entries whose signature held before: they are not verified again. */
  readonly verified?: ReadonlySet<string> | undefined;
}

/** The keys that an entry brings in, which may sign others. */
const signersIn = ({ action }: Entry): string[] =>
  action.kind === "start" || action.kind === "add" || action.kind === "give"
    ? action.keys.filter(({ signs }) => signs).map(({ id }) => id)
    : [];

/**
 * Reads the files of a log. One bad file never hides another, and no file costs more than reading it
 * unless a key that entries with sound signatures brought in is said to have signed it: what others
 * wrote counts for nothing anyway. A name may come several times, such as from a tree and from its
 * history; an entry's signature holds if it holds in one of them.
 */
export function readLog(files: Iterable<LogFile>, { root, verified }: ReadLogOptions = {}): Log {
  const bad: BadFile[] = [];
  const copies = new Map<string, ParsedEntry[]>();
  const ofAuthor = new Map<string, Set<string>>();
  for (const { name, bytes } of files) {
    const parsed = parseOrNull(bytes, (problem) => bad.push({ name, problem }));
    if (parsed === null) continue;
    const { id, author } = parsed.entry;
    if (id !== name) {
      bad.push({ name, problem: "it is an entry, and its name is not the entry's id" });
      continue;
    }
    copies.set(id, [...(copies.get(id) ?? []), parsed]);
    ofAuthor.set(author, (ofAuthor.get(author) ?? new Set()).add(id));
  }
  const isOfRoot = ({ id, root: its }: Entry): boolean => root === undefined || root === (its ?? id);
  const verify = signatureVerifier();
  const signed = new Set<string>();
  const forged = new Set<string>();
  const entries = new Map<string, Entry>();
  for (const [id, [first]] of copies) if (first !== undefined) entries.set(id, first.entry);
  const authors = new Set(
    [...entries.values()].filter((one) => one.root === null && isOfRoot(one)).map((one) => one.author),
  );
  for (const author of authors) {
    for (const id of ofAuthor.get(author) ?? []) {
      const all = copies.get(id) ?? [];
      const sound =
        verified?.has(id) === true ? all[0] : all.find((copy) => isOfRoot(copy.entry) && isSigned(copy, verify));
      if (sound === undefined) {
        if (all.some(({ entry }) => isOfRoot(entry))) forged.add(id);
        continue;
      }
      signed.add(id);
      entries.set(id, sound.entry);
      // A set's iterator goes on to what is added meanwhile.
      for (const signer of signersIn(sound.entry)) authors.add(signer);
    }
  }
  return { entries, signed, forged, bad };
}

function parseOrNull(bytes: Uint8Array, report: (problem: string) => void): ParsedEntry | null {
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof MembersError)) throw error;
    report(error.message);
    return null;
  }
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
