import { Buffer } from "@git-vault/core/bytes";
import { randomBytes } from "#crypto";
import { scrypt } from "#crypto/scrypt";
import { decodeBase64, encodeBase64 } from "@git-vault/core";
import { SealingError, malformed } from "../errors.ts";
import { unwrapFileKey, WRAPPED_BYTES, wrapFileKey } from "./file-key.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The stanza `scrypt <salt> <work factor>` (C2SP age.md, "The scrypt recipient type").
 */

const LABEL = Buffer.from("age-encryption.org/v1/scrypt");
const SALT_BYTES = 16;

/** What a passphrase message says before its passphrase is known. */
interface ScryptStanza {
  readonly salt: Buffer;
  /** The base-two logarithm of scrypt's N. */
  readonly workFactor: number;
  readonly body: Buffer;
}

const wrapKeyOf = async (passphrase: Uint8Array, salt: Buffer, workFactor: number): Promise<Buffer> => {
  try {
    return await scrypt(passphrase, Buffer.concat([LABEL, salt]), workFactor);
  } catch (error) {
    throw tooLittleMemory(workFactor, error);
  }
};

const tooLittleMemory = (workFactor: number, cause: unknown): SealingError =>
  new SealingError("WORK_FACTOR", `a work factor of ${workFactor} needs more memory than this machine has`, {
    hint: `it needs ${Math.ceil(2 ** (workFactor - 10))} MiB; use a machine that has as much`,
    cause,
  });

/**
 * Wraps a file key to a passphrase.
 *
 * Throws SealingError `WORK_FACTOR` if there is not enough memory.
 */
export async function wrapToScrypt(passphrase: Uint8Array, workFactor: number, fileKey: Buffer): Promise<Stanza> {
  const salt = randomBytes(SALT_BYTES);
  const body = wrapFileKey(await wrapKeyOf(passphrase, salt, workFactor), fileKey);
  return { type: "scrypt", args: [encodeBase64(salt, "unpadded"), String(workFactor)], body };
}

/**
 * Reads a stanza whose passphrase can be tried.
 *
 * Throws SealingError `MALFORMED_MESSAGE`, and `WORK_FACTOR` for more work than `maxWorkFactor`.
 */
export function readScryptStanza({ args, body }: Stanza, maxWorkFactor: number): ScryptStanza {
  const [saltText = "", factor = ""] = args;
  const salt = args.length === 2 ? decodeBase64(saltText, "unpadded") : null;
  if (salt?.length !== SALT_BYTES)
    throw malformed(`a scrypt recipient does not have a salt of ${SALT_BYTES} bytes and a work factor`);
  if (!/^[1-9][0-9]*$/.test(factor)) throw malformed("the work factor of a scrypt recipient is not a decimal number");
  if (body.length !== WRAPPED_BYTES) throw malformed(`the body of a scrypt recipient is not ${WRAPPED_BYTES} bytes`);
  const workFactor = Number(factor);
  if (workFactor <= maxWorkFactor) return { salt, workFactor, body };
  const shown = factor.length <= 4 ? factor : `a number of ${factor.length} digits`;
  const message = `expected a passphrase message with a work factor of up to ${maxWorkFactor}, got ${shown}`;
  throw new SealingError("WORK_FACTOR", message, {
    subject: "limit",
    hint: "each step above doubles the memory and time that opening takes; raise the limit only for a sender you trust",
  });
}

/**
 * Unwraps the file key; null if the passphrase is wrong.
 *
 * Throws SealingError `WORK_FACTOR` if there is not enough memory.
 */
export async function unwrapScrypt(
  { salt, workFactor, body }: ScryptStanza,
  passphrase: Uint8Array,
): Promise<Buffer | null> {
  return unwrapFileKey(await wrapKeyOf(passphrase, salt, workFactor), body);
}
