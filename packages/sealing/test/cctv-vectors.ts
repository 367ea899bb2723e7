import { inflateSync } from "node:zlib";
import * as cctv from "cctv-age";
import { parseIdentityFile, PassphraseIdentity, type Identity } from "../src/index.ts";

/** One of C2SP's test vectors for age. */
export interface Vector {
  readonly name: string;
  /** `success`, or the kind of failure. */
  readonly expect: string;
  readonly fileKey: Buffer;
  /** SHA-256 of all that may be released. */
  readonly payloadDigest: string | undefined;
  readonly isArmored: boolean;
  readonly message: Buffer;
  readonly identities: Identity[];
}

const parseVector = async (name: string, file: Uint8Array): Promise<Vector> => {
  const bytes = Buffer.from(file);
  const end = bytes.indexOf("\n\n");
  const fields = bytes
    .toString("latin1", 0, end)
    .split("\n")
    .map((line): [string, string] => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    });
  const valuesOf = (wanted: string): string[] => fields.filter(([key]) => key === wanted).map(([, value]) => value);
  const body = bytes.subarray(end + 2);
  const identities = valuesOf("identity");
  return {
    name,
    expect: valuesOf("expect")[0] ?? "",
    fileKey: Buffer.from(valuesOf("file key")[0] ?? "", "hex"),
    payloadDigest: valuesOf("payload")[0],
    isArmored: valuesOf("armored")[0] === "yes",
    message: valuesOf("compressed")[0] === "zlib" ? inflateSync(body) : body,
    identities: [
      ...(identities.length === 0 ? [] : await parseIdentityFile(identities.join("\n"))),
      ...valuesOf("passphrase").map((passphrase) => new PassphraseIdentity(Buffer.from(passphrase))),
    ],
  };
};

const files = Object.entries<unknown>(cctv).filter(
  (entry): entry is [string, Uint8Array] => entry[1] instanceof Uint8Array,
);

/** All of them. */
export const VECTORS: readonly Vector[] = await Promise.all(files.map(([name, file]) => parseVector(name, file)));
