/*
 * The commands that work on a git-crypt repository, and what their help says.
 */
import type { CommandSpec, CommandSpecs } from "../../cli/command.ts";
import {
  DIALOG_FLAGS,
  FORCE,
  GRANT_SIGNING_FLAGS,
  HISTORY,
  KEY_FILE,
  KEY_NAME,
  OPENING_FLAGS,
  OUTPUT,
  PLAINTEXT_FLAGS,
  REPORT_FLAGS,
  SIGNER_FLAGS,
  YES,
} from "../../cli/flags.ts";

export const UNLOCK = {
  group: "hand over",
  usage: "[FILE|-]",
  summary: "open a sealed key and unlock the repository with it, in one step",
  description: [
    "FILE, and likewise what is on stdin or the clipboard, is a sealed message that holds the repository's git-crypt key, or the key file itself, or the base64 text of one.",
    "Where no FILE is named, the first that is there is taken: what comes by a pipe or a file on stdin, unless it is empty; the keys that the repository holds already, where they are all that it uses and open its files; $GIT_CRYPT_KEY, the base64 text of a key file or the path of one; a grant in .git-vault to one of your private keys, as `vault grant` makes them; a grant in .git-crypt to one of your OpenPGP keys, opened by the OpenPGP private key of --key, or else by gpg; the clipboard.",
    "The key is tried on an encrypted file before anything is written: a wrong key changes nothing, and unlocking again does nothing but finish or repair what is there. Files that are not protected may have changes. With --force, protected files with changes are left as they are instead of stopping it.",
    "By whom the sealed message was signed is told as by `vault view`, or that it is unsigned.",
    "Private keys and passphrases are taken as by `vault view`. The git-crypt program is not needed, and may be used beside it.",
  ],
  examples: [
    "vault unlock",
    "vault unlock message.txt",
    "pbpaste | vault unlock",
    "GIT_CRYPT_KEY=$(base64 < key) vault unlock",
  ],
  operands: 1,
  complete: "file",
  flags: { ...OPENING_FLAGS, ...SIGNER_FLAGS, force: FORCE, ...DIALOG_FLAGS },
} as const satisfies CommandSpec;

export const REPOSITORY_COMMANDS = {
  init: {
    group: "git-crypt",
    usage: "[PATTERN…]",
    summary: "make a key for the repository, and protect the files that the patterns name",
    description: [
      "Makes a git-crypt key, configures the filter, and adds a line to .gitattributes for each PATTERN, which is written as in .gitignore, but for !. Files that are committed from then on, and match, are stored encrypted. Where the key is there already, only the lines are added.",
      "It refuses in a clone whose files are encrypted already, since a new key would not open them; --force makes one all the same.",
    ],
    examples: ["vault init 'secrets/**' '*.pem'", "vault init --key-name production 'production/**'"],
    operands: Number.POSITIVE_INFINITY,
    flags: { "key-name": KEY_NAME, force: FORCE, ...REPORT_FLAGS },
  },
  lock: {
    group: "git-crypt",
    usage: "",
    summary: "encrypt the protected files in the work tree, and remove the keys from the repository",
    description: [
      "It refuses while protected files have changes that are not staged, and while another work tree of the repository holds decrypted files: that one would then store plaintext. With --force files are encrypted with their changes, which unlocking brings back, and work trees whose folder is gone are passed over; with --all-worktrees the others are locked along.",
    ],
    operands: 0,
    flags: {
      "key-name": KEY_NAME,
      "all-worktrees": { summary: "lock the other work trees of the repository along" },
      force: FORCE,
      ...REPORT_FLAGS,
    },
  },
  status: {
    group: "git-crypt",
    usage: "",
    summary: "show whether the repository is locked, what is protected, and every danger",
    description: [
      "Works in locked repositories, too. Where something is wrong the exit code is 7, and it is told what to do about each path.",
    ],
    operands: 0,
    flags: {
      history: HISTORY,
      fix: { summary: "encrypt what the index holds in clear, or under a retired key, on protected paths" },
      ...REPORT_FLAGS,
    },
  },
  rotate: {
    group: "git-crypt",
    usage: "",
    summary: "replace the repository's key, and encrypt every protected file of this branch with the new one",
    description: [
      "Makes a new key and one commit, which encrypts every file that this branch protects with it. The work tree stays as it is. The old key is kept in that commit, sealed under the new one, so that whoever holds the new one can still read older commits; in a repository that `vault` unlocked, git goes on checking them out, diffing and merging them.",
      "Grants are renewed in the same commit, for the very keys that they name: those that were made by somebody who has the key, and whose signature, if any, fits. To OpenPGP keys it takes their public keys, from the holder's account or gpg. Others are removed. Who has the new key, and what was removed, is reported. What is not signed, or not by a key of who is named; keys that are not on their holder's account, or were not when you last saw it; and what git-crypt granted and nobody vouches for: these are shown first, and have to be confirmed, or --yes said. Everybody else needs the new key from you. git-crypt itself works at the new commit with the new key; older commits it cannot check out.",
      "What rotation cannot do: whoever had the old key can read all that was encrypted with it, in every clone that exists. The files are listed: change the secrets in them.",
      "It needs a branch, protected files without changes, and no merge or rebase in progress. git's hooks do not run. Interrupted at any point, it is finished by --continue or undone by --abort. Another branch keeps the old key until it is merged; `vault status` then names the files that are left, and `vault status --fix` encrypts them anew.",
    ],
    examples: ["vault rotate", "vault rotate --key-name production", "vault rotate --continue"],
    operands: 0,
    flags: {
      "key-name": KEY_NAME,
      continue: { summary: "finish a rotation that was interrupted" },
      abort: { summary: "undo a rotation that was interrupted" },
      yes: YES,
      ...GRANT_SIGNING_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  decrypt: {
    group: "git-crypt",
    usage: "[REV:]PATH",
    summary: "decrypt one file without unlocking, from the disk or as it was at a revision",
    description: [
      "PATH is a file on the disk, in a repository or not, or `-` for stdin. In REV:PATH it goes from the top of the repository, or from the current folder where it begins with ./ or ../, as in git. A name that is not in UTF-8 cannot be given; hand the file over on stdin instead: `git cat-file blob REV:PATH | vault decrypt -`.",
      "The key is that of --key-file; else those that the repository holds; else $GIT_CRYPT_KEY; else those of grants in the repository to your private keys, as by `vault unlock`. Nothing is stored. The file is checked to be what was encrypted. Binary is not printed to a terminal unless asked for by `-o -`.",
    ],
    examples: [
      "vault decrypt HEAD~3:secrets/password",
      "vault decrypt --key-file message.txt secrets/password",
      "curl -s https://… | vault decrypt --key-file key -",
    ],
    operands: 1,
    missing: "expected a file: [REV:]PATH",
    complete: "file",
    flags: {
      "key-file": KEY_FILE,
      ...OPENING_FLAGS,
      ...SIGNER_FLAGS,
      ...PLAINTEXT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "export-key": {
    group: "git-crypt",
    usage: "",
    summary: "write the repository's key, unsealed, as git-crypt does",
    description: ["It is the secret itself. To hand it to somebody, use `vault share`."],
    examples: ["vault export-key -o ../git-crypt-key", "vault export-key | base64"],
    operands: 0,
    flags: { "key-name": KEY_NAME, output: OUTPUT, ...REPORT_FLAGS },
  },
  keygen: {
    group: "git-crypt",
    usage: "",
    summary: "make a git-crypt key that belongs to no repository yet",
    description: ["The file of -o must not exist yet. `vault unlock FILE` in a new repository makes it the key there."],
    examples: ["vault keygen -o git-crypt-key"],
    operands: 0,
    flags: { "key-name": KEY_NAME, output: OUTPUT, ...REPORT_FLAGS },
  },
  "migrate-key": {
    group: "git-crypt",
    usage: "FILE|-",
    summary: "turn a key file of git-crypt before 0.4 into a current one",
    description: ["`vault unlock` takes both; this is for git-crypt, which takes the current ones only."],
    examples: ["vault migrate-key old-key -o git-crypt-key"],
    operands: 1,
    missing: "expected a key file, or - for stdin",
    complete: "file",
    flags: { output: OUTPUT, ...REPORT_FLAGS },
  },
  hooks: {
    group: "git-crypt",
    usage: "install|remove|check",
    summary: "keep plaintext on protected paths from being committed, by a pre-commit hook",
    description: [
      "The hook needs no key and so works in a locked clone, too, where nothing else keeps plaintext from being committed. A hook that is there already is kept and run after it. Where core.hooksPath leads into the work tree, as some tools set it, the hook may be committed: there it runs `git-vault` by that name instead of this program by its path, and lets commits pass on a machine without it, saying so. `check` is what the hook runs: it fails with exit code 7 where plaintext is staged.",
    ],
    operands: 1,
    complete: ["install", "remove", "check"],
    flags: { ...REPORT_FLAGS },
  },
  filter: {
    usage: "[clean|smudge]",
    summary: "encrypt and decrypt files as git stores and checks them out; run by git itself",
    operands: 1,
    flags: { "key-name": KEY_NAME },
  },
  merge: {
    usage: "BASE OURS THEIRS MARKER-SIZE PATH",
    summary: "merge an encrypted file; run by git itself",
    operands: 5,
    flags: { "key-name": KEY_NAME },
  },
} as const satisfies CommandSpecs;
