/*
 * The commands that say who has a repository's keys, and what their help says.
 */
import type { CommandSpecs } from "../../cli/command.ts";
import {
  ALLOW_WEAK,
  AUTHOR_FLAGS,
  DIALOG_FLAGS,
  INSECURE_HTTP,
  JSON_FLAG,
  KEY_NAMES,
  MARKDOWN,
  NO_COMMIT,
  OFFLINE,
  OUTPUT,
  PLUGIN,
  REVIEW_FLAGS,
  ROOT,
  TRUST_FLAGS,
  YES,
} from "../../cli/flags.ts";

export const HOLDER_COMMANDS = {
  grant: {
    group: "who has the key",
    usage: "R…",
    summary: "let somebody open the repository's key: they clone and run `vault unlock`",
    description: [
      "Writes each recipient into the members log, seals the key to all usable keys of theirs, and commits that in .git-vault, in one commit that holds nothing else. A team grants each member. Who has the key already is passed over. Where anything fails, nothing is changed. Where there is no members log, it is started, with you as its first member.",
      "A recipient with an SSH key becomes an admin, who may let others in and take them out, and others a reader, who may only open; with --reader everybody does. A removed person comes back only with --readmit. A key that was taken out by itself, such as that of a stolen laptop, does not come back with its owner, even if their account still publishes it: name it with --key to let it back in, or say yes to it on a terminal, where --readmit asks for each.",
      "The first time that a recipient is seen their fingerprints are shown and, on a terminal, confirmed. They are remembered: where they are others later, it stops and says what was added and removed. --expect and --member-of demand more.",
      "The entry is signed with an SSH key of yours that is an admin's, from the agent or from ~/.ssh.",
      "--gpg grants to the OpenPGP keys of the recipients' accounts, or of key files, and writes git-crypt's own files for them as well: `git-crypt unlock` opens these. No gpg is needed to grant.",
      "A key of an age plugin, age1NAME1…, is granted to by running the plugin. The one who replaces the key later runs it only where they name it themselves, by --plugin or git's git-vault.plugin: else they are told that this key gets no copy. What the members log says runs nothing.",
      "--ci makes a key for a CI system and prints its private half, once: put it into a secret named GIT_VAULT_IDENTITY, and `vault unlock` takes it. It names the members log, so that the CI system takes no other.",
    ],
    examples: [
      "vault grant choldgraf",
      "vault grant github:jupyterhub/binder-team --member-of jupyterhub",
      "vault grant --key-name staging --key-name prod choldgraf",
      "vault grant --ci=deploy | gh secret set GIT_VAULT_IDENTITY",
    ],
    operands: Number.POSITIVE_INFINITY,
    complete: ["recipient"],
    flags: {
      "key-name": KEY_NAMES,
      reader: { summary: "let them open keys, and not let others in or take them out" },
      readmit: { summary: "let somebody back in who was removed" },
      key: {
        value: "KEY",
        multiple: true,
        summary:
          "the fingerprint of a key of a recipient that was taken out by itself, to let it back in; may be repeated",
      },
      gpg: { summary: "grant to OpenPGP keys, in git-crypt's own way as well" },
      ci: {
        optional: "NAME",
        summary: "make an age key for a CI system, print its private half once, and grant to it",
      },
      output: OUTPUT,
      "no-commit": NO_COMMIT,
      plugin: PLUGIN,
      root: ROOT,
      ...AUTHOR_FLAGS,
      ...TRUST_FLAGS,
      "allow-weak": ALLOW_WEAK,
      "insecure-http": INSECURE_HTTP,
      ...DIALOG_FLAGS,
    },
  },
  holders: {
    group: "who has the key",
    usage: "",
    summary: "show who may open the keys, since when and let in by whom, and whether their keys are still theirs",
    description: [
      "The list is that of the members log of the branch that is checked out. Each member is then looked up on their forge: a key that left their account, an account that is gone or has another name, a key that was not granted to yet. The exit code is 7 where something needs attention. It works in a locked repository, too.",
    ],
    examples: ["vault holders", "vault holders --markdown > docs/who-has-the-keys.md"],
    operands: 0,
    flags: { offline: OFFLINE, markdown: MARKDOWN, json: JSON_FLAG },
  },
  log: {
    group: "who has the key",
    usage: "",
    summary: "show the members log: who let whom in, who took whom out, and what does not count",
    description: [
      "The entries come in the order in which they build on each other. Each tells who wrote it, when they say that it was, and what it does; one that does not count tells why. No forge is asked, and no key is needed.",
    ],
    operands: 0,
    flags: { json: JSON_FLAG },
  },
  sync: {
    group: "who has the key",
    usage: "",
    summary: "bring the members log up to date with the keys that its members have now",
    description: [
      "What `vault holders` finds changed is mended in one commit. Keys that a member added to their account are let in, and copies that are missing are made. A key that left an account is taken out, and the repository's keys that it could open are replaced in the same commit, as by `vault revoke --key`; so are keys that somebody can open who should not, and keys that two branches replaced. It shows the changes and asks first; without a terminal new keys need --yes. With --check it changes nothing, and ends with 7 where something is to be done.",
    ],
    examples: ["vault sync", "vault sync --check"],
    operands: 0,
    flags: {
      check: { summary: "change nothing, and end with 7 where something is to be done" },
      yes: YES,
      "no-commit": NO_COMMIT,
      root: ROOT,
      ...AUTHOR_FLAGS,
      ...REVIEW_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  revoke: {
    group: "who has the key",
    usage: "MEMBER…",
    summary: "take somebody out, or one key of theirs: and replace the keys that they could open",
    description: [
      "MEMBER is a GitHub user by login, a name that `vault holders` shows, an account by number or a fingerprint of theirs. A login means the person who has that account, whatever they are called in the log. Where a name may mean several, it stops and says how to name each. They go with their account and all their keys, under every name, from every key of the repository; with --key-name from those keys alone.",
      "--key takes out a single key, such as a stolen one; its owner stays a member. Who has no other key would be removed: it asks, and without a terminal stops.",
      "One commit says so in the members log, encrypts every protected file with new keys, and seals these to all other members. Who they are is shown before, with what is worth a look: somebody new to you, somebody added by the one who is removed, a key that is not on its owner's account, and that you would not have it yourself. On a terminal it is asked; else each of these needs --keep NAME, your own name too, or --drop NAME, which takes them out as well. --yes does not cover this.",
      "Anyone who had the keys can still open what was encrypted with them, in every clone that exists: nothing takes that back. What they know is to be changed where it is used: passwords, tokens, certificates. The files that hold such are listed.",
    ],
    examples: ["vault revoke choldgraf", "vault revoke ci:deploy --key-name prod", "vault revoke --key SHA256:…"],
    operands: Number.POSITIVE_INFINITY,
    complete: ["member"],
    flags: {
      key: {
        short: "k",
        value: "KEY",
        multiple: true,
        summary: "the fingerprint of a key of a member to take out, who stays; may be repeated",
      },
      "key-name": KEY_NAMES,
      root: ROOT,
      ...AUTHOR_FLAGS,
      ...REVIEW_FLAGS,
      yes: YES,
      ...DIALOG_FLAGS,
    },
  },
} as const satisfies CommandSpecs;
