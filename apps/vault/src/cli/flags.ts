/*
 * The flags that several commands take. Each means the same in all of them; what only one command
 * takes stands in its own description.
 */
import type { Flags, Options } from "./command.ts";

export const TO = {
  value: "R",
  complete: "recipient",
  multiple: true,
  summary: "a recipient, see `vault help recipients`; may be repeated",
} as const;

export const USER = {
  short: "u",
  value: "USER",
  complete: "recipient",
  summary: "a GitHub user, or a recipient as in `vault help recipients`",
} as const;

export const KEY = {
  short: "k",
  value: "KEY",
  complete: "file",
  summary:
    "open only with this private key: its file or https:// address, or the identity AGE-PLUGIN-… of an age plugin",
} as const;

export const RECIPIENTS_KEY = {
  short: "k",
  value: "KEY",
  summary: "seal to this one of the recipient's keys: its number among the usable ones, or its fingerprint",
} as const;

export const PUBLIC_KEY = {
  short: "k",
  value: "KEY",
  complete: "file",
  summary: "with -u, the number or fingerprint of one of the user's keys; else a public key file",
} as const;

export const ALLOW_WEAK = { summary: "seal to RSA keys of 1024 to 2047 bits too" } as const;

export const INSECURE_HTTP = {
  summary: "take keys from http:// addresses, where anyone on the way can replace them",
} as const;

export const FORMAT = {
  value: "FORMAT",
  complete: ["age", "ssh-vault", "openpgp"],
  summary:
    "age (to every usable SSH or age key), ssh-vault (to one SSH key) or openpgp (to every usable OpenPGP key); default age",
} as const;

export const SIGN_KEY = {
  value: "FILE",
  complete: "file",
  summary: "sign with this private key, or with the agent's key for this public key",
} as const;

export const AS = {
  value: "R",
  complete: "recipient",
  summary: "sign as this user of a forge; default git's git-vault.user, else github.user",
} as const;

export const OFFLINE = { summary: "do not ask any forge whose key signed, or whether keys are still there" } as const;

export const KEY_NAME = {
  value: "NAME",
  complete: "key-name",
  summary: "the name of the repository's git-crypt key; default `default`",
} as const;

export const KEY_NAMES = {
  value: "NAME",
  complete: "key-name",
  multiple: true,
  summary: "the name of a git-crypt key of the repository; may be repeated",
} as const;

export const ROOT = {
  value: "ROOT",
  summary: "require that the members log begins with the entry ROOT, SHA256:…; default $GIT_VAULT_ROOT",
} as const;

export const FIRST = {
  value: "ID",
  summary:
    "if members removed each other and nothing proves who was first: the first entry, by the beginning of its id",
} as const;

export const KEY_FILE = {
  value: "FILE",
  complete: "file",
  summary: "the git-crypt key to decrypt with: its file, or a sealed message that holds it; `-` is stdin",
} as const;

export const YES = {
  short: "y",
  summary: "answer yes to all questions: new keys, keys that differ from those seen before, the changes of a plan",
} as const;

export const NO_COMMIT = { summary: "leave the changes staged instead of committing them" } as const;

export const MARKDOWN = {
  summary: "print Markdown: a page of a project's documentation, or a plan for a comment",
} as const;

export const FORCE = { summary: "go on in the cases that the command's help names, instead of refusing" } as const;

export const HISTORY = { summary: "search all commits for files that were once stored unencrypted" } as const;

export const OUTPUT = {
  short: "o",
  value: "FILE",
  complete: "file",
  summary: "write to FILE (mode 0600, replaced whole) instead of stdout",
} as const;

export const CLIPBOARD = { short: "c", summary: "write to the clipboard instead of stdout" } as const;

/** Where a plaintext goes. */
export const PLAINTEXT_FLAGS = {
  output: OUTPUT,
  clipboard: CLIPBOARD,
  "clear-after": {
    value: "SECONDS",
    number: {
      form: /^\d{1,6}$/,
      expected: "a whole number of seconds, at most 999999",
      hint: "`--clear-after 0` leaves the clipboard alone",
    },
    summary: "clear a plaintext from the clipboard after SECONDS; 0 keeps it; default 45",
  },
} as const satisfies Flags;

/** Where the passphrase of a private key comes from. */
export const PASSPHRASE_FLAGS = {
  "passphrase-file": {
    value: "FILE",
    complete: "file",
    summary: "read the private key's passphrase from the first line of FILE",
  },
  "passphrase-fd": {
    value: "FD",
    number: { form: /^\d{1,6}$/, expected: "the number of an open file descriptor" },
    summary: "read the private key's passphrase from the open file descriptor FD",
  },
} as const satisfies Flags;

/** The base-two logarithm of scrypt's N: Node takes no greater one. */
export const WORK_FACTOR = { form: /^(?:[1-9]|[12]\d|30)$/, expected: "a whole number from 1 to 30" } as const;

/** What every command takes that opens sealed messages. */
export const OPENING_FLAGS = {
  key: KEY,
  passphrase: {
    short: "p",
    value: "PASSPHRASE",
    summary: "the private key's passphrase; every user of the machine can see it in `ps`, so prefer another way",
  },
  ...PASSPHRASE_FLAGS,
  "max-work-factor": {
    value: "N",
    number: WORK_FACTOR,
    summary: "open a passphrase message whose work factor is up to N (2^N KiB of memory); default 20",
  },
  "insecure-http": INSECURE_HTTP,
} as const satisfies Flags;

/** What those take that tell who signed the message. */
export const SIGNER_FLAGS = {
  "require-signature": {
    summary: "accept only a message whose signer is known to the forge, or to git's gpg.ssh.allowedSignersFile",
  },
  "signed-by": {
    value: "R",
    complete: "recipient",
    summary:
      "accept only a message that is signed by R, a principal of git's gpg.ssh.allowedSignersFile, or a key with this SHA256:… fingerprint",
  },
  offline: { summary: "do not ask any forge whose key signed" },
} as const satisfies Flags;

/** What every command takes that gives something to recipients. */
export const TRUST_FLAGS = {
  expect: {
    value: "FINGERPRINT",
    multiple: true,
    summary: "require that the recipient has exactly this key, SHA256:…; may be repeated",
  },
  "member-of": { value: "ORG", summary: "require that each recipient belongs to this GitHub organisation" },
  yes: {
    short: "y",
    summary: "go on instead of asking or stopping: with new keys, or with keys that differ from those seen before",
  },
} as const satisfies Flags;

/** What every command takes that writes into the members log. */
export const AUTHOR_FLAGS = {
  as: AS,
  "sign-key": SIGN_KEY,
  ...PASSPHRASE_FLAGS,
} as const satisfies Flags;

export const PLUGIN = {
  value: "NAME",
  multiple: true,
  summary:
    "run the age plugin NAME also for keys in files and of members; may be repeated; default git's git-vault.plugin",
} as const;

/** Who is to have new keys although something about them is worth a look. */
export const KEEP = {
  value: "NAME",
  multiple: true,
  complete: "member",
  summary: "confirm that NAME gets the new keys; may be repeated",
} as const;

/** What every command takes that replaces keys. */
export const REVIEW_FLAGS = {
  plugin: PLUGIN,
  keep: KEEP,
  drop: { value: "NAME", multiple: true, complete: "member", summary: "remove NAME as well; may be repeated" },
  "leave-unopened": { summary: "leave protected files that no key here opens as they are" },
} as const satisfies Flags;

export const JSON_FLAG = { short: "j", summary: "print one JSON object, see `vault help json`" } as const;

/** What every command takes that answers, and tells the person something beside the answer. */
export const REPORT_FLAGS = {
  json: JSON_FLAG,
  quiet: { short: "q", summary: "print only the answer and errors" },
} as const satisfies Flags;

/** What every command takes that may ask something on the terminal, too. */
export const DIALOG_FLAGS = {
  ...REPORT_FLAGS,
  "no-input": { summary: "never ask anything on the terminal" },
} as const satisfies Flags;

/** What stands with every command, and without one. */
export const GLOBAL_FLAGS = {
  directory: { short: "C", value: "DIR", complete: "folder", summary: "run as if started in DIR" },
  "no-pager": { summary: "show long output on the terminal itself, not in git's pager" },
  help: { short: "h", summary: "show help" },
  version: { short: "V", summary: "print the version; with --json also of Node, OpenSSL and git" },
} as const satisfies Flags;

/** What stands beside --version alone. */
export const VERSION_FLAGS: Flags = { json: JSON_FLAG };

/** How a command talks to the person. */
export type DialogOptions = Options<typeof DIALOG_FLAGS>;
/** With which private keys messages are opened. */
export type OpeningOptions = DialogOptions & Partial<Options<typeof OPENING_FLAGS>>;
/** By whom a message must be signed. */
export type SignerOptions = Partial<Options<typeof SIGNER_FLAGS>>;
/** What is demanded of recipients. */
export type TrustOptions = DialogOptions & Options<typeof TRUST_FLAGS> & { readonly insecureHttp: boolean };

/** Whether a message is taken only with a signature. */
export const wantsSignature = ({ requireSignature, signedBy }: SignerOptions): boolean =>
  requireSignature === true || signedBy !== undefined;
