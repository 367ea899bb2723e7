import { randomBytes } from "node:crypto";
import { forgeUserOf, type DirectoryEntry, type RecipientKey } from "@git-vault/directory";
import { keyId, keyMac, type KeyFile } from "@git-vault/git-crypt";
import { encodePublicKey, parsePublicKey } from "@git-vault/keys";
import { parseRecipient, seal, SshRecipient, type Recipient } from "@git-vault/sealing";
import {
  digestLine,
  encodeGrant,
  GRANT_NAMESPACE,
  isVoucher,
  MAC_LABEL,
  macPart,
  readGrantKey,
  signedPart,
  type GrantKey,
  type GrantStatement,
} from "./grant-file.ts";
import { grantPath } from "./read-grants.ts";
import type { Signer } from "../identities/signer.ts";

/** Whom a key is granted to. */
export interface Grantee {
  readonly holder: string;
  readonly account: string | null;
  readonly keys: readonly GrantKey[];
  /** When they first got it; now, where it is left out. */
  readonly since?: string | undefined;
}

/** Who grants, and when. */
export interface GrantedBy {
  /** Signs the grants; null where they are not signed. */
  readonly signer: (Pick<Signer, "sign"> & Partial<Pick<Signer, "publicKey">>) | null;
  /** What the signer calls themselves, such as `github:alice`; null where they tell no name. */
  readonly name: string | null;
  /** The time of it; now, where it is left out. */
  readonly now?: Date;
}

/** A git-crypt key that is granted. */
export interface GrantedKey {
  /** The key file as git-crypt stored it. */
  readonly bytes: Uint8Array;
  readonly keyFile: KeyFile;
}

/** A new grant's path and bytes. */
export async function makeGrant(
  grantee: Grantee,
  key: GrantedKey,
  by: GrantedBy,
): Promise<[path: string, content: Buffer]> {
  const message = (await seal(key.bytes, await Promise.all(grantee.keys.map(recipientOf)))).toString();
  return makeStatement(grantee, key.keyFile, message, by);
}

/**
 * The path and bytes of a statement that vouches for git-crypt's own grant to an OpenPGP key.
 * @param file what that holds
 */
export const makeVoucher = (
  grantee: Grantee,
  { keyFile }: GrantedKey,
  file: Uint8Array,
  by: GrantedBy,
): Promise<[path: string, content: Buffer]> => makeStatement(grantee, keyFile, digestLine(file), by);

async function makeStatement(
  { holder, account, keys, since }: Grantee,
  keyFile: KeyFile,
  message: string,
  by: GrantedBy,
): Promise<[path: string, content: Buffer]> {
  const keyName = keyFile.name ?? "default";
  const granted = `${(by.now ?? new Date()).toISOString().slice(0, 19)}Z`;
  const statement: GrantStatement = {
    holder,
    account,
    keys,
    keyName,
    keyId: keyId(keyFile),
    granted,
    since: since ?? granted,
    grantedBy: by.name,
  };
  const mac = keyMac(keyFile, MAC_LABEL, macPart({ statement, message })).toString("hex");
  const unsigned = { statement, message, mac };
  const signature = (await by.signer?.sign(GRANT_NAMESPACE, signedPart(unsigned))) ?? null;
  const path = grantPath(keyName, holder, randomBytes(4).toString("hex"), isVoucher(unsigned) ? "voucher" : "age");
  return [path, encodeGrant({ ...unsigned, signature })];
}

/** Which keys may be sealed to was decided before. */
const recipientOf = async ({ text }: GrantKey): Promise<Recipient> =>
  text.startsWith("age1") ? parseRecipient(text) : new SshRecipient(parsePublicKey(text), { allowWeak: true });

/** The name that a recipient holds a key by. */
export function holderOf({ name, source }: Pick<DirectoryEntry, "name" | "source">): string {
  const isPath = forgeUserOf(name) === null && !/^https?:/.test(name) && source !== "the key itself";
  const holder = isPath ? `file:${(name.split(/[/\\]/).at(-1) ?? "").replace(/\.(?:pub|keys)$/, "")}` : name;
  return holder.replaceAll(/[^\x21-\x7e]/g, "_").slice(0, 100);
}

/** Keys as a grant holds them. */
export const grantKeysOf = (entries: readonly RecipientKey[]): GrantKey[] => {
  const keys = entries.flatMap(({ key }) => {
    if (key === null) return [];
    if ("wrapFileKey" in key) return readGrantKey(String(key));
    return key.type === "openpgp" ? [] : readGrantKey(encodePublicKey({ ...key, comment: "" }));
  });
  return [...new Map(keys.map((one) => [one.fingerprint, one])).values()];
};
