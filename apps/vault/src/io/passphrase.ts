import { decodeText, KeyError } from "@git-vault/keys";
import type { PassphraseRequest } from "@git-vault/sharing";
import { printable } from "@git-vault/core";
import { usageError } from "../errors.ts";
import { readFile } from "./input.ts";
import { readDescriptor, say } from "./streams.ts";

/** What the flags for passphrases say. */
export interface PassphraseOptions {
  readonly passphrase?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly passphraseFd?: number | undefined;
  readonly noInput: boolean;
  readonly quiet: boolean;
}

const OTHERWISE = "give the passphrase by --passphrase-file, --passphrase-fd or SSH_VAULT_PASSPHRASE";

/**
 * Where passphrases come from: --passphrase, with a warning, --passphrase-file, --passphrase-fd,
 * $SSH_VAULT_PASSPHRASE, else the terminal, which is asked three times.
 */
export function passphraseSource(options: PassphraseOptions): (request: PassphraseRequest) => Promise<Buffer> {
  let given: Buffer | null | undefined;
  return async ({ path, attempt }) => {
    given ??= givenPassphrase(options);
    const whose = path === null ? "the message" : printable(path);
    if (given !== null) {
      if (attempt > 1) throw new KeyError("WRONG_PASSPHRASE", `the passphrase that was given does not open ${whose}`);
      return Buffer.from(given);
    }
    const question = `passphrase for ${whose}`;
    if (options.noInput) throw usageError(`${question} cannot be asked: --no-input forbids it`, OTHERWISE);
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
export async function newPassphrase(options: PassphraseOptions): Promise<Buffer> {
  const passphrase = givenPassphrase(options) ?? (await askTwice(options));
  if (passphrase.length > 0) return passphrase;
  throw usageError("the passphrase is empty", "choose one that nobody guesses, of several words");
}

async function askTwice({ noInput }: PassphraseOptions): Promise<Buffer> {
  const question = "new passphrase for the message";
  if (noInput) throw usageError(`the ${question} cannot be asked: --no-input forbids it`, OTHERWISE);
  const { askSecret } = await import("./terminal.ts");
  const passphrase = await askSecret(question, OTHERWISE);
  if ((await askSecret("the same again", OTHERWISE)) === passphrase) return Buffer.from(passphrase);
  throw usageError("the two passphrases differ", "try again");
}

function givenPassphrase({ passphrase, passphraseFile, passphraseFd, quiet }: PassphraseOptions): Buffer | null {
  if (passphrase !== undefined) {
    if (!quiet)
      say("vault: warning: a passphrase on the command line can be read by every user of this machine, in `ps`");
    return Buffer.from(passphrase);
  }
  if (passphraseFile !== undefined) return firstLine(readFile(passphraseFile).data);
  if (passphraseFd !== undefined) return firstLine(readDescriptor(passphraseFd, `file descriptor ${passphraseFd}`));
  const variable = process.env["SSH_VAULT_PASSPHRASE"];
  return variable === undefined || variable === "" ? null : Buffer.from(variable);
}

/** Windows marks its texts, and writes some in UTF-16; of others a passphrase is the very bytes. */
const hasMark = (data: Buffer): boolean =>
  ["efbbbf", "fffe", "feff"].some((mark) => data.toString("hex", 0, 3).startsWith(mark));

function firstLine(file: Buffer): Buffer {
  const data = hasMark(file) ? Buffer.from(decodeText(file)) : file;
  const end = data.indexOf("\n");
  const line = end === -1 ? data : data.subarray(0, end);
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}
