import type { Ailment } from "../status/diagnose.ts";
import { type FileName, fileName } from "../format/file-name.ts";

/**
 * What is wrong with a path that is protected.
 *
 * - `staged-plaintext`: the index holds it unencrypted, and the last commit does not, or not so
 * - `committed-plaintext`: the last commit holds it unencrypted
 * - `history-plaintext`: a reachable commit holds it unencrypted
 * - `unopened`: it is encrypted, and the key does not open it
 * - `newer-key`: it is encrypted with a key that is not here, which a rotation made elsewhere
 * - `retired-key`: it is encrypted with a key that a rotation replaced: who was shut out then can
 *   still read it
 * - `line-endings`: `text` or `eol` is set on it, and git may change bytes of the ciphertext
 * - `ident`: `ident` is set on it, with the same effect
 * - `encoding`: `working-tree-encoding` is set on it, with the same effect
 * - `attributes`: it is a `.gitattributes`, and protected or encrypted: where the key is not, git
 *   cannot read what it says
 * - `symlink`, `submodule`: it is one, and its target or commit is stored unencrypted
 * - `empty`: its content is empty and its blob is not, which git takes for a change that it cannot
 *   find again: `git merge` then ends with "stash failed" (seen with 2.39, whatever the filter;
 *   rebase and cherry-pick work); a line break cures it
 * - `merged-rotations`: the path is that of a key's retired keys, of branches that were both
 *   rotated: each has its own present key
 */
export type PathProblem =
  | "merged-rotations"
  | "staged-plaintext"
  | "committed-plaintext"
  | "history-plaintext"
  | "unopened"
  | "newer-key"
  | "retired-key"
  | "line-endings"
  | "ident"
  | "encoding"
  | "attributes"
  | "symlink"
  | "submodule"
  | "empty";

/** What is wrong with a path, or with how the repository is set up. */
export type Problem = PathProblem | Ailment;

/**
 * Something wrong. An ailment's `path` is the subject of its diagnosis: also the name of a key or
 * of a setting.
 */
export interface Finding extends FileName {
  readonly problem: Problem;
}

/** A finding about the file of that name, whose characters are bytes. */
export const findingOf = (name: string, problem: Problem): Finding => ({ ...fileName(name), problem });
