import {
  decodeText,
  isOpenPgpKey,
  isOpenPgpPrivateKey,
  KeyError,
  readAnyPublicKeys,
  readOpenPgpKeys,
  readPublicKeys,
} from "@git-vault/keys";
import { isAgeRecipient, type RecipientKey } from "./recipient-key.ts";

// The third is how the body of an OpenSSH private key begins in base64.
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-|b3BlbnNzaC1rZXktdjE|AGE-SECRET-KEY-|AGE-PLUGIN-/;

/** Whether somebody's private key stands in a text: OpenSSH's, PEM, PuTTY's or age's. */
export const holdsPrivateKey = (text: string): boolean => PRIVATE_KEY.test(text);

/** Why a text has no keys. */
export type KeyTextProblem = "private" | "none" | "malformed";

/** The keys in a text, or why it has none. */
export type KeyText = { readonly keys: readonly RecipientKey[] } | { readonly problem: KeyTextProblem };

/** The SSH keys, and the age keys among its lines. */
async function readKeys(text: string): Promise<RecipientKey[]> {
  if (!/^\s*age1/im.test(text)) return readAnyPublicKeys(text);
  const { readAgeKey } = await import("./age-key.ts");
  const lines = text.split("\n").map((line) => line.trim());
  const ageKeys = lines.flatMap((line, at) => (isAgeRecipient(line) ? [readAgeKey(line, at + 1, false)] : []));
  const sshKeys = readPublicKeys(lines.map((line) => (isAgeRecipient(line) ? "" : line)).join("\n"));
  return [...sshKeys, ...(await Promise.all(ageKeys))].toSorted((a, b) => a.line - b.line);
}

/**
 * Reads what should hold public keys: lines as in authorized_keys, age recipients too; a key
 * in PEM or in SSH's older form (RFC 4716); or keys of OpenPGP's, in armor or binary. One that is a
 * key, of whatever type, makes it one.
 */
export async function readKeyText(bytes: Uint8Array): Promise<KeyText> {
  const text = decodeText(bytes);
  if (holdsPrivateKey(text) || isOpenPgpPrivateKey(bytes)) return { problem: "private" };
  try {
    const keys = isOpenPgpKey(bytes) ? await readOpenPgpKeys(bytes) : await readKeys(text);
    if (keys.length === 0) return { problem: "none" };
    return keys.some(({ fingerprint }) => fingerprint !== null) ? { keys } : { problem: "malformed" };
  } catch (error) {
    if (error instanceof KeyError) return { problem: "malformed" };
    throw error;
  }
}
