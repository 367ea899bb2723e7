import type { Ailment } from "@git-vault/git-crypt";

/**
 * What is wrong with how a repository is set up, and what to do about it; the subject stands before
 * it.
 */
export const AILMENTS: Readonly<Record<Ailment, readonly [what: string, remedy: string]>> = {
  "old-git": ["git is older than 2.11, and starts the filter once for each file", "install a newer git"],
  "missing-program": [
    "names a program that is not there, so that git stops at each protected file",
    "run `vault unlock`, which writes the path of this program; or install the one that is named",
  ],
  "stale-hook": [
    "names a program that is not there, so that git refuses each commit",
    "run `vault hooks install`, which writes the path of this program, or `vault hooks remove`",
  ],
  "unfinished-rotation": [
    "a rotation was interrupted",
    "finish it with `vault rotate --continue`, or undo it with `vault rotate --abort`",
  ],
  "no-filter": [
    "the key is here, but its filter is not configured: git stores protected files in clear",
    "run `vault unlock`, or `vault lock` to remove the key",
  ],
  "no-key": [
    "the filter is configured, but the key is not here: git stops at each protected file",
    "run `vault unlock` with the key, or `vault lock` to remove the filter",
  ],
  "left-keys": [
    "another program locked the repository and left keys here that a rotation replaced: they open older commits",
    "run `vault lock` to remove them, or `vault unlock`",
  ],
  "replaced-key": [
    "a rotation replaced this key: files that need the new one stay encrypted, and git adds no changes of protected files",
    "run `vault unlock`, which takes the new one",
  ],
  "false-retirement": [
    "says that a key which is here was replaced, and nobody wrote it who had that key",
    "it counts for nothing; see with `git log` who committed it, and remove it",
  ],
  "folder-pattern": [
    "is a pattern for a folder, which in .gitattributes fits no file: what is in it is stored in clear",
    "add ** to its end, and run `vault status --fix` for what is stored already",
  ],
  "not-required": ["is not true: where the filter fails, git stores plaintext", "run `vault unlock`"],
  "no-process": ["is not set: git starts the filter once for each file", "run `vault unlock`, which sets it"],
  "loose-permissions": ["the key can be read or written by other users", "chmod 600 it"],
  "cached-textconv": ["keeps decrypted contents in the repository's notes", "unset it, and remove refs/notes/textconv"],
};
