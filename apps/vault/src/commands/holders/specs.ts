/*
 * The commands that say who has a repository's key, and what their help says.
 */
import type { CommandSpecs } from "../../cli/command.ts";
import {
  ALLOW_WEAK,
  DIALOG_FLAGS,
  GRANT_SIGNING_FLAGS,
  INSECURE_HTTP,
  JSON_FLAG,
  KEY_NAME,
  MARKDOWN,
  NO_COMMIT,
  OFFLINE,
  OUTPUT,
  TRUST_FLAGS,
  YES,
} from "../../cli/flags.ts";

export const HOLDER_COMMANDS = {
  grant: {
    group: "who has the key",
    usage: "R…",
    summary: "seal the repository's key to somebody, in the repository: they clone and run `vault unlock`",
    description: [
      "Seals the key to all usable keys of each recipient and commits that in .git-vault, in one commit that holds nothing else. A team grants each member. Whoever holds a valid grant for the same keys is passed over; an older one is replaced. Where anything fails, nothing is changed.",
      "The first time that a recipient is seen their fingerprints are shown and, on a terminal, confirmed. They are remembered: where they are others later, it stops and says what was added and removed. --expect and --member-of demand more.",
      "Grants are signed with your SSH key, from the agent or from ~/.ssh, so that others see who granted. Where git's git-vault.user or github.user, or --as, says who you are, the key is one of those on that account.",
      "--gpg grants to the OpenPGP keys of the recipients' accounts, or of key files, as git-crypt does: `git-crypt unlock` opens it. No gpg is needed to grant. A signed statement in .git-vault vouches for it. What `git-crypt add-gpg-user` wrote is vouched for by granting it again.",
      "--ci makes a key for a CI system and prints its private half, once: put it into a secret named GIT_VAULT_IDENTITY, and `vault unlock` takes it.",
    ],
    examples: [
      "vault grant choldgraf",
      "vault grant github:jupyterhub/binder-team --member-of jupyterhub",
      "vault grant --ci=deploy | gh secret set GIT_VAULT_IDENTITY",
    ],
    operands: Number.POSITIVE_INFINITY,
    complete: "file",
    flags: {
      "key-name": KEY_NAME,
      gpg: { summary: "grant to OpenPGP keys, in git-crypt's own way" },
      ci: {
        optional: "NAME",
        summary: "make a key of age's for a CI system, print its private half once, and grant to it",
      },
      output: OUTPUT,
      "no-commit": NO_COMMIT,
      ...GRANT_SIGNING_FLAGS,
      ...TRUST_FLAGS,
      "allow-weak": ALLOW_WEAK,
      "insecure-http": INSECURE_HTTP,
      ...DIALOG_FLAGS,
    },
  },
  holders: {
    group: "who has the key",
    usage: "",
    summary: "show who has the key, since when and from whom, and whether their keys are still theirs",
    description: [
      "The list is made from the grants in the repository alone. Each holder is then looked up where their keys came from: a key that was removed, an account that is gone or has another name, a key that was not granted to yet. The signature of each grant is verified against the keys of who says that they made it.",
      "The exit code is 7 where something needs attention: also for grants that nobody made who has the key, whose signature does not fit, or, of git-crypt's own to OpenPGP keys, that nobody vouches for. It works in a locked repository, too, where nothing tells whether a grant was made by somebody who has the key.",
    ],
    examples: ["vault holders", "vault holders --markdown > docs/who-has-the-keys.md"],
    operands: 0,
    flags: { offline: OFFLINE, markdown: MARKDOWN, json: JSON_FLAG },
  },
  sync: {
    group: "who has the key",
    usage: "",
    summary: "renew grants for the keys that their holders have now",
    description: [
      "What `vault holders` finds changed is mended in one commit, for all keys or that of --key-name: grants are sealed to the keys that their holders have now, under the names that they have now. It shows the changes and asks first; without a terminal it needs --yes. Who is gone is told, and to be revoked. With --check it changes nothing, and ends with 7 where something is to be done.",
    ],
    examples: ["vault sync", "vault sync --check"],
    operands: 0,
    flags: {
      "key-name": KEY_NAME,
      check: { summary: "change nothing, and end with 7 where something is to be done" },
      yes: YES,
      "no-commit": NO_COMMIT,
      ...GRANT_SIGNING_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  revoke: {
    group: "who has the key",
    usage: "HOLDER…",
    summary: "take somebody out: remove their grant, and replace the key",
    description: [
      "HOLDER is a name that `vault holders` shows; a bare word is a GitHub user. All grants of theirs go, to SSH and to OpenPGP keys. A single grant to an OpenPGP key is named gpg:FINGERPRINT.",
      "One commit removes the grant, encrypts every protected file with a new key and grants that to all other holders, as `vault rotate` does: who they are is reported, and what is doubtful, such as what was granted by who is taken out now, has to be confirmed, or --yes said. With --no-rotate only the grant is removed, which keeps nobody out who has the key.",
      "Whoever had the key can still open what was encrypted with it, in every clone that exists: nothing takes that back. What they know is to be changed where it is used: passwords, tokens, certificates. The files that hold such are listed.",
    ],
    examples: ["vault revoke choldgraf", "vault revoke ci:deploy"],
    operands: Number.POSITIVE_INFINITY,
    missing: "expected a holder, as `vault holders` shows them",
    flags: {
      "key-name": KEY_NAME,
      "no-rotate": { summary: "keep the key, which whoever is revoked still has" },
      "no-commit": NO_COMMIT,
      yes: YES,
      ...GRANT_SIGNING_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
} as const satisfies CommandSpecs;
