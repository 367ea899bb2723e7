import type { Finding } from "@git-vault/core";
import { fileName } from "../format/file-name.ts";

/** Something wrong with a protected path, or with how the repository is set up. */
export interface RepositoryFinding<Id extends string = string> extends Finding {
  readonly id: Id;
  /** What it is about, as it is shown: a file's path, the name of a key or of a setting. */
  readonly subject: string;
}

/** What is wrong with a path that is or was protected, as it follows that path. */
const PROBLEMS = {
  /** The index holds it unencrypted, and the last commit does not, or not so. */
  "staged-plaintext": "is staged unencrypted",
  /** The last commit holds it unencrypted. */
  "committed-plaintext": "is committed unencrypted",
  /** The index holds ciphertext, and the attributes of now do not protect the path. */
  unprotected: "is encrypted, but no longer protected: git stores its next change unencrypted",
  /** By earlier attributes it was protected, or HEAD or a late commit holds ciphertext. */
  exposed: "was protected, but is stored unencrypted now",
  /** What follows is the protected file. */
  "copied-plaintext": "is stored unencrypted, and has the same content as a protected file",
  /** A line below ours gives it to another program, such as git-lfs. */
  "other-filter": "is on a protected path, but another filter stores it unencrypted",
  /** Its attributes name another key than the one that it is encrypted with. */
  "other-key": "is encrypted with a different key from the one that .gitattributes names",
  /** It is not in the index. */
  unguarded: "is not added yet, and git would store it unencrypted",
  /** A reachable commit holds it unencrypted. */
  "history-plaintext": "was committed unencrypted once",
  /** A version has more bytes, or more lines that protect, than are read. */
  "unread-attributes": "was too large to read in an older commit, so it is unknown what it protected",
  /** In a partial clone, of which the remote does not answer. */
  "history-not-here": "has versions that are not in this clone, and were not searched",
  /** It is cut off, or an older version has the same nonce. */
  altered: "was changed after it was encrypted: no key opens it, and what was added to it is stored unencrypted",
  /** The same in a reachable commit. */
  "history-altered": "was once changed after it was encrypted: what was added to it was committed unencrypted",
  /** The same in the work tree alone. */
  edited: "is encrypted in the work tree and was changed there, so no key opens it",
  /** No key here opens it. */
  unopened: "cannot be opened by any key in this clone: it was encrypted with another key, or changed",
  /** The same where the branch, or another, has a key that is not here. */
  "newer-key": "cannot be opened by any key in this clone; a key that this clone does not have may open it",
  /** A merge stopped at it, such as for want of a key: no marks tell that theirs is missing. */
  unmerged: "is in conflict and holds only our side: git could not merge it",
  /** Who was shut out by that rotation can still read it. */
  "retired-key": "is encrypted with a key that a rotation replaced",
  /** `text` or `eol` is set on it. */
  "line-endings": "has line endings that git changes, which damages it",
  ident: "has a $Id$ that git replaces, which damages it",
  /** `working-tree-encoding` is set on it. */
  encoding: "has an encoding that git converts, which damages it",
  /** It is a `.gitattributes`. */
  attributes: "is itself protected: a clone without the key cannot tell what is protected, and cannot be unlocked",
  symlink: "is a symbolic link, which is never encrypted",
  submodule: "is a submodule, which is never encrypted",
  /**
   * Its blob is not empty, which git takes for a change that it cannot find again: `git merge` then
   * ends with "stash failed" (seen with 2.39, whatever the filter; rebase and cherry-pick work).
   */
  empty: "is an empty file, which git merge stops at",
} as const;

/** What is wrong with a path that is or was protected. */
export type PathProblem = keyof typeof PROBLEMS;

/** A finding about a file: its `subject` is the `file`. */
export type PathFinding = RepositoryFinding<PathProblem> & { readonly file: string };

/** Findings about files, by their names, whose characters are bytes. */
export const pathFindings = (files: readonly { readonly name: string }[], id: PathProblem): PathFinding[] =>
  files.map(({ name }) => {
    const { path: file } = fileName(name);
    return { id, severity: "error", message: `${file} ${PROBLEMS[id]}`, file, subject: file };
  });
