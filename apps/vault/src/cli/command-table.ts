/*
 * The command table: the one description of the command line. Parsing, --help, the completions and
 * the man page are all made from it. It is data alone; what the commands do is loaded when one
 * runs, from commands/index.ts.
 */
import { OPENING_FLAGS, SIGNER_FLAGS, TRUST_FLAGS, type FlagName, type FlagValues } from "./flags.ts";
import { DEPLOY_COMMANDS } from "../commands/deploy/specs.ts";
import { HOLDER_COMMANDS } from "../commands/holders/specs.ts";
import { REPOSITORY_COMMANDS, UNLOCK } from "../commands/repository/specs.ts";

export * from "./flags.ts";

/** What a command is run with. */
export interface Invocation {
  readonly flags: FlagValues;
  /** The operands. */
  readonly args: readonly string[];
}

export type CommandName =
  | "share"
  | "view"
  | "keys"
  | "create"
  | "edit"
  | "fingerprint"
  | "unlock"
  | "grant"
  | "holders"
  | "sync"
  | "revoke"
  | "init"
  | "lock"
  | "status"
  | "decrypt"
  | "export-key"
  | "keygen"
  | "migrate-key"
  | "hooks"
  | "deploy check"
  | "deploy values"
  | "deploy plan"
  | "deploy apply"
  | "deploy rollback"
  | "deploy rollout"
  | "deploy verify"
  | "deploy nodes"
  | "deploy certs"
  | "deploy fetch"
  | "deploy lock"
  | "filter"
  | "merge"
  | "rotate"
  | "doctor"
  | "help"
  | "completion"
  | "clear-clipboard";

export interface CommandSpec {
  /** One word, or two: those that share the first one belong together. */
  readonly name: CommandName;
  readonly alias?: string;
  /** The heading it stands under in `vault help`; a command without one is not shown. */
  readonly group?: "hand over" | "who has the key" | "git-crypt" | "deploy" | "ssh-vault" | "about";
  /** What follows the name in the usage line. */
  readonly usage: string;
  readonly summary: string;
  /** Paragraphs for its own help. */
  readonly description?: readonly string[];
  readonly examples?: readonly string[];
  /** The most operands it takes. */
  readonly operands: number;
  /** What the completions offer for its operands. */
  readonly complete?: "file" | readonly string[];
  readonly flags: readonly FlagName[];
  /** What a flag does here, where its summary does not say all of it. */
  readonly summaries?: Partial<Readonly<Record<FlagName, string>>>;
}

const MANY = Number.POSITIVE_INFINITY;
/** The chapters of `vault help`, beside the commands. */
export const TOPICS = {
  recipients: "how a recipient is named",
  "exit-codes": "what the exit codes mean",
  environment: "the environment variables that are honoured",
  json: "what --json prints",
  checks: "what `vault deploy check` looks for; `vault help` and the id of one, such as tls, tells of it",
} as const;

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "share",
    group: "hand over",
    usage: "--to R… [FILE|-]",
    summary: "seal the repository's git-crypt key (or FILE, or a piped stdin) to recipients",
    description: [
      "Seals a secret to the SSH keys of the recipients and prints text that is safe to send over any channel.",
      "The secret is FILE where it is named; else stdin where that is a pipe or a file; else the git-crypt key of the repository it is run in. With --key-name it is always that key.",
      "In the openpgp format it is sealed to the OpenPGP keys that they have on the forge, or in a file or at a URL: gpg opens it, or vault with an OpenPGP private key.",
      "In the age format the message opens with any one of the usable keys of any one of the recipients, by `vault view` or by age itself. In ssh-vault's format it is sealed to one key of one recipient.",
      "A secret of more than 16 MiB is sealed piece by piece, whatever its size; in the openpgp format it may have 8 MiB.",
      "With --sign the message also tells those who open it, and nobody else, who sealed it: an SSH signature, as of `ssh-keygen -Y sign`, over the secret and its recipients. The key is that of --sign-key; else git's user.signingkey where gpg.format is ssh; else the first in the SSH agent or ~/.ssh that is among the signer's keys on the forge. ECDSA and FIDO keys sign by the agent. It is for age messages to recipients, of up to 16 MiB; age itself opens them as any other.",
    ],
    examples: [
      "vault share --to choldgraf",
      "vault share --to github:jupyterhub/binder-team -o key.age",
      "vault share --to alice --format ssh-vault --base64",
      "vault share --to alice --format openpgp",
      "vault share --to alice --to bob.pub notes.txt",
      "vault share --to alice --sign --as bob",
    ],
    operands: 1,
    complete: "file",
    flags: [
      "to",
      "with-passphrase",
      "sign",
      "sign-key",
      "as",
      "key",
      "format",
      "base64",
      "binary",
      "key-name",
      "output",
      "clipboard",
      "passphrase-file",
      "passphrase-fd",
      "allow-mixed",
      "allow-weak",
      "insecure-http",
      ...TRUST_FLAGS,
    ],
  },
  {
    name: "view",
    alias: "v",
    group: "hand over",
    usage: "[FILE|-]",
    summary: "open a sealed message from FILE, a pipe or the clipboard; the plaintext goes to stdout",
    description: [
      "Recognises age, ssh-vault and OpenPGP messages by their content, also as chat and mail programs leave them. The message is FILE where it is named; else stdin where that is a pipe or a file; else the clipboard.",
      "The private keys tried are those of --key; else that of $GIT_VAULT_IDENTITY; else the IdentityFile lines of ~/.ssh/config, ~/.ssh/id_ed25519 and ~/.ssh/id_rsa. --key takes age's identity files, too. A passphrase is asked for on the terminal, and only for a key that the message is sealed to.",
      "An OpenPGP message is opened by the OpenPGP private key of --key, or where none is named by gpg, with its agent and smart cards. A signature in it is not checked.",
      "The plaintext is released only after all of it was authenticated; of a message of more than 16 MiB, each piece after it was, so that one which was cut short fails only in the end. A file is written whole or not at all. Binary is not printed to a terminal unless asked for by `-o -`.",
      "Where the sender signed the message, it is told on stderr by whom, once the forge confirmed that the key is theirs. A signature that does not fit is an error; a key that is not the named user's is a warning, or an error with --require-signature or --signed-by.",
    ],
    examples: [
      "vault view message.txt",
      "vault view --signed-by alice message.txt",
      "pbpaste | vault view | git-crypt unlock -",
      "vault view -o git-crypt-key message.age",
    ],
    operands: 1,
    complete: "file",
    flags: [...OPENING_FLAGS, ...SIGNER_FLAGS, "output", "clipboard", "clear-after"],
  },
  UNLOCK,
  {
    name: "keys",
    group: "hand over",
    usage: "R… | new",
    summary: "show a recipient's keys: type, fingerprint, usable or why not; or make a key of age's",
    description: [
      "The OpenPGP keys of an account are shown with --format openpgp. A file or a URL may hold keys of either kind.",
      "`vault keys new` makes a key pair as age-keygen does, for a CI system or a machine that has no SSH key. The identity file goes to stdout, or to the file of -o, which must not exist yet; the recipient to give to others is in it, and on stderr.",
    ],
    examples: [
      "vault keys choldgraf",
      "vault keys ~/.ssh/id_ed25519.pub gitlab:alice",
      "vault keys --format openpgp choldgraf",
      "vault keys new -o ci-identity.txt",
    ],
    operands: MANY,
    complete: "file",
    flags: ["format", "output", "post-quantum", "insecure-http"],
  },
  ...HOLDER_COMMANDS,
  ...REPOSITORY_COMMANDS,
  ...DEPLOY_COMMANDS,
  {
    name: "create",
    alias: "c",
    group: "ssh-vault",
    usage: "[-u USER] [VAULT]",
    summary: "seal a secret to one key, in ssh-vault's format",
    description: [
      "The secret is what -i names; else what is written in $VISUAL, $EDITOR or vi, where stdin is a terminal; else stdin. The vault goes to VAULT, which must not exist yet or be empty, or to stdout.",
      "It is sealed to the first usable key of USER, or to the one that -k or -f choose. Without -u it is sealed to the public key file of -k, else to ~/.ssh/id_rsa.pub, else to ~/.ssh/id_ed25519.pub, as ssh-vault does. Other keys that could have been chosen are named.",
      "With `-u new` a server makes a key pair for this one vault, and what is printed is the line that opens it: whoever has that line has the secret. The server is https://ssh-keys.online/new, or what SSH_VAULT_SSHKEYS_ONLINE or `sshkeys_online` in ~/.config/ssh-vault/config.yml names.",
    ],
    examples: [
      "cat .git/git-crypt/keys/default | vault -u receiver create | pbcopy",
      "vault create notes.vault",
      "echo secret | vault create -u new",
    ],
    operands: 1,
    complete: "file",
    flags: ["user", "key", "fingerprint", "input", "allow-weak", "insecure-http"],
  },
  {
    name: "edit",
    alias: "e",
    group: "ssh-vault",
    usage: "VAULT",
    summary: "change the secret in a vault or an age message, in an editor",
    description: [
      "Opens VAULT and the secret in $VISUAL, $EDITOR or vi; seals what was saved with fresh keys, in the same format and to the same recipients, and replaces VAULT whole. Where nothing was changed or the editor fails, VAULT is left as it is.",
      "While the editor is open the secret lies in a folder of its own (mode 0700), in memory where the system has a file system there. It is overwritten and removed however the editor ends.",
      "An age message tells its recipients only to those who have their public keys. Where it has others than the keys in ~/.ssh, say whom to seal it to with --to, or on the terminal when asked.",
    ],
    examples: ["vault edit notes.vault", "vault edit --to alice --to ~/.ssh/id_ed25519.pub notes.age"],
    operands: 1,
    complete: "file",
    flags: [...OPENING_FLAGS, "to", "allow-weak"],
  },
  {
    name: "fingerprint",
    alias: "f",
    group: "ssh-vault",
    usage: "[-k FILE] [-u USER [-k N]]",
    summary: "show the fingerprints of public keys, laid out as by ssh-vault",
    description: [
      "Shows the keys of the .pub files in ~/.ssh, of one such file, or of a user, whose usable keys have the numbers that `vault create -k` takes.",
      "The line that begins with MD5 is what ssh-vault calls an RSA key by: the MD5 of its SubjectPublicKeyInfo, and not the MD5 that ssh-keygen shows.",
    ],
    examples: ["vault fingerprint", "vault fingerprint -u choldgraf"],
    operands: 0,
    flags: ["key", "user", "insecure-http"],
  },
  {
    name: "help",
    group: "about",
    usage: "[COMMAND|TOPIC]",
    summary: "show help for a command or a topic",
    operands: 2,
    flags: [],
  },
  {
    name: "doctor",
    group: "about",
    usage: "",
    summary: "explain how the repository is set up, and what is amiss",
    description: [
      "Looks at git's version, the settings of the filters and merge drivers and the programs that they name, the keys, and who may read them. It changes nothing and runs none of these programs. Where secrets are at risk, or git would stop, the exit code is 7.",
      "A path in the settings is stale when the program was moved or removed since; `vault unlock` in an unlocked repository writes the present one.",
    ],
    operands: 0,
    flags: [],
  },
  {
    name: "completion",
    group: "about",
    usage: "bash|zsh|fish",
    summary: "print a completion script for a shell",
    examples: ["source <(vault completion bash)", "vault completion fish > ~/.config/fish/completions/vault.fish"],
    operands: 1,
    complete: ["bash", "zsh", "fish"],
    flags: [],
  },
  {
    name: "clear-clipboard",
    usage: "",
    summary: "clear the clipboard later, if it still holds what was copied; run by vault itself",
    operands: 0,
    flags: [],
  },
];

/** The first words of the commands of two words, each with the second ones. */
export const FAMILIES: ReadonlyMap<string, readonly string[]> = new Map(
  COMMANDS.flatMap(({ name }) => (name.includes(" ") ? [name.split(" ")[0] ?? ""] : [])).map((family) => [
    family,
    COMMANDS.flatMap(({ name }) => (name.startsWith(`${family} `) ? [name.slice(family.length + 1)] : [])),
  ]),
);
