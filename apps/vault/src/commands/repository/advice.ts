import type { Problem, RepositoryFinding } from "@git-vault/git-crypt";
import type { MembersFinding, MembersFindingId } from "@git-vault/sharing/members";

/** What is wrong with a repository, or with who has its keys. */
export type AnyFinding = RepositoryFinding<Problem> | MembersFinding;

/** What who was taken off a key may do to have it again. */
export const ASK_BACK = "ask an admin of `vault holders` to let you in again, with `vault grant --readmit`";

/** How somebody says that a path is unprotected on purpose. */
const ON_PURPOSE =
  "where it is meant to be unprotected, say so on a line of a tracked .gitattributes, not by a macro: `PATH git-vault=unprotected`";

/**
 * What to do about what is wrong with a repository, in the words of the command line. KEY is the
 * finding's subject.
 */
export const ADVICE: Readonly<Record<Problem | MembersFindingId, string>> = {
  "old-git": "install a newer git",
  "missing-program": "run `vault unlock`, which writes the path of this program; or install the one that is named",
  "stale-hook": "run `vault hooks install`, which writes the path of this program, or `vault hooks remove`",
  "missing-hook": "run `vault hooks install` again, or `vault hooks remove` where it is not wanted",
  "hook-program":
    "put `git-vault` on the PATH that git runs hooks with, such as by `npm install --global git-vault`, then see with `vault hooks test`",
  "unfinished-rotation": "finish it with `vault rotate --continue`, or undo it with `vault rotate --abort`",
  "no-filter": "run `vault unlock`, or `vault lock` to remove the key",
  "no-key": "run `vault unlock` with the key, or `vault lock` to remove the filter",
  "no-guard": "run `vault unlock`: with that key it unlocks, and without it has git refuse plaintext there",
  "left-keys": "run `vault lock` to remove them, or `vault unlock`",
  "replaced-key": "run `vault unlock`, which takes the new one; where nobody has it, replace it with `vault rotate`",
  "folder-pattern": "write it as 'FOLDER/**', and run `vault status --fix` for what is stored already",
  "dead-pattern":
    "write the pattern as 'secrets/**' or '*.pem', from the folder of that file, on a line of at most 2047 bytes; then run `vault status --fix` for what is stored already",
  "misspelt-filter":
    "write filter=git-crypt there, or filter=git-crypt-NAME of a named key, without quotes or blanks; then run `vault status --fix` for what is stored already",
  "no-command": "run `vault unlock`, which sets it",
  "no-merge": "write merge=git-crypt beside filter=git-crypt, or the same with -NAME of a named key",
  "not-required": "run `vault unlock`",
  "no-process": "run `vault unlock`, which sets it",
  "loose-permissions": "chmod 600 it",
  "cached-textconv": "unset it, and remove refs/notes/textconv",
  "staged-plaintext": "encrypt it with `vault status --fix`, or unstage it",
  "committed-plaintext":
    "encrypt it with `vault status --fix` and commit; change the secret, since the history keeps it",
  unprotected: `write its line back into .gitattributes; or ${ON_PURPOSE}, then \`git add --renormalize\` stores it unencrypted`,
  exposed: `protect it again in .gitattributes, encrypt it with \`vault status --fix\`, and change the secret; or ${ON_PURPOSE}`,
  "copied-plaintext": `remove it, or protect it in .gitattributes and encrypt it with \`vault status --fix\`; change the secret if it was committed; or ${ON_PURPOSE}`,
  "other-filter": `move the protecting line below that of the other filter, then encrypt it with \`git add --renormalize\`; or ${ON_PURPOSE}`,
  "other-key":
    "name its own key again in .gitattributes; or encrypt it with the other one, with `git add --renormalize` where both keys are",
  unguarded: "first run `vault unlock`, or write the line back that protected it in .gitattributes; then add it",
  "history-plaintext": "change the secret: everybody who has the repository can read the old one",
  "history-not-here":
    "run `vault unlock`, which fetches what it needs, or in a shallow clone `git fetch --unshallow`; or search in a full clone; check that the remote can be reached",
  "unread-attributes":
    "see with `git log` who committed it, and protect what it protected; then write `PATH git-vault=unprotected` for that file into .gitattributes",
  altered:
    "restore it from an older commit; `git log` shows who changed it; a text that was added and committed can be read in the history: change what is secret in it",
  "history-altered": "change the secrets in what was added: everybody who has the repository can read it",
  edited: "note what was added elsewhere, restore it with `git checkout HEAD -- PATH`, then unlock and edit it",
  unopened: "restore it from an older commit, or ask who committed it for the key",
  "newer-key": "take that key with `vault unlock`; where nobody has it, restore the file from an older commit",
  unmerged:
    "take keys that are not here with `vault unlock`, then merge the file again with `git checkout --merge PATH`; or undo with `git merge --abort` or `git rebase --abort`, and do it again",
  "retired-key":
    "encrypt it with the present key with `vault status --fix`, and commit; where somebody was removed, change the secret: they can read it as it was committed",
  "line-endings": "write -text on its line in .gitattributes",
  ident: "write -ident on its line in .gitattributes",
  encoding: "write -working-tree-encoding on its line in .gitattributes",
  attributes:
    "write `.gitattributes !filter !diff !merge !text` below the other lines, then `git add --renormalize .gitattributes` and commit",
  symlink:
    "protect the file that it leads to, and write `PATH !filter !diff !merge !text` below the other lines for the link",
  submodule:
    "protect files inside the submodule itself, and write `PATH !filter !diff !merge !text` below the other lines here",
  empty: "put a line break into it",
  "log-not-here": "run `vault unlock`, which fetches it; in a damaged clone, clone again",
  "other-log":
    "nothing is encrypted or unlocked with its keys; find out who replaced it, and restore it from an older commit",
  "several-logs":
    "it counts for nothing, and newcomers may be stopped by it; see with `git log` who committed it, and remove it",
  "new-log": "run `vault unlock`, which shows who started it and asks",
  "removal-elsewhere":
    "take the key along with `vault unlock`, then commit or stash your changes, and merge that branch or `git pull`, before you write secrets here",
  "rotation-elsewhere":
    "take the key along with `vault unlock`, then commit or stash your changes, and merge that branch or `git pull`; or delete it where it is given up",
  "unread-branches":
    "their members logs are too large or not in this clone: check one out and run `vault status`, or delete what is junk; in a clone without trees, `git fetch --refetch --filter=blob:none` brings them",
  "memory-full":
    "see with `vault log` who wrote so much, and remove them with `vault revoke`; removals are remembered before all else",
  "log-cut":
    "it was reverted, or pushed over; see `vault log`, and mend the branch or say it again: a removal with `vault revoke`, a newer key with `vault rotate`, a member with `vault grant`",
  "missing-entries": "fetch the whole history, or restore the file from an older commit",
  "stale-key": "replace it with `vault rotate`, and change the secrets that it lists",
  "taken-off":
    "remove the old one with `vault lock --key-name KEY`, so that its files stay encrypted here; or ask an admin of `vault holders` for `vault grant --readmit --key-name KEY`",
  "two-keys": "make one of them with `vault rotate`",
  "no-copy": "make it with `vault sync`",
  "strange-copy": "run `vault sync`, which makes the copies that are missing; what it leaves, remove with `git rm`",
  stranger: "let them in with `vault grant --gpg`, or remove the file and replace the key with `vault rotate`",
  "unknown-order": "fetch the whole history with `git fetch --unshallow`: until then nothing is encrypted or unlocked",
  "open-dispute":
    "ask them who was first, and run `vault unlock --first ID` with how the id of that entry begins: until then nothing is encrypted or unlocked",
  dispute: "see `vault log`, and talk to each other",
  "own-attributes":
    "see with `git log` who committed it, and remove it; .git-vault/.gitattributes itself comes back by the next `vault grant`",
  "same-name":
    "`vault log` shows who called them so; name an account or a key where you mean one; to call one rightly, `vault revoke` it by that and let it in again with `vault grant --readmit`",
  "bad-entry":
    "where it was damaged, restore it with `git checkout COMMIT -- FILE` from a commit of `git log` that has it sound; else it counts for nothing: see who committed it, and remove it",
};
