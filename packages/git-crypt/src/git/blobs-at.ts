import type { GitPlace } from "./git.ts";
import { byOid, readBlobs, readFew, sizesOf } from "./objects.ts";

/** Some paths, folder by folder: what lies in one, by the last part of its name. */
interface Wanted {
  readonly files: Map<string, string>;
  readonly folders: Map<string, Wanted>;
}

/** What of it is in a tree. */
interface Found {
  readonly blobs: Map<string, string>;
  readonly folders: Found[];
}

interface Question {
  readonly oid: string;
  readonly wanted: Wanted;
  readonly found: Found;
}

const ask = (oid: string, wanted: Wanted): Question => ({ oid, wanted, found: { blobs: new Map(), folders: [] } });

const nothingWanted = (): Wanted => ({ files: new Map(), folders: new Map() });

function wantedOf(names: readonly string[]): Wanted {
  const top = nothingWanted();
  for (const name of names) {
    const parts = name.split("/");
    const last = parts.pop() ?? "";
    let folder = top;
    for (const part of parts) {
      const inner = folder.folders.get(part) ?? nothingWanted();
      folder.folders.set(part, inner);
      folder = inner;
    }
    folder.files.set(last, name);
  }
  return top;
}

/** The entries of a tree as git stores it: mode, name, and the bytes of the object's name. */
function* entriesOf(content: Buffer, oidBytes: number): Generator<[mode: string, name: string, oid: string]> {
  for (let at = 0; at < content.length;) {
    const blank = content.indexOf(32, at);
    const end = content.indexOf(0, blank);
    const next = end + 1 + oidBytes;
    yield [
      content.toString("latin1", at, blank),
      content.toString("latin1", blank + 1, end),
      content.toString("hex", end + 1, next),
    ];
    at = next;
  }
}

/** Answers some questions, and gives those that folders in these trees ask. */
function answer(place: GitPlace, questions: readonly Question[]): Question[] {
  const asked = byOid(questions);
  const known = new Map<Wanted, Map<string, Question>>();
  const next: Question[] = [];
  const few = readFew(place, asked.keys(), { wanted: "tree" });
  for (const [tree, content] of few ?? readBlobs(place, sizesOf(place, asked.keys(), "tree"))) {
    for (const { wanted, found } of asked.get(tree) ?? []) {
      for (const [mode, part, oid] of entriesOf(content, tree.length / 2)) {
        const name = wanted.files.get(part);
        const inner = mode === "40000" ? wanted.folders.get(part) : undefined;
        if (name !== undefined && mode.startsWith("1") && mode !== "160000") found.blobs.set(name, oid);
        if (inner === undefined) continue;
        const same = known.get(inner) ?? new Map<string, Question>();
        known.set(inner, same);
        const question = same.get(oid) ?? ask(oid, inner);
        if (!same.has(oid)) next.push(question);
        same.set(oid, question);
        found.folders.push(question.found);
      }
    }
  }
  return next;
}

function* blobsIn({ blobs, folders }: Found): Generator<[name: string, oid: string]> {
  yield* blobs;
  for (const folder of folders) yield* blobsIn(folder);
}

/**
 * The blobs at `names` in each of some trees, in order. Each folder is read once, however many
 * trees and paths there are: git itself would read all of it again for each path in it.
 *
 * @param names whose characters are bytes
 */
export function blobsAt(
  place: GitPlace,
  trees: readonly string[],
  names: readonly string[],
): ReadonlyMap<string, string>[] {
  const wanted = wantedOf(names);
  const tops = trees.map((oid) => ask(oid, wanted));
  for (let questions = tops; questions.length > 0;) questions = answer(place, questions);
  return tops.map(({ found }) => new Map(blobsIn(found)));
}
