import { KeyError, readOpenPgpKeys, type OpenPgpKeyEntry } from "@git-vault/keys";

/**
 * The OpenPGP keys in GitHub's answers, each once, of which only those that GitHub itself names by
 * their ID: an owner may have uploaded more in one block than GitHub took in. Null where a text is
 * none of OpenPGP keys.
 *
 * @param keyIds 16 upper-case hexadecimal digits each
 */
export async function readOpenPgpAnswer(
  texts: readonly string[],
  keyIds: readonly string[],
): Promise<OpenPgpKeyEntry[] | null> {
  const entries = new Map<string, OpenPgpKeyEntry>();
  try {
    for (const text of texts) {
      for (const entry of await readOpenPgpKeys(Buffer.from(text))) {
        const { fingerprint } = entry;
        const keyId = fingerprint === null ? null : keyIdOf(fingerprint);
        if (keyId !== null) entries.set(keyId, { ...entry, line: keyIds.indexOf(keyId) + 1 });
      }
    }
  } catch (error) {
    if (error instanceof KeyError) return null;
    throw error;
  }
  const unreadable = "GitHub's copy of it is malformed, or of a kind that is not supported";
  return keyIds.map(
    (keyId, at) =>
      entries.get(keyId) ?? {
        line: at + 1,
        type: "openpgp",
        fingerprint: null,
        comment: keyId.replaceAll(/[^0-9A-Fa-f]/g, "").slice(0, 16),
        userIds: [],
        algorithm: "",
        key: null,
        unusable: unreadable,
      },
  );
}

/** A version 4 key ID ends its fingerprint; later ones begin it (RFC 9580, 5.5.4). */
const keyIdOf = (fingerprint: string): string =>
  fingerprint.length === 40 ? fingerprint.slice(-16) : fingerprint.slice(0, 16);
