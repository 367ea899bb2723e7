import { receive, Receiver, type Received } from "@git-vault/sharing";
import type { Options, Run } from "../../cli/command.ts";
import { CliError } from "../../errors.ts";
import { openInput, type Input, type LargeInput } from "../../io/input.ts";
import { openSink, plaintextToJson, refuseTwoPlaces, writeOutput, type OutputOptions } from "../../io/output.ts";
import { pump, pumpProgress } from "../../io/pump.ts";
import { leadsTo, say, writeJson } from "../../io/streams.ts";
import { sayMarked, writeFramed, writeRaw } from "../../io/framed.ts";
import { checkSignature, sayVerdict } from "./check-signature.ts";
import { privateKeys } from "./private-keys.ts";
import type { Verdict } from "./signature-report.ts";
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
    const { format, signature } = received;
    await write(received, await checkSignature(signature, { what: "the message", format }, options), options, input);
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
  const judge = async ({ format, signature }: Pick<Received, "format" | "signature">): Promise<Verdict> =>
    checkSignature(signature, { what: "the message", format }, options);
  let verdict = receiver.isSigned ? null : await judge(await receiver.about());
  const sink = openSink(options, writing(input, options));
  const progress = pumpProgress("opened", input, sink, options);
  try {
    if (verdict !== null) sayVerdict(verdict, options);
    sink.write(first);
    const state = receiver.handOver();
    if (state === null) {
      const openPiece = async (piece: Buffer): Promise<Buffer> => {
        const plaintext = await receiver.push(piece);
        bytes += plaintext.length;
        return plaintext;
      };
      await pump(rest, openPiece, sink, progress.reached);
      const last = await receiver.finish();
      bytes += last.length;
      if (verdict === null) {
        verdict = await judge(await receiver.about());
        sayVerdict(verdict, options);
      }
      sink.write(last);
    } else {
      const { pumpChunks } = await import("../../io/chunk-pool.ts");
      bytes += await pumpChunks("open", state, rest, sink, progress.reached);
    }
    progress.end();
    const about = await receiver.about();
    const place = sink.commit();
    if (leadsTo(1) === "terminal" && verdict !== null && !options.quiet) sayMarked(`vault: end, ${verdict.sentence}`);
    if (options.json) writeJson(report(about, verdict, bytes, place));
    else if (place !== null && !options.quiet) say(`vault: wrote ${bytes} bytes to ${place}`);
  } catch (error) {
    progress.end();
    sink.abort();
    throw error;
  } finally {
    receiver.lock();
  }
}

/** More than any header of age has, which is 1 MiB at the most. */
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

async function write(received: Received, verdict: Verdict, options: ViewOptions, input: Input): Promise<void> {
  const { plaintext } = received;
  const { quiet, json, output, clipboard } = options;
  const isShown = !json && !clipboard && (output ?? "-") === "-" && leadsTo(1) === "terminal";
  if (isShown && !quiet) {
    if (output === "-") writeRaw(plaintext, verdict.sentence);
    else writeFramed(plaintext, verdict.sentence);
    return;
  }
  if (!json) sayVerdict(verdict, options);
  const place = await writeOutput(plaintext, options, writing(input, options));
  if (json) writeJson(describe(received, verdict, place));
  else if (place !== null && !quiet) say(`vault: wrote ${plaintext.length} bytes to ${place}`);
}

function describe(received: Received, verdict: Verdict, place: string | null): object {
  const { plaintext } = received;
  return { ...report(received, verdict, plaintext.length, place), ...plaintextToJson(plaintext, place) };
}

/** What --json tells of any message. */
const report = (
  { format, openedWith: { path, fingerprint } }: Pick<Received, "format" | "openedWith">,
  verdict: Verdict | null,
  bytes: number,
  output: string | null,
): object => ({
  format,
  openedWith: { path, fingerprint },
  signature: verdict?.signature ?? null,
  bytes,
  output,
});
