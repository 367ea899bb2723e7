import { isKeyFile, parseKeyFile, wipeKeyFile } from "@git-vault/git-crypt";
import { isVaultError } from "@git-vault/core";
import { decodeText } from "@git-vault/keys";
import { receive } from "@git-vault/sharing";
import { existsSync } from "node:fs";
import { CliError } from "../../errors.ts";
import { readOperand, type Input } from "../../io/input.ts";
import { privateKeys } from "../message/private-keys.ts";
import type { OpeningOptions, SignerOptions } from "../../cli/flags.ts";
import { checkSignature, sayVerdict } from "../message/check-signature.ts";
import type { SignatureReport } from "../message/signature-report.ts";

/** With which private keys a sealed key is opened, and by whom it must be signed. */
export type KeyOptions = OpeningOptions & SignerOptions;

const VARIABLE = "GIT_CRYPT_KEY";

/** A key that was handed over. */
export interface OpenedKey {
  readonly key: Buffer;
  /** Who signed the message; null for nobody, left out for a key that was not sealed. */
  readonly signature?: SignatureReport | null;
}

/**
 * The git-crypt key file in what somebody handed over: a sealed message, a key file, or the base64
 * text of one.
 *
 * @throws GitCryptError `MALFORMED_KEY_FILE`; what opening a message throws
 */
export async function openKey(input: Pick<Input, "data" | "title">, options: KeyOptions): Promise<OpenedKey> {
  const { data, title } = input;
  const bare = bareKey(data);
  if (bare !== null) {
    await checkSignature(null, { what: "a key file that is not sealed" }, options);
    return { key: bare };
  }
  let received;
  try {
    received = await receive(data, await privateKeys(options));
  } catch (error) {
    if (!isVaultError(error) || error.code !== "UNKNOWN_FORMAT") throw error;
    throw new CliError("NOT_A_KEY", `${title}: expected a sealed message or a git-crypt key file, got something else`, {
      hint: "have the key sent to you again with `vault share`",
      cause: error,
    });
  }
  const { plaintext, format } = received;
  const verdict = await checkSignature(received.signature, { what: "the message", format }, options);
  sayVerdict(verdict, options);
  const key = bareKey(plaintext);
  if (key === null) {
    plaintext.fill(0);
    throw new CliError("NOT_A_KEY", `${title}: the message was opened, and holds no git-crypt key`, {
      hint: "`vault view` shows what it holds",
    });
  }
  return { key, signature: verdict.signature };
}

/**
 * The key of $GIT_CRYPT_KEY: the base64 text of a key file, or the path of one. Null where it is
 * not set.
 *
 * @throws CliError `NOT_A_KEY`, `INPUT_UNREADABLE`; GitCryptError `MALFORMED_KEY_FILE`
 */
export async function keyOfEnvironment(options: KeyOptions): Promise<Buffer | null> {
  const value = process.env[VARIABLE];
  if (value === undefined || value.trim() === "") return null;
  const key = bareKey(Buffer.from(value));
  if (key !== null) return key;
  // It is never shown: what is neither may be a key that was damaged on the way.
  if (value.includes("\0") || !existsSync(value)) {
    throw new CliError("NOT_A_KEY", `$${VARIABLE} is neither the base64 text of a key file nor the path of one`, {
      hint: "set it to what `vault export-key | base64` prints",
    });
  }
  return (await openKey({ data: readOperand(value).data, title: `$${VARIABLE}` }, options)).key;
}

/** A key file that is not sealed, as it is or in base64 in any encoding; null for anything else. */
function bareKey(data: Buffer): Buffer | null {
  if (isKeyFile(data)) {
    wipeKeyFile(parseKeyFile(data));
    return data;
  }
  if (isLegacyKey(data)) return data;
  const text = data.length <= MOST_BASE64 ? decodeText(data).replaceAll(/\s/g, "") : "";
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  const decoded = Buffer.from(text, "base64");
  return isKeyFile(decoded) || isLegacyKey(decoded) ? bareKey(decoded) : null;
}

/** More than any key file needs. */
const MOST_BASE64 = 64 * 1024;

/** A key file from before git-crypt 0.4 has a length and no mark. */
function isLegacyKey(data: Buffer): boolean {
  if (data.length !== 96) return false;
  try {
    wipeKeyFile(parseKeyFile(data));
    return true;
  } catch {
    return false;
  }
}
