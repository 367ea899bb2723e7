/*
 * The chapters of `vault help`. They are loaded when one is asked for.
 */
import { FORGES, GITHUB } from "@git-vault/directory/forges";
import type { CommandTable } from "./command-table.ts";
import { EXIT_CODES } from "./error-codes.ts";
import { JSON_OUTPUTS, NAMED_SHAPES } from "./json-shapes.ts";
import { columns, commandHelp, familyHelp, paragraph, WIDTH } from "./help.ts";

const RECIPIENTS: readonly (readonly [string, string])[] = [
  ["choldgraf, github:choldgraf", "a GitHub user, with all the SSH keys of their profile"],
  ["github:org/team", "every member of a GitHub team; needs a token in GH_TOKEN"],
  ...FORGES.filter((forge) => forge !== GITHUB).map(
    ({ prefix, origin }) => [`${prefix}:user`, `a user of ${new URL(origin).host}`] as const,
  ),
  ["https://host/user.keys", "any address that serves public key lines"],
  ["./alice.pub, ~/team.keys", "a .pub or authorized_keys file; its name has a slash or ends in .pub or .keys"],
  ["alice.asc, alice.gpg", "a file of OpenPGP keys, for --format openpgp"],
  ["'ssh-ed25519 AAAA… alice'", "a public key itself, as one quoted word"],
  ["age1…", "an age public key, as `vault keys new` and age-keygen make them; or a tagged one, age1tag1…"],
  ["age1NAME1…", "a key of the age plugin NAME, which vault then runs; or AGE-PLUGIN-NAME-1…, an identity of it"],
  ["-", "one recipient a line, read from stdin"],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["GH_TOKEN, GITHUB_TOKEN", "a GitHub token, in this order; public keys need none, but allow more requests with one"],
  ["GITHUB_API_URL, GH_HOST", "a GitHub server other than github.com"],
  ["HTTPS_PROXY, NO_PROXY, …", "the proxy for network access"],
  [
    "GIT_CRYPT_KEY_NAME",
    "for `vault deploy`: the same for the key NAME of a repository with several, such as GIT_CRYPT_KEY_PROD",
  ],
  [
    "GIT_CRYPT_KEY",
    "for `vault unlock`, `vault decrypt` and `vault deploy`: the base64 text of a git-crypt key file, or the path of one",
  ],
  [
    "SOPS_AGE_KEY",
    "private keys for layers that sops encrypted, as in sops: age identities; or their file in SOPS_AGE_KEY_FILE, or an SSH key's in SOPS_AGE_SSH_PRIVATE_KEY_FILE",
  ],
  ["HELM", "the Helm program of `vault deploy`; `helm` if not set"],
  ["SSH_AUTH_SOCK", "the SSH agent that signs messages and the members log"],
  [
    "GIT_VAULT_ROOT",
    "the root of the required members log, SHA256:…, such as in CI; GIT_VAULT_IDENTITY may name it too",
  ],
  [
    "GIT_VAULT_IDENTITY",
    "the private key that opens messages and the repository's keys, such as a CI system's: the text AGE-SECRET-KEY-…, or the path of a private key",
  ],
  ["SSH_VAULT_PASSPHRASE", "the passphrase of the private key, as in ssh-vault"],
  ["SSH_VAULT_SSHKEYS_ONLINE", "the server that `vault create -u new` gets a public key from"],
  ["VISUAL, EDITOR", "the editor of `vault create` and `vault edit`; vi if neither is set"],
  [
    "XDG_CONFIG_HOME",
    "where the recipients and members logs seen so far are kept, in git-vault/known-recipients and known-repositories",
  ],
  [
    "XDG_CACHE_HOME",
    "where answers of forges are kept (and checked again each time), and the program as Node compiled it",
  ],
  [
    "GIT_VAULT_COMPLETION_MS",
    "how long completion may look for names, such as those of environments, in milliseconds; 300 if not set",
  ],
  ["NODE_COMPILE_CACHE", "a second place to keep the program as Node compiled it, in git-vault/code"],
  ["NODE_DISABLE_COMPILE_CACHE", "1 keeps no compiled program, and loads none"],
  [
    "NO_COLOR, CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR",
    "NO_COLOR with any value, or CLICOLOR=0, turns colour off; CLICOLOR_FORCE=1 or FORCE_COLOR=1 turns it on, also in pipes; NO_COLOR wins. JSON and Markdown are never coloured",
  ],
  ["TERM", "`dumb` means no colour, no pager, no progress and no table"],
  [
    "GIT_PAGER, PAGER, LESS",
    "the pager of long output on a terminal, as git chooses it, with its setting core.pager; `cat`, an empty one or --no-pager means none. LESS is FRX if not set",
  ],
  ["VAULT_DEBUG", "1 adds the stack to an error"],
];

/** What is true of all of --json. */
export const JSON_INTRODUCTION =
  "Each command prints one object. A field is a text unless its type follows it; a field with `?` may be left out. The folder `schemas` of the package has a JSON Schema of each. Later versions may add fields; only a new major version changes or removes one.";

/** What --json prints. */
const jsonHelp = (width: number): string =>
  [
    paragraph(JSON_INTRODUCTION, width),
    columns(
      Object.entries(JSON_OUTPUTS).map(([name, { shape, note }]) => [
        name === "version" ? "--version" : name,
        note === undefined ? shape : `${shape}; ${note}`,
      ]),
      width,
    ),
    "with these parts",
    columns(Object.entries(NAMED_SHAPES), width),
  ].join("\n\n");

/** An error whose cure depends on what happened. */
const LOG_GONE: readonly string[] = [
  "LOG_GONE: this clone, or your home folder, remembers a members log, and the branch has none.",
  "A commit or a merge removed .git-vault/members, or put something else in its place. `git log -- .git-vault` shows which. Undo it with `git revert`, or check out a branch that has the log.",
  "Or the repository began again: somebody removed it and made a new one at the same address. If that was not you, ask who did: a new log lets in the one who starts it. If it was you, remove the line that begins with the repository's address from ~/.config/git-vault/known-repositories (below XDG_CONFIG_HOME where that is set), and, in a clone of the old repository, the file .git/git-vault/members-seen. Or clone again. Then `vault init` or `vault unlock` begins as with any other repository.",
];

/** What `vault help TOPIC` shows; undefined for what `check-pages.ts` or nothing covers. */
export function helpOn(table: CommandTable, name: string, width: number = WIDTH): string | undefined {
  switch (name) {
    case "recipients":
      return `A recipient R is one of\n\n${columns(RECIPIENTS, width)}\n\n${paragraph(
        "A message can be sealed to ssh-ed25519 keys and to ssh-rsa keys of 2048 to 8192 bits. ECDSA and FIDO keys can only sign: vault names them and skips them, and fails only if a recipient has no usable key left.",
        width,
      )}`;
    case "exit-codes":
      return `exit codes\n${columns(
        Object.entries(EXIT_CODES).map(([code, meaning]) => [code.padStart(3), meaning] as const),
        width,
      )}`;
    case "environment":
      return `environment\n${columns(ENVIRONMENT, width)}`;
    case "json":
      return jsonHelp(width);
    case "LOG_GONE":
      return LOG_GONE.map((text) => paragraph(text, width)).join("\n\n");
    default: {
      if (table.families.has(name)) return familyHelp(table, name, width);
      const command = table.find(name);
      const shown = table.shown.find(([known]) => known === command);
      return shown && commandHelp(...shown, width);
    }
  }
}
