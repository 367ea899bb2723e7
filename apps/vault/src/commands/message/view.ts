import { receive, Receiver, type Received } from "@git-vault/sharing";
import type { Options, Run } from "../../cli/command.ts";
import { CliError } from "../../errors.ts";
import { openInput, type Input, type LargeInput } from "../../io/input.ts";
import { openSink, plaintextToJson, refuseTwoPlaces, writeOutput, type OutputOptions } from "../../io/output.ts";
import { pump } from "../../io/pump.ts";
import { leadsTo, say, writeJson } from "../../io/streams.ts";
import { checkSignature } from "./check-signature.ts";
import { privateKeys } from "./private-keys.ts";
import type { SignatureReport } from "./signature-report.ts";
import type { MESSAGE_COMMANDS } from "./specs.ts";

type View = typeof MESSAGE_COMMANDS.view;
type ViewOptions = Options<View["flags"]>;

export const run: Run<View> = async (options, [operand]) => {
  refuseTwoPlaces(options);
  const input = await readMessage(operand);
  try {
    await (input.descriptor === null ? viewWhole(input, options) : viewLarge(input, options));
  } finally {
    input.close();
  }
};

/** How the plaintext is written. */
const writing = (input: Input, { key, passphraseFile }: ViewOptions): OutputOptions => ({
  input,
  secret: true,
  inUse: [key, passphraseFile],
});

/** All of the message is authenticated before any of it is written. */
async function viewWhole(input: Input, options: ViewOptions): Promise<void> {
  const received = await receive(input.data, await privateKeys(options));
  try {
    await write(received, await checkSignature(received.signature, "the message", options), options, input);
  } finally {
    received.plaintext.fill(0);
  }
}

/** Each piece is authenticated before it is written; only the end shows that it is whole. */
async function viewLarge(input: LargeInput, options: ViewOptions): Promise<void> {
  const receiver = await Receiver.start(await privateKeys(options));
  // Nothing is opened for writing before a key was found.
  const first = await receiver.push(input.data.subarray(0, START));
  const rest = { ...input, data: input.data.subarray(START) };
  let bytes = first.length;
  if (!receiver.isSigned) await checkSignature(null, "the message", options);
  const sink = openSink(options, writing(input, options));
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
      if (signature !== null) judged = await checkSignature(signature, "the message", options);
      sink.write(last);
    } else {
      const { pumpChunks } = await import("../../io/chunk-pool.ts");
      bytes += await pumpChunks("open", state, rest, sink);
    }
    const about = await receiver.about();
    const place = sink.commit();
    if (options.json) writeJson(report(about, judged, bytes, place));
    else if (place !== null && !options.quiet) say(`vault: wrote ${bytes} bytes to ${place}`);
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
  if (operand !== undefined || leadsTo(0) === "data") return openInput(operand);
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
  options: ViewOptions,
  input: Input,
): Promise<void> {
  const { plaintext } = received;
  const place = await writeOutput(plaintext, options, writing(input, options));
  if (options.json) writeJson(describe(received, signature, place));
  else if (place !== null && !options.quiet) say(`vault: wrote ${plaintext.length} bytes to ${place}`);
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
