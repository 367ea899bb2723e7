import { hash } from "node:crypto";
import { decodeBase64 } from "@git-vault/core";
import { MembersError } from "../errors.ts";

/*
 * What tells who a member is: accounts on a forge, by number, and public keys. A name is none of
 * these.
 */

/**
 * An account (`github.com/583231`: a forge's server in lower case and the account's number there)
 * or the id of a key.
 */
export type Identifier = string;

/** A public key, as entries hold it. */
export interface MemberKey {
  /**
   * Its one form: an SSH key's type and base64 without a comment, `age1…`, `age1name1…` of an age
   * plugin, or `openpgp` and the fingerprint of the primary key.
   */
  readonly text: string;
  /**
   * As SSH names it, or `age-x25519`, `age-hybrid`, `age-tag`, `age-tagpq`, `age-plugin-name`,
   * `openpgp`.
   */
  readonly type: string;
  /**
   * `SHA256:…` of an SSH key, as `ssh-keygen -l` prints it; the whole `age1…`; 40 upper-case
   * hexadecimal digits of an OpenPGP key.
   */
  readonly id: Identifier;
  /** Whether it can sign entries: SSH keys alone. */
  readonly signs: boolean;
}

const ACCOUNT = /^[a-z0-9.:[\]-]{1,253}\/[1-9][0-9]{0,15}$/;
const SSH_ID = /^SHA256:[A-Za-z0-9+/]{43}$/;
const AGE = /^age1(?:(?:pq|tagpq)1[02-9ac-hj-np-z]{58,4000}|tag1[02-9ac-hj-np-z]{59}|[02-9ac-hj-np-z]{58})$/;
/** By what stands between the first two ones of the text. */
const AGE_TYPES: Readonly<Record<string, string>> = { pq: "age-hybrid", tag: "age-tag", tagpq: "age-tagpq" };
/** Bech32 with a prefix that names the plugin; whether its checksum holds is not looked at. */
const PLUGIN = /^age1(?!(?:pq|tag|tagpq)1)([a-z0-9+._-]{1,64})1[02-9ac-hj-np-z]{6,4000}$/;
const OPENPGP = /^[0-9A-F]{40}$/;
/** An RSA key of 16384 bits has fewer characters. */
const LONGEST = 4096;
/** The types that sign, and how many fields each has in wire encoding after its name. */
const SSH_TYPES: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ssh-rsa", 2],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 3],
]);

/** Whether a text is an account. */
export const isAccount = (text: string): boolean => ACCOUNT.test(text);

/** Whether a text is the id of an SSH key. */
export const isSshKeyId = (text: string): boolean => SSH_ID.test(text);

/** Whether a text is the id of a key of any kind. */
export const isKeyId = (text: string): boolean =>
  SSH_ID.test(text) || AGE.test(text) || isPluginId(text) || isOpenPgpId(text);

/** Whether a text is the id of a key of an age plugin. */
export const isPluginId = (text: string): boolean => PLUGIN.test(text);

/** Whether a text is the id of an OpenPGP key. */
export const isOpenPgpId = (text: string): boolean => OPENPGP.test(text);

const malformed = (problem: string): MembersError => new MembersError("MALFORMED_KEY", `malformed key: ${problem}`);

/** A key that was read here. */
class ReadKey implements MemberKey {
  readonly text: string;
  readonly type: string;
  readonly id: Identifier;
  readonly signs: boolean;

  constructor({ text, type, id, signs }: MemberKey) {
    this.text = text;
    this.type = type;
    this.id = id;
    this.signs = signs;
  }
}

/** A key that was read here, or is now; throws MembersError `MALFORMED_KEY`. */
export const checkedKey = (key: MemberKey): MemberKey => (key instanceof ReadKey ? key : readMemberKey(key.text));

/**
 * Reads a public key as entries hold it. An SSH key may be of any type that signs, also one that no
 * message can be sealed to. Only its form is checked: whether its numbers make a sound key shows
 * when it is used.
 *
 * @throws MembersError `MALFORMED_KEY`
 */
export function readMemberKey(text: string): MemberKey {
  if (text.length > LONGEST) throw malformed(`expected at most ${LONGEST} characters, got ${text.length}`);
  if (AGE.test(text)) {
    return new ReadKey({
      text,
      type: AGE_TYPES[text.split("1", 2)[1] ?? ""] ?? "age-x25519",
      id: text,
      signs: false,
    });
  }
  const plugin = PLUGIN.exec(text)?.[1];
  if (plugin !== undefined) return new ReadKey({ text, type: `age-plugin-${plugin}`, id: text, signs: false });
  const [type = "", value = "", ...more] = text.split(" ");
  if (more.length > 0) throw malformed("expected no comment");
  if (type === "openpgp" && OPENPGP.test(value)) return new ReadKey({ text, type, id: value, signs: false });
  const fields = SSH_TYPES.get(type);
  if (fields === undefined) throw malformed("expected an SSH key that signs, age1… or openpgp and a fingerprint");
  const blob = decodeBase64(value);
  if (blob === null || !hasFields(blob, type, fields)) throw malformed(`the ${type} key is damaged`);
  const id = `SHA256:${hash("sha256", blob, "base64").replace("=", "")}`;
  return new ReadKey({ text, type, id, signs: true });
}

/** Whether a blob is a type and so many fields, each after its length (RFC 4251 section 5). */
function hasFields(blob: Buffer, type: string, count: number): boolean {
  let offset = 0;
  for (let field = 0; field <= count; field += 1) {
    if (offset + 4 > blob.length) return false;
    const end = offset + 4 + blob.readUInt32BE(offset);
    if (end > blob.length || (field === 0 && blob.toString("latin1", offset + 4, end) !== type)) return false;
    offset = end;
  }
  return offset === blob.length;
}
