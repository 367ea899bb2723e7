import { assertOneOf, assertString } from "@git-vault/core";
import { SealingError } from "../errors.ts";
import type { Identity, Recipient } from "./stanza.ts";

/*
 * age's own recipients and identities. What reads them is loaded at the first use: messages to SSH
 * keys do without.
 */

/**
 * `x25519` (age1…), or `hybrid` (age1pq1…): ML-KEM-768 beside X25519, which no quantum computer is
 * known to break.
 */
export type AgeKeyKind = "x25519" | "hybrid";

/** A public key of age's. */
export interface AgeRecipient extends Recipient {
  readonly kind: AgeKeyKind;
  /** The recipient as it is written: `age1…` or `age1pq1…`. */
  toString(): string;
}

/** A private key of age's. */
export interface AgeIdentity extends Identity {
  readonly kind: AgeKeyKind;
  /** The public half. */
  recipient(): Promise<AgeRecipient>;
}

/** A new key pair as it is written. */
export interface GeneratedIdentity {
  /** Secret: `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`; a line of an identity file. */
  readonly identity: string;
  /** Public: `age1…` or `age1pq1…`. */
  readonly recipient: string;
}

const MAX_IDENTITY_FILE_BYTES = 1024 * 1024;

/**
 * Reads a recipient (C2SP age.md): Bech32 in lower case, without anything around it.
 *
 * Throws SealingError `MALFORMED_KEY`; TypeError where it is no string.
 */
export async function parseRecipient(text: string): Promise<AgeRecipient> {
  assertString("recipient", text);
  return (await import("./keys-native.ts")).readRecipient(text);
}

/**
 * Reads an identity file as age-keygen writes it: one identity in each line, in upper case; empty
 * lines and lines that begin with `#` are passed over. Line ends may be CRLF.
 *
 * Throws SealingError `MALFORMED_KEY` for any other line, for a file without an identity, and for
 * one of over 1 MiB; the message tells the line's number and nothing of what is in it. TypeError
 * where it is neither a string nor bytes.
 */
export async function parseIdentityFile(file: Uint8Array | string): Promise<AgeIdentity[]> {
  const text = file instanceof Uint8Array ? Buffer.from(file).toString("latin1") : file;
  assertString("identity file", text);
  if (text.length > MAX_IDENTITY_FILE_BYTES) {
    throw new SealingError("MALFORMED_KEY", `expected an identity file of up to 1 MiB, got ${text.length} bytes`, {
      hint: "give the file that age-keygen wrote",
    });
  }
  return (await import("./keys-native.ts")).readIdentityFile(text);
}

/**
 * Makes a new key pair from 32 random bytes, as age-keygen does, or as `age-keygen -pq` does for
 * `hybrid`.
 *
 * Throws RangeError for another kind.
 */
export async function generateIdentity(kind: AgeKeyKind = "x25519"): Promise<GeneratedIdentity> {
  assertOneOf("kind", kind, ["x25519", "hybrid"]);
  return (await import("./keys-native.ts")).generate(kind);
}
