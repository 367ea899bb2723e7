import { armorSignature, KeyError, signatureVerifier, verifySignature, type SshSignature } from "@git-vault/keys";
import { MembersError } from "../errors.ts";
import type { EntryDraft } from "./entry.ts";
import { encodeDraft, type ParsedEntry } from "./format.ts";

/** What the signatures of entries are made for. */
export const MEMBERS_NAMESPACE = "members@git-vault";

/**
 * Gives a function that tells whether an entry's signature is its author's, over the entry, in its
 * one form.
 */
export function entryVerifier(): (parsed: ParsedEntry) => Promise<boolean> {
  const verify = signatureVerifier();
  return async ({ entry, signed }) => {
    try {
      const signature = await verify(entry.signature, { namespace: MEMBERS_NAMESPACE, message: signed });
      // In its one form it is: reading an entry demands lines of 70, and a signature one base64.
      return signature.publicKey.fingerprint === entry.author;
    } catch (error) {
      if (error instanceof KeyError) return false;
      throw error;
    }
  };
}

const foreign = (cause?: unknown): MembersError =>
  new MembersError("FOREIGN_SIGNATURE", "the signature is not the author's over this entry", { cause });

/**
 * The bytes of an entry's file, which belongs under the entry's id: `parseEntry` tells it.
 *
 * @param signature by the author's key over `encodeDraft(draft)`, for the namespace
 * `MEMBERS_NAMESPACE`
 * @throws MembersError `FOREIGN_SIGNATURE` for another; what `encodeDraft` throws
 */
export function finishEntry(draft: EntryDraft, signature: SshSignature): Buffer {
  const message = encodeDraft(draft);
  if (signature.publicKey.fingerprint !== draft.author) throw foreign();
  try {
    verifySignature(signature, { namespace: MEMBERS_NAMESPACE, message });
  } catch (error) {
    if (error instanceof KeyError) throw foreign(error);
    throw error;
  }
  return Buffer.concat([message, Buffer.from(armorSignature(signature))]);
}
