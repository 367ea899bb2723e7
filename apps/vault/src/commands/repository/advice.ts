import type { Problem } from "@git-vault/git-crypt";

/** What to do about what is wrong with a repository, in the words of the command line. */
export const ADVICE: Readonly<Record<Problem, string>> = {
  "old-git": "install a newer git",
  "missing-program": "run `vault unlock`, which writes the path of this program; or install the one that is named",
  "stale-hook": "run `vault hooks install`, which writes the path of this program, or `vault hooks remove`",
  "unfinished-rotation": "finish it with `vault rotate --continue`, or undo it with `vault rotate --abort`",
  "no-filter": "run `vault unlock`, or `vault lock` to remove the key",
  "no-key": "run `vault unlock` with the key, or `vault lock` to remove the filter",
  "left-keys": "run `vault lock` to remove them, or `vault unlock`",
  "replaced-key": "run `vault unlock`, which takes the new one",
  "false-retirement": "it counts for nothing; see with `git log` who committed it, and remove it",
  "folder-pattern": "add ** to its end, and run `vault status --fix` for what is stored already",
  "not-required": "run `vault unlock`",
  "no-process": "run `vault unlock`, which sets it",
  "loose-permissions": "chmod 600 it",
  "cached-textconv": "unset it, and remove refs/notes/textconv",
  "merged-rotations": "make one of them with `vault rotate`",
  "staged-plaintext": "encrypt it with `vault status --fix`, or unstage it",
  "committed-plaintext":
    "encrypt it with `vault status --fix` and commit; change the secret, since the history keeps it",
  "history-plaintext": "change the secret: everybody who has the repository can read the old one",
  unopened: "check that it was encrypted with this repository's key; else restore it from an older commit",
  "newer-key": "take that key with `vault unlock`",
  "retired-key": "encrypt it with the present key with `vault status --fix`, and commit",
  "line-endings": "write -text on its line in .gitattributes",
  ident: "write -ident on its line in .gitattributes",
  encoding: "write -working-tree-encoding on its line in .gitattributes",
  attributes:
    "write `.gitattributes !filter !diff !merge !text` below the other lines, then `git add --renormalize .gitattributes` and commit",
  symlink: "protect the file that it leads to instead",
  submodule: "protect files inside the submodule itself",
  empty: "put a line break into it",
};
