import { closeSync, openSync } from "node:fs";
import { KeyError } from "@git-vault/keys";
import type { PassphraseRequest } from "@git-vault/sharing";
import { CliError } from "../cli/errors.ts";
import { reason } from "./system-error.ts";
import { printable, readDescriptor, say } from "./streams.ts";
import type { FlagValues } from "../cli/command-table.ts";

const OTHERWISE = "give the passphrase by --passphrase-file, --passphrase-fd or SSH_VAULT_PASSPHRASE";

/**
 * Where passphrases come from: --passphrase, with a warning, --passphrase-file, --passphrase-fd,
 * $SSH_VAULT_PASSPHRASE, else the terminal, which is asked three times.
 */
export function passphraseSource(flags: FlagValues): (request: PassphraseRequest) => Promise<Buffer> {
  let given: Buffer | null | undefined;
  return async ({ path, attempt }) => {
    given ??= givenPassphrase(flags);
    const whose = path === null ? "the message" : printable(path);
    if (given !== null) {
      if (attempt > 1) throw new KeyError("WRONG_PASSPHRASE", `the passphrase that was given does not open ${whose}`);
      return Buffer.from(given);
    }
    const question = `passphrase for ${whose}`;
    if (flags["no-input"]) {
      throw new CliError("USAGE", `${question} cannot be asked: --no-input forbids it`, { hint: OTHERWISE });
    }
    if (attempt > 1) say("vault: wrong passphrase, try again");
    const { askSecret } = await import("./terminal.ts");
    for (let again = attempt; ; again += 1) {
      const answer = await askSecret(question, OTHERWISE);
      // An empty one is no passphrase of anything: it is a slip of the finger.
      if (answer !== "" || again >= 3) return Buffer.from(answer);
    }
  };
}

/**
 * A new passphrase to seal to: from --passphrase-file, --passphrase-fd or $SSH_VAULT_PASSPHRASE,
 * else asked for twice on the terminal.
 *
 * @throws CliError `USAGE` for an empty one, for two that differ, and where nothing can be asked
 */
export async function newPassphrase(flags: FlagValues): Promise<Buffer> {
  const passphrase = givenPassphrase(flags) ?? (await askTwice(flags));
  if (passphrase.length > 0) return passphrase;
  throw new CliError("USAGE", "the passphrase is empty", { hint: "choose one that nobody guesses, of several words" });
}

async function askTwice(flags: FlagValues): Promise<Buffer> {
  const question = "new passphrase for the message";
  if (flags["no-input"]) {
    throw new CliError("USAGE", `the ${question} cannot be asked: --no-input forbids it`, { hint: OTHERWISE });
  }
  const { askSecret } = await import("./terminal.ts");
  const passphrase = await askSecret(question, OTHERWISE);
  if ((await askSecret("the same again", OTHERWISE)) === passphrase) return Buffer.from(passphrase);
  throw new CliError("USAGE", "the two passphrases differ", { hint: "try again" });
}

function givenPassphrase(flags: FlagValues): Buffer | null {
  if (flags.passphrase !== undefined) {
    if (!flags.quiet)
      say("vault: warning: a passphrase on the command line can be read by every user of this machine, in `ps`");
    return Buffer.from(flags.passphrase);
  }
  const file = flags["passphrase-file"];
  if (file !== undefined) {
    let fd;
    try {
      fd = openSync(file, "r");
    } catch (cause) {
      throw new CliError("INPUT_UNREADABLE", `cannot read ${printable(file)}: ${reason(cause)}`, { cause });
    }
    try {
      return firstLine(readDescriptor(fd, printable(file)));
    } finally {
      closeSync(fd);
    }
  }
  const descriptor = flags["passphrase-fd"];
  if (descriptor !== undefined) {
    if (!/^\d{1,6}$/.test(descriptor)) {
      throw new CliError("USAGE", "--passphrase-fd: expected the number of an open file descriptor");
    }
    return firstLine(readDescriptor(Number(descriptor), `file descriptor ${descriptor}`));
  }
  const variable = process.env["SSH_VAULT_PASSPHRASE"];
  return variable === undefined || variable === "" ? null : Buffer.from(variable);
}

function firstLine(data: Buffer): Buffer {
  const text = data.subarray(0, data.includes(0x0a) ? data.indexOf(0x0a) : data.length);
  const line = text.at(-1) === 0x0d ? text.subarray(0, -1) : text;
  return line;
}
