import { Buffer, sha256Of } from "@git-vault/core/bytes";
import { createOpener, type Identity, parseIdentityFile, PassphraseIdentity, SealingError } from "@git-vault/sealing";

/*
 * What the test of the vectors runs in a browser: it is bundled as the page is.
 */

/** How a vector ended: the code of the error, or null, and the digest of all that was released. */
export interface Outcome {
  readonly name: string;
  readonly expect: string;
  readonly wanted: string | null;
  readonly code: string | null;
  readonly digest: string;
}

/** Opens a vector as cctv-age has it, in base64. */
async function runVector(name: string, base64: string): Promise<Outcome> {
  const file = Buffer.from(base64, "base64");
  const end = file.indexOf("\n\n");
  const fields = file.toString("latin1", 0, end).split("\n");
  const valuesOf = (wanted: string): string[] =>
    fields.filter((line) => line.startsWith(`${wanted}: `)).map((line) => line.slice(wanted.length + 2));
  const body = new Uint8Array(file.subarray(end + 2));
  const inflated = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate"));
  const message =
    valuesOf("compressed")[0] === "zlib" ? new Uint8Array(await new Response(inflated).arrayBuffer()) : body;
  const lines = valuesOf("identity");
  const identities: Identity[] = lines.length === 0 ? [] : await parseIdentityFile(lines.join("\n"));
  for (const phrase of valuesOf("passphrase")) identities.push(new PassphraseIdentity(Buffer.from(phrase)));
  const opener = createOpener(identities);
  const released: Uint8Array[] = [];
  let code: string | null = null;
  try {
    for (let at = 0; at < message.length; at += 200_000) {
      released.push(await opener.push(message.subarray(at, at + 200_000)));
    }
    released.push(await opener.finish());
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    ({ code } = error);
  }
  return {
    name,
    expect: valuesOf("expect")[0] ?? "",
    wanted: valuesOf("payload")[0] ?? null,
    code,
    digest: sha256Of(Buffer.concat(released)).toString("hex"),
  };
}

Object.assign(globalThis, { runVector });
