import type { MessageSignature } from "@git-vault/sealing";
import { receive, Receiver, type Received } from "@git-vault/sharing";
import { CliError } from "../../cli/errors.ts";
import { readLarge, type Input, type LargeInput } from "../../io/input.ts";
import { checkOutputFlags, openSink, plaintextToJson, writeOutput } from "../../io/output.ts";
import { privateKeys } from "./private-keys.ts";
import { pump } from "../../io/pump.ts";
import type { SignatureReport } from "./signature-report.ts";
import { leadsTo, say, writeJson } from "../../io/streams.ts";
import { wantsSignature, type FlagValues, type Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  checkOutputFlags(flags);
  const input = await readMessage(args[0]);
  try {
    await (input.descriptor === null ? viewWhole(input, flags) : viewLarge(input, flags));
  } finally {
    input.close();
  }
}

/** All of the message is authenticated before any of it is written. */
async function viewWhole(input: Input, flags: FlagValues): Promise<void> {
  const received = await receive(input.data, await privateKeys(flags));
  try {
    await write(received, await judge(received.signature, flags), flags, input);
  } finally {
    received.plaintext.fill(0);
  }
}

/**
 * Finds out whose the signature is, and tells it; null where there is none, which is told only
 * where one is wanted.
 */
async function judge(signature: MessageSignature | null, flags: FlagValues): Promise<SignatureReport | null> {
  // Most messages are not signed.
  if (signature === null && !wantsSignature(flags)) return null;
  const { judgeSignature, unsigned } = await import("./signature-report.ts");
  if (signature === null) throw unsigned("the message");
  return judgeSignature(signature, flags);
}

/**
 * Each piece is authenticated before it is written; that the message is whole shows only in the
 * end.
 */
async function viewLarge(input: LargeInput, flags: FlagValues): Promise<void> {
  const receiver = await Receiver.start(await privateKeys(flags));
  // Nothing is opened for writing before a key was found.
  const first = await receiver.push(input.data.subarray(0, START));
  const rest = { ...input, data: input.data.subarray(START) };
  let bytes = first.length;
  if (!receiver.isSigned) await judge(null, flags);
  const sink = openSink(flags, { input, secret: true });
  let judged: SignatureReport | null = null;
  try {
    sink.write(first);
    const state = receiver.handOver();
    if (state === null) {
      const openPiece = async (piece: Buffer): Promise<Buffer> => {
        const plaintext = await receiver.push(piece);
        bytes += plaintext.length;
        return plaintext;
      };
      await pump(rest, openPiece, sink);
      const last = await receiver.finish();
      bytes += last.length;
      const { signature } = await receiver.about();
      if (signature !== null) judged = await judge(signature, flags);
      sink.write(last);
    } else {
      const { pumpChunks } = await import("../../io/chunk-pool.ts");
      bytes += await pumpChunks("open", state, rest, sink);
    }
    const about = await receiver.about();
    const place = sink.commit();
    if (flags.json) writeJson(report(about, judged, bytes, place));
    else if (place !== null && !flags.quiet) say(`vault: wrote ${bytes} bytes to ${place}`);
  } catch (error) {
    sink.abort();
    throw error;
  } finally {
    receiver.lock();
  }
}

/** More than any header of age's has, which is 1 MiB at the most. */
const START = 2 * 1024 * 1024;

/** The operand, else a pipe or a file on stdin, else the clipboard. */
async function readMessage(operand: string | undefined): Promise<LargeInput> {
  if (operand !== undefined || leadsTo(0) === "data") return readLarge(operand);
  const { paste } = await import("../../io/clipboard.ts");
  const data = Buffer.from(await paste());
  if (data.length === 0) {
    throw new CliError("INPUT_UNREADABLE", "the clipboard holds no text", {
      hint: "copy the sealed message, or name a file: `vault view message.txt`",
    });
  }
  return { data, title: "the clipboard", file: null, descriptor: null, close: () => {} };
}

async function write(
  received: Received,
  signature: SignatureReport | null,
  flags: FlagValues,
  input: Input,
): Promise<void> {
  const { plaintext } = received;
  const elsewhere = flags.clipboard === true || (flags.output !== undefined && flags.output !== "-");
  const place = elsewhere || !flags.json ? await writeOutput(plaintext, flags, { input, secret: true }) : null;
  if (flags.json) writeJson(describe(received, signature, place));
  else if (place !== null && !flags.quiet) say(`vault: wrote ${plaintext.length} bytes to ${place}`);
}

function describe(received: Received, signature: SignatureReport | null, place: string | null): object {
  const { plaintext } = received;
  return { ...report(received, signature, plaintext.length, place), ...plaintextToJson(plaintext, place) };
}

/** What --json tells of any message. */
const report = (
  { format, openedWith: { path, fingerprint } }: Pick<Received, "format" | "openedWith">,
  signature: SignatureReport | null,
  bytes: number,
  output: string | null,
): object => ({ format, openedWith: { path, fingerprint }, signature, bytes, output });
