import { GitCryptError } from "../errors.ts";
import type { StatedFile } from "./file-states.ts";
import type { FreshFile } from "../git/index-file.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { isBlob } from "../git/objects.ts";
import type { WorkTree } from "../git/work-tree.ts";

/** Takes how many files are done, of how many. */
export type Progress = (done: number, total: number) => void;

/** How the files of a work tree are rewritten. */
export interface Rewriting {
  readonly workTree: WorkTree;
  readonly keys: ReadonlyMap<string, KeyRing>;
  readonly to: "open" | "sealed";
  readonly progress?: Progress | undefined;
}

/** What became of the files. The names' characters are bytes. */
export interface Rewritten {
  /** Files that now hold what the index says. */
  readonly fresh: Map<string, FreshFile>;
  /** Files that were rewritten. */
  readonly done: StatedFile[];
  /** Files that somebody changed meanwhile: left alone. */
  readonly changed: string[];
  /** Files that the key does not open: left alone. */
  readonly unopened: string[];
}

function transformed({ keys, to }: Rewriting, { entry }: StatedFile, content: Buffer): Uint8Array | null {
  const ring = keys.get(entry.keyName);
  if (ring === undefined) return null;
  try {
    return to === "open" ? ring.smudge(content) : ring.seal(content, (blob) => isBlob(entry.oid, blob));
  } catch (error) {
    if (error instanceof GitCryptError && UNOPENED.has(error.code)) return null;
    throw error;
  }
}

const UNOPENED: ReadonlySet<string> = new Set(["MALFORMED_BLOB", "TAMPERED_BLOB", "RETIRED_KEY"]);

function rewriteFile(rewriting: Rewriting, file: StatedFile, result: Rewritten): void {
  const { name, oid } = file.entry;
  const content = file.found?.content ?? rewriting.workTree.read(name)?.content;
  if (file.found === null || content === undefined) {
    result.changed.push(name);
    return;
  }
  const next = transformed(rewriting, file, content);
  if (next === null) {
    result.unopened.push(name);
    return;
  }
  const stat = next === content ? file.found.stat : rewriting.workTree.replace(name, next, file.found.stat);
  if (stat === null) {
    result.changed.push(name);
    return;
  }
  if (rewriting.to === "open") next.fill(0);
  content.fill(0);
  if (file.state === "sealed" || file.state === "open") result.fresh.set(name, { oid, stat });
  result.done.push({ ...file, found: { stat } });
}

/**
 * Encrypts or decrypts files in their places, one after the other. Where one cannot be written,
 * those before it are put back.
 *
 * @throws GitCryptError UNWRITABLE, where all files are as they were; HALFWAY where they could not
 * be put back.
 */
export function rewriteFiles(rewriting: Rewriting, files: readonly StatedFile[]): Rewritten {
  const result: Rewritten = { fresh: new Map(), done: [], changed: [], unopened: [] };
  try {
    for (const [at, file] of files.entries()) {
      rewriteFile(rewriting, file, result);
      rewriting.progress?.(at + 1, files.length);
    }
  } catch (error) {
    putBack(rewriting, result.done, error);
    throw error;
  }
  return result;
}

const halfway = (cause: unknown): GitCryptError =>
  new GitCryptError("HALFWAY", "a file cannot be written, and the files before it could not be restored", {
    hint: "the key and the filter stay in place; give the folder the space or the permissions that it lacks, then run the command again",
    cause,
  });

/**
 * Undoes a rewriting that `cause` ended. What was edited meanwhile is left alone.
 *
 * @throws GitCryptError HALFWAY where a file is not as it was.
 */
export function putBack({ workTree, keys, to }: Rewriting, done: readonly StatedFile[], cause: unknown): void {
  const back: Rewriting = { workTree, keys, to: to === "open" ? "sealed" : "open" };
  const result: Rewritten = { fresh: new Map(), done: [], changed: [], unopened: [] };
  try {
    for (const file of done) rewriteFile(back, file, result);
  } catch {
    throw halfway(cause);
  }
  if (result.done.length < done.length) throw halfway(cause);
}
