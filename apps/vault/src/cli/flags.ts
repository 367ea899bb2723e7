/*
 * The flags: a part of the command table, see table.ts.
 */

/** A flag, which means the same in every command that takes it. */
export interface FlagSpec {
  readonly short?: string;
  /** The name of its value in the usage line; a flag without one is a switch. */
  readonly value?: string;
  /** The name of the value that a switch may have, after `=`. */
  readonly optional?: string;
  /** May be given more than once. */
  readonly multiple?: true;
  readonly summary: string;
  /** What the completions offer for its value. */
  readonly complete?: "file" | "folder" | readonly string[];
}

export const FLAGS = {
  to: { value: "R", multiple: true, summary: "a recipient, see `vault help recipients`; may be repeated" },
  user: { short: "u", value: "USER", summary: "a GitHub user, or a recipient as in `vault help recipients`" },
  key: {
    short: "k",
    value: "KEY",
    complete: "file",
    summary:
      "opening: a private key's file or https:// address; sealing: the number or fingerprint of one of the recipient's keys; where no recipient is named, a public key file",
  },
  fingerprint: {
    short: "f",
    value: "FINGERPRINT",
    summary: "the key with this SHA256:… fingerprint, or with ssh-vault's own for an RSA key",
  },
  "allow-weak": { summary: "seal to RSA keys of 1024 to 2047 bits too" },
  "insecure-http": { summary: "take keys from http:// addresses, where anybody on the way can put in their own" },
  input: {
    short: "i",
    value: "FILE",
    complete: "file",
    summary: "take the secret from FILE; `-` is stdin, even where that is a terminal",
  },
  format: {
    value: "FORMAT",
    complete: ["age", "ssh-vault", "openpgp"],
    summary:
      "age (to every usable SSH or age key), ssh-vault (to one SSH key) or openpgp (to every usable OpenPGP key); default age",
  },
  "with-passphrase": {
    summary:
      "seal to a passphrase instead of recipients: asked for on the terminal, or as --passphrase-file and the like say",
  },
  "allow-mixed": { summary: "seal to post-quantum keys beside others, which are the weaker ones" },
  sign: { summary: "sign the message, so that the receiver sees who sent it" },
  "sign-key": {
    value: "FILE",
    complete: "file",
    summary: "sign with this private key, or with the agent's for this public one",
  },
  as: { value: "R", summary: "sign as this user of a forge; default git's git-vault.user, else github.user" },
  "require-signature": { summary: "take only a message whose signer is known to the forge" },
  "signed-by": {
    value: "R",
    summary: "take only a message that is signed by R, or by a key with this SHA256:… fingerprint",
  },
  offline: { summary: "ask no forge whose key signed, nor whether keys are still there" },
  "post-quantum": { summary: "make a key that no quantum computer is known to break; its recipient is long" },
  binary: { summary: "write the binary form of age's format or OpenPGP's, which is a quarter shorter than text" },
  base64: { summary: "seal the base64 text of the secret, for programs that cannot print binary" },
  "key-name": { value: "NAME", summary: "the name of the repository's git-crypt key; default `default`" },
  "key-file": {
    value: "FILE",
    complete: "file",
    summary: "the git-crypt key to decrypt with: its file, or a sealed message that holds it; `-` is stdin",
  },
  yes: {
    short: "y",
    summary:
      "go on where it would ask: with keys that are new, or not those that were seen before; with what a plan shows",
  },
  expect: {
    value: "FINGERPRINT",
    multiple: true,
    summary: "demand that the recipient has this very key, SHA256:…; may be repeated",
  },
  "member-of": { value: "ORG", summary: "demand that each recipient belongs to this GitHub organisation" },
  ci: {
    optional: "NAME",
    summary: "make a key of age's for a CI system, print its private half once, and grant to it",
  },
  gpg: { summary: "grant to OpenPGP keys, in git-crypt's own way" },
  "no-commit": { summary: "leave the changes staged instead of committing them" },
  "no-sign": { summary: "do not sign grants" },
  "no-rotate": { summary: "keep the key, which whoever is revoked still has" },
  markdown: {
    summary: "print Markdown: a page of a project's documentation, or a plan for a comment",
  },
  check: { summary: "change nothing, and end with 7 where something is to be done" },
  force: { summary: "go on where the command would refuse; its help says where" },
  "all-worktrees": { summary: "lock the other work trees of the repository along" },
  history: { summary: "search all commits for files that were once stored in clear" },
  fix: { summary: "encrypt what the index holds in clear, or under a retired key, on protected paths" },
  continue: { summary: "finish a rotation that was interrupted" },
  abort: { summary: "undo a rotation that was interrupted" },
  revision: { value: "REV", summary: "read the project at the commit REV; default HEAD" },
  explain: { value: "PATH", summary: "tell where the value at PATH, such as hub.users[0].name, comes from" },
  canary: {
    value: "ENVIRONMENT",
    multiple: true,
    summary: "an environment of prod that the others of prod wait for; may be repeated",
  },
  parallel: { value: "NUMBER", summary: "deal with so many environments at a time; default 3" },
  address: {
    value: "HOST=ADDRESS",
    multiple: true,
    summary: "connect to ADDRESS or ADDRESS:PORT for HOST, or with `*` for all hosts; may be repeated",
  },
  "warn-days": { value: "DAYS", summary: "warn of certificates from so many days before their end on; default 21" },
  "error-days": { value: "DAYS", summary: "the same as an error; default 7" },
  "evict-all": { summary: "evict pods, too, that nothing makes anew, or that would lose local data" },
  strict: { summary: "exit 7 where there are warnings, too" },
  sarif: {
    value: "FILE",
    complete: "file",
    summary: "write the findings to FILE in SARIF 2.1.0, too; `-` prints them instead of the report",
  },
  reveal: { summary: "show secret values on the terminal" },
  plan: { value: "FILE", complete: "file", summary: "do what the plan in FILE says, if it is not stale" },
  "dry-run": { summary: "change nothing: plan, and tell whether it could be done" },
  timeout: {
    value: "SECONDS",
    summary: "give up after so long: apply and rollback for each release, nodes for the node; default 600",
  },
  "on-failure": {
    value: "WHAT",
    complete: ["rollback", "leave"],
    summary: "what becomes of a release that fails: rollback (to what it was) or leave; default rollback",
  },
  "history-max": { value: "NUMBER", summary: "keep so many revisions of a release, 0 for all; default 10" },
  repair: { summary: "take up a release that was left half-way: you know that nobody is at it any more" },
  "audit-log": { value: "FILE", complete: "file", summary: "append what happens to FILE, one JSON object a line" },
  release: { value: "NAME", summary: "that release, instead of the main one" },
  "without-secrets": { summary: "leave out the encrypted layers where there is no key" },
  output: {
    short: "o",
    value: "FILE",
    complete: "file",
    summary: "write to FILE (mode 0600, replaced whole) instead of stdout",
  },
  clipboard: { short: "c", summary: "write to the clipboard instead of stdout" },
  "clear-after": {
    value: "SECONDS",
    summary: "clear a plaintext from the clipboard after so long; 0 keeps it; default 45",
  },
  passphrase: {
    short: "p",
    value: "PASSPHRASE",
    summary: "the private key's passphrase; every user of the machine can read it in `ps`, so prefer another way",
  },
  "passphrase-file": {
    value: "FILE",
    complete: "file",
    summary: "read the private key's passphrase from the first line of FILE",
  },
  "passphrase-fd": { value: "FD", summary: "read the private key's passphrase from the open file descriptor FD" },
  json: { short: "j", summary: "print one JSON object, see `vault help json`" },
  "no-input": { summary: "never ask anything on the terminal" },
  quiet: { short: "q", summary: "print nothing but the answer and errors" },
  directory: { short: "C", value: "DIR", complete: "folder", summary: "run as if started in DIR" },
  help: { short: "h", summary: "show help" },
  version: { short: "V", summary: "print the version" },
} as const satisfies Record<string, FlagSpec>;

export type FlagName = keyof typeof FLAGS;

/** Every flag. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the names that it lists
export const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];

/** The flags of one run: a switch is `true`, a repeatable flag a list. */
export type FlagValues = {
  [K in FlagName]?: (typeof FLAGS)[K] extends { multiple: true }
    ? string[]
    : (typeof FLAGS)[K] extends { value: string }
      ? string
      : (typeof FLAGS)[K] extends { optional: string }
        ? string | true
        : true;
};

/** What every command takes. */
export const COMMON_FLAGS: readonly FlagName[] = ["json", "quiet", "no-input", "directory", "help", "version"];
/** What every command takes that opens sealed messages. */
export const OPENING_FLAGS: readonly FlagName[] = [
  "key",
  "passphrase",
  "passphrase-file",
  "passphrase-fd",
  "insecure-http",
];
/** What those take that tell who signed the message. */
export const SIGNER_FLAGS: readonly FlagName[] = ["require-signature", "signed-by", "offline"];

/** Whether a message is taken only with a signature. */
export const wantsSignature = (flags: FlagValues): boolean =>
  flags["require-signature"] === true || flags["signed-by"] !== undefined;
/** What every command takes that gives something to recipients. */
export const TRUST_FLAGS: readonly FlagName[] = ["expect", "member-of", "yes"];
/** What every command takes that makes grants. */
export const GRANT_SIGNING_FLAGS: readonly FlagName[] = [
  "as",
  "sign-key",
  "no-sign",
  "passphrase-file",
  "passphrase-fd",
];
