import { isVaultError } from "@git-vault/core";
import { parsePublicKey } from "@git-vault/keys";
import {
  createOpener,
  createSealer,
  type Identity,
  parseIdentityFile,
  parseRecipient,
  PassphraseIdentity,
  type Recipient,
  SshRecipient,
} from "@git-vault/sealing";
import { sentence } from "./receiver.ts";
import { TEXTS } from "./texts.ts";

/** What the worker is to do. */
export type Job =
  | {
      readonly kind: "seal";
      /** Public keys of SSH, or of age. */
      readonly recipients: readonly string[];
      /** Whether the message is text. */
      readonly armor: boolean;
      readonly source: Blob | Uint8Array<ArrayBuffer>;
    }
  | {
      readonly kind: "open";
      /** Identities of age, one a line. */
      readonly identity: string | null;
      readonly passphrase: Uint8Array | null;
      readonly source: Blob | Uint8Array<ArrayBuffer>;
    };

/** What it says while it works, and at its end. */
export type Report =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "done"; readonly result: Blob }
  | { readonly kind: "failed"; readonly message: string };

const STEP = 1024 * 1024;

const report = (said: Report): void => postMessage(said);

/** Does one job, in a worker, so that the page stays alive. It is of no use after that. */
export function serveJobs(): void {
  addEventListener("message", ({ data }: MessageEvent<Job>) => {
    work(data, (done) => report({ kind: "progress", done })).then(
      (result) => report({ kind: "done", result }),
      (error: unknown) => report({ kind: "failed", message: explain(error) }),
    );
  });
}

function explain(error: unknown): string {
  if (isVaultError(error)) return sentence(error);
  return error instanceof RangeError ? TEXTS.noMemory : TEXTS.failed;
}

async function work(job: Job, progress: (done: number) => void): Promise<Blob> {
  const { push, finish } = job.kind === "seal" ? await sealing(job) : opening(job);
  const blob = job.source instanceof Blob ? job.source : new Blob([job.source]);
  // Pieces become Blobs at once, which the browser may keep on the disk.
  const pieces: Blob[] = [];
  const keep = (bytes: Uint8Array<ArrayBuffer>): void => {
    if (bytes.length > 0) pieces.push(new Blob([bytes]));
    bytes.fill(0);
  };
  for (let at = 0; at < blob.size; at += STEP) {
    const piece = new Uint8Array(await blob.slice(at, at + STEP).arrayBuffer());
    keep(await push(piece));
    piece.fill(0);
    progress(Math.min(1, (at + STEP) / blob.size));
  }
  keep(await finish());
  if (!(job.source instanceof Blob)) job.source.fill(0);
  return new Blob(pieces);
}

interface Steps {
  readonly push: (piece: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;
  readonly finish: () => Promise<Uint8Array<ArrayBuffer>>;
}

// What comes out of the packages is memory of its own, never shared with another thread.
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

async function sealing({ recipients, armor }: Job & { kind: "seal" }): Promise<Steps> {
  const list: Recipient[] = [];
  for (const line of recipients) {
    list.push(line.startsWith("age1") ? await parseRecipient(line) : new SshRecipient(parsePublicKey(line)));
  }
  const sealer = await createSealer(list, { armor });
  return { push: async (piece) => own(sealer.push(piece)), finish: async () => own(sealer.finish()) };
}

function opening({ identity, passphrase }: Job & { kind: "open" }): Steps {
  const identities: Identity[] = passphrase === null ? [] : [new PassphraseIdentity(passphrase)];
  const parsed = identity === null ? Promise.resolve([]) : parseIdentityFile(identity);
  const opener = parsed.then((keys) => createOpener([...keys, ...identities]));
  return {
    push: async (piece) => own(await (await opener).push(piece)),
    finish: async () => own(await (await opener).finish()),
  };
}
