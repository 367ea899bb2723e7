/*
 * The commands that ssh-vault has, too, and what their help says.
 */
import type { CommandSpecs } from "../../cli/command.ts";
import {
  ALLOW_WEAK,
  DIALOG_FLAGS,
  INSECURE_HTTP,
  PUBLIC_KEY,
  OPENING_FLAGS,
  REPORT_FLAGS,
  TO,
  USER,
} from "../../cli/flags.ts";

export const SSH_VAULT_COMMANDS = {
  create: {
    alias: "c",
    group: "ssh-vault",
    usage: "[-u USER] [VAULT]",
    summary: "seal a secret to one key, in ssh-vault's format",
    description: [
      "The secret is the file of -i; else, if stdin is a terminal, what you write in $VISUAL, $EDITOR or vi; else stdin. The vault goes to VAULT, which must be empty or not exist yet, or to stdout.",
      "It is sealed to the first usable key of USER, or to the one that -k or -f choose. Without -u it is sealed to the public key file of -k, else to ~/.ssh/id_rsa.pub, else to ~/.ssh/id_ed25519.pub, as ssh-vault does. Other keys that could have been chosen are named.",
      "With `-u new` a server makes a key pair for this one vault, and what is printed is the line that opens it: anyone who has that line has the secret. The server is https://ssh-keys.online/new, or what SSH_VAULT_SSHKEYS_ONLINE or `sshkeys_online` in ~/.config/ssh-vault/config.yml names.",
    ],
    examples: [
      "cat .git/git-crypt/keys/default | vault -u receiver create | pbcopy",
      "vault create notes.vault",
      "echo secret | vault create -u new",
    ],
    operands: 1,
    complete: ["file"],
    flags: {
      user: USER,
      key: PUBLIC_KEY,
      fingerprint: {
        short: "f",
        value: "FINGERPRINT",
        summary: "the key with this SHA256:… fingerprint, or with ssh-vault's own for an RSA key",
      },
      input: {
        short: "i",
        value: "FILE",
        complete: "file",
        summary: "take the secret from FILE; `-` is stdin, even where that is a terminal",
      },
      "allow-weak": ALLOW_WEAK,
      "insecure-http": INSECURE_HTTP,
      ...DIALOG_FLAGS,
    },
  },
  edit: {
    alias: "e",
    group: "ssh-vault",
    usage: "VAULT",
    summary: "change the secret in a vault or an age message, in an editor",
    description: [
      "Opens VAULT and the secret in $VISUAL, $EDITOR or vi; seals what was saved with fresh keys, in the same format and to the same recipients, and replaces VAULT whole. If nothing was changed, or the editor fails, VAULT stays as it is.",
      "While the editor is open, the secret is in a folder of its own (mode 0700), in memory if the system has a file system there. It is overwritten and removed no matter how the editor ends.",
      "An age message shows its recipients only to those who have their public keys. If it has recipients other than the keys in ~/.ssh, say whom to seal it to, with --to or on the terminal.",
    ],
    examples: ["vault edit notes.vault", "vault edit --to alice --to ~/.ssh/id_ed25519.pub notes.age"],
    operands: 1,
    missing: "expected the vault to edit",
    complete: ["file"],
    flags: { ...OPENING_FLAGS, to: TO, "allow-weak": ALLOW_WEAK, ...DIALOG_FLAGS },
  },
  fingerprint: {
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
    flags: { key: PUBLIC_KEY, user: USER, "insecure-http": INSECURE_HTTP, ...REPORT_FLAGS },
  },
} as const satisfies CommandSpecs;
