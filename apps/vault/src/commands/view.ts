import { receive, type Received } from "@git-vault/sharing";
import { CliError } from "../errors.ts";
import { readOperand, readStandardInput, type Input } from "../input.ts";
import { checkOutputFlags, writeOutput } from "../output.ts";
import { privateKeys } from "../private-keys.ts";
import { leadsTo, say, writeStdout } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  checkOutputFlags(flags);
  const input = await readMessage(args[0]);
  const received = await receive(input.data, await privateKeys(flags));
  try {
    await write(received, flags, input);
  } finally {
    received.plaintext.fill(0);
  }
}

/** The operand, else a pipe or a file on stdin, else the clipboard. */
async function readMessage(operand: string | undefined): Promise<Input> {
  if (operand !== undefined) return readOperand(operand);
  if (leadsTo(0) === "data") return readStandardInput();
  const { paste } = await import("../clipboard.ts");
  const data = Buffer.from(await paste());
  if (data.length === 0) {
    throw new CliError("INPUT_UNREADABLE", "the clipboard holds no text", {
      hint: "copy the sealed message, or name a file: `vault view message.txt`",
    });
  }
  return { data, title: "the clipboard", file: null };
}

async function write(received: Received, flags: FlagValues, input: Input): Promise<void> {
  const { plaintext } = received;
  const elsewhere = flags.clipboard === true || (flags.output !== undefined && flags.output !== "-");
  const place = elsewhere || !flags.json ? await writeOutput(plaintext, flags, { input, secret: true }) : null;
  if (flags.json) writeStdout(`${JSON.stringify(describe(received, place))}\n`);
  else if (place !== null && !flags.quiet) say(`vault: wrote ${plaintext.length} bytes to ${place}`);
}

function describe({ plaintext, format, openedWith }: Received, output: string | null): object {
  const text = plaintext.toString();
  const encoding = Buffer.from(text).equals(plaintext) ? "utf8" : "base64";
  return {
    format,
    openedWith: { path: openedWith.path, fingerprint: openedWith.fingerprint },
    bytes: plaintext.length,
    encoding,
    plaintext: output === null ? (encoding === "utf8" ? text : plaintext.toString("base64")) : null,
    output,
  };
}
