import { armorSignature, KeyError, signatureVerifier, type SshSignature } from "@git-vault/keys";
import { MembersError } from "../errors.ts";
import type { Entry, EntryDraft } from "./entry.ts";
import { encodeDraft, type ParsedEntry } from "./format.ts";

/** What the signatures of entries are made for. */
export const MEMBERS_NAMESPACE = "members@git-vault";

type Verifier = ReturnType<typeof signatureVerifier>;

/** Whether an entry's signature is its author's, over the entry, and in its one form. */
export function isSigned({ entry, signed }: ParsedEntry, verify: Verifier): boolean {
  try {
    const signature = verify(entry.signature, { namespace: MEMBERS_NAMESPACE, message: signed });
    return signature.publicKey.fingerprint === entry.author && armorSignature(signature) === entry.signature;
  } catch (error) {
    if (error instanceof KeyError) return false;
    throw error;
  }
}

/**
 * The bytes of an entry's file, which belongs under the entry's id: `parseEntry` tells it.
 *
 * @param signature by the author's key over `encodeDraft(draft)`, for the namespace
 * `MEMBERS_NAMESPACE`
 * @throws MembersError `FOREIGN_SIGNATURE` for another; what `encodeDraft` throws
 */
export function finishEntry(draft: EntryDraft, signature: SshSignature): Buffer {
  const signed = encodeDraft(draft);
  const armored = armorSignature(signature);
  const entry: Entry = { ...draft, id: "", signature: armored };
  if (!isSigned({ entry, signed }, signatureVerifier())) {
    throw new MembersError("FOREIGN_SIGNATURE", "the signature is not the author's over this entry");
  }
  return Buffer.concat([signed, Buffer.from(armored)]);
}
