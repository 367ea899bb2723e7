import { createHash } from "node:crypto";
import { encodePublicKey, KeyError, parsePublicKey } from "@git-vault/keys";
import { SharingError } from "../errors.ts";

/*
 * A grant: one file of text in the repository, which hands the repository's key to one holder. See
 * docs/formats.md.
 */

/** A public key that a grant is sealed to. */
export interface GrantKey {
  /**
   * As it stands in the grant: an SSH key's type and base64, `age1…`, or `openpgp` and a
   * fingerprint.
   */
  readonly text: string;
  readonly type: string;
  /**
   * `SHA256:…` of an SSH key; `age1…` is its own; of an OpenPGP key, 40 upper-case hexadecimal
   * digits of its primary key.
   */
  readonly fingerprint: string;
}

/** What a grant says in clear. Nothing of it is proven but by the signature. */
export interface GrantStatement {
  /**
   * Who was given the key: `github:choldgraf`, `ci:release`, … 1 to 200 printable ASCII characters
   * without blanks.
   */
  readonly holder: string;
  /**
   * The holder's account on GitHub by its server and number, such as `github.com/583231`; null
   * where it has none.
   */
  readonly account: string | null;
  /** At least one. */
  readonly keys: readonly GrantKey[];
  /** The name of the git-crypt key. */
  readonly keyName: string;
  /** The id of the git-crypt key. */
  readonly keyId: string;
  /** When the grant was made, in UTC to the second: `2026-11-25T02:45:17Z`. */
  readonly granted: string;
  /**
   * When the holder was first granted a key of this name, in the same form: it is kept where a
   * grant is renewed.
   */
  readonly since: string;
  /**
   * Who gave it, as they call themselves; of the same characters as `holder`. Null where it is not
   * told.
   */
  readonly grantedBy: string | null;
}

/** A grant as its file holds it. */
export interface GrantFile {
  readonly statement: GrantStatement;
  /**
   * The key file, sealed to the holder's keys: an age message in ASCII armor, with a line end after
   * its last line. In a voucher, the line that names the digest of the OpenPGP message which
   * git-crypt's own grant is.
   */
  readonly message: string;
  /**
   * 64 hexadecimal digits, which only who has the key can make: `keyMac` over all that stands
   * before it.
   */
  readonly mac: string;
  /**
   * An SSH signature over all that stands before it, with a line end after its last line; null
   * where it is not signed.
   */
  readonly signature: string | null;
}

/** What the MAC is for. */
export const MAC_LABEL = "git-vault grant";
/** The namespace of the signature. */
export const GRANT_NAMESPACE = "git-vault";
/** So many bytes a grant may have: a thousand RSA keys need less. */
export const MAX_GRANT_BYTES: number = 1024 * 1024;

const FIRST_LINE = "git-vault grant v1";
const AGE = ["-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"] as const;
const SSH = ["-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"] as const;
const NAME = /^[\x21-\x7e]{1,200}$/;
const ACCOUNT = /^[a-z0-9.:[\]-]{1,253}\/[1-9][0-9]{0,15}$/;
const KEY_ID = /^[0-9a-f]{32}$/;
const KEY_NAME = /^[A-Za-z0-9_-]{1,128}$/;
const AGE_KEY = /^age1[0-9a-z]{36,4000}$/;
const OPENPGP_KEY = /^openpgp ([0-9A-F]{40})$/;
const DIGEST_FIELD = "openpgp-message";
const DIGEST = /^sha256 [0-9a-f]{64}$/;

const malformed = (problem: string): SharingError =>
  new SharingError("MALFORMED_GRANT", `malformed grant: ${problem}`, {
    hint: "see with `git log` who changed it; grant anew with `vault grant`",
  });

/** Reads a public key as grants hold it; throws SharingError `MALFORMED_GRANT`. */
export function readGrantKey(text: string): GrantKey {
  if (AGE_KEY.test(text)) {
    return { text, type: text.startsWith("age1pq1") ? "age-hybrid" : "age-x25519", fingerprint: text };
  }
  const openPgp = OPENPGP_KEY.exec(text)?.[1];
  if (openPgp !== undefined) return openPgpGrantKey(openPgp);
  try {
    const key = parsePublicKey(text);
    if (key.comment === "" && encodePublicKey(key) === text)
      return { text, type: key.type, fingerprint: key.fingerprint };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
  }
  throw malformed("expected a public key after recipient:");
}

/**
 * An OpenPGP key as a voucher names it. @param fingerprint of its primary key: 40 upper-case
 * hexadecimal digits
 */
export const openPgpGrantKey = (fingerprint: string): GrantKey => ({
  text: `openpgp ${fingerprint}`,
  type: "openpgp",
  fingerprint,
});

/** What a voucher holds in the place of a message: the digest of the file that it vouches for. */
export const digestLine = (file: Uint8Array): string =>
  `${DIGEST_FIELD}: sha256 ${createHash("sha256").update(file).digest("hex")}\n`;

/**
 * Whether a grant is a voucher: it holds no key, and vouches for git-crypt's own grant to an
 * OpenPGP key, which does.
 */
export const isVoucher = ({ message }: Pick<GrantFile, "message">): boolean => message.startsWith(`${DIGEST_FIELD}: `);

/** Whether a text can be the name of a holder or of who granted. */
export const isHolderName = (text: string): boolean => NAME.test(text);

const isInstant = (text: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  new Date(text).toISOString() === text.replace("Z", ".000Z");

/** What the MAC of a grant is made over. */
export function macPart({ statement, message }: Pick<GrantFile, "statement" | "message">): Buffer {
  const { holder, account, keys, keyName, keyId, granted, since, grantedBy } = statement;
  const lines = [
    FIRST_LINE,
    `holder: ${holder}`,
    ...(account === null ? [] : [`account: ${account}`]),
    ...keys.map(({ text }) => `recipient: ${text}`),
    `key-name: ${keyName}`,
    `key-id: ${keyId}`,
    `granted: ${granted}`,
    `since: ${since}`,
    ...(grantedBy === null ? [] : [`granted-by: ${grantedBy}`]),
  ];
  return Buffer.from(`${lines.join("\n")}\n${message}`);
}

/** What the signature of a grant is made over. */
export const signedPart = (grant: Omit<GrantFile, "signature">): Buffer =>
  Buffer.concat([macPart(grant), Buffer.from(`mac: ${grant.mac}\n`)]);

/** The bytes of a grant's file. */
export const encodeGrant = (grant: GrantFile): Buffer =>
  Buffer.concat([signedPart(grant), Buffer.from(grant.signature ?? "")]);

function firstLineProblem(text: string): string {
  if (text === "") return "it is empty";
  if (/^git-vault grant v\d+$/m.test(text.split("\n", 1)[0] ?? "")) return "it is of another version than 1";
  return `expected "${FIRST_LINE}" on its first line`;
}

/** Takes the lines of a file one after the other. */
class Lines {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split("\n");
  }

  get isAtEnd(): boolean {
    return this.#at === this.#lines.length - 1 && this.#lines[this.#at] === "";
  }

  /**
   * The value of the next line where it is the field `name`, and keeps to `isSound`; null where it
   * is another field.
   */
  optional(name: string, isSound: (value: string) => boolean): string | null {
    const line = this.#lines[this.#at] ?? "";
    if (!line.startsWith(`${name}: `)) return null;
    const value = line.slice(name.length + 2);
    if (!isSound(value)) throw malformed(`its ${name} is not written as it must be`);
    this.#at += 1;
    return value;
  }

  required(name: string, isSound: (value: string) => boolean): string {
    const value = this.optional(name, isSound);
    if (value === null) throw malformed(`expected the field ${name} on line ${this.#at + 1}`);
    return value;
  }

  skip(): void {
    this.#at += 1;
  }

  /**
   * The block of base64 between two lines, these included; null where the next line does not begin
   * it.
   */
  block([begin, end]: readonly [string, string]): string | null {
    if (this.#lines[this.#at] !== begin) return null;
    const last = this.#lines.indexOf(end, this.#at);
    const lines = last < 0 ? [] : this.#lines.slice(this.#at, last + 1);
    if (lines.length < 3 || !lines.slice(1, -1).every((line) => /^[A-Za-z0-9+/]{1,76}={0,2}$/.test(line))) {
      throw malformed(`what follows ${begin} is no base64 up to ${end}`);
    }
    this.#at = last + 1;
    return `${lines.join("\n")}\n`;
  }
}

/**
 * Reads a grant's file. What it gives encodes to the same bytes again.
 *
 * @throws SharingError `MALFORMED_GRANT`
 */
export function parseGrant(bytes: Uint8Array): GrantFile {
  if (bytes.length > MAX_GRANT_BYTES) {
    throw malformed(`it is larger than ${MAX_GRANT_BYTES} bytes`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  if (/[^\n\x20-\x7e]/.test(text)) {
    throw malformed(text.includes("\r\n") ? "its line ends were changed" : "expected printable ASCII characters alone");
  }
  const lines = new Lines(text);
  if (!text.startsWith(`${FIRST_LINE}\n`)) throw malformed(firstLineProblem(text));
  lines.skip();
  const holder = lines.required("holder", isHolderName);
  const account = lines.optional("account", (value) => ACCOUNT.test(value));
  const keys: GrantKey[] = [];
  for (let first = true; ; first = false) {
    const key = lines[first ? "required" : "optional"]("recipient", (value) => value.length <= 8192);
    if (key === null) break;
    keys.push(readGrantKey(key));
  }
  if (new Set(keys.map(({ fingerprint }) => fingerprint)).size < keys.length) throw malformed("it names a key twice");
  const statement: GrantStatement = {
    holder,
    account,
    keys,
    keyName: lines.required("key-name", (value) => KEY_NAME.test(value)),
    keyId: lines.required("key-id", (value) => KEY_ID.test(value)),
    granted: lines.required("granted", isInstant),
    since: lines.required("since", isInstant),
    grantedBy: lines.optional("granted-by", isHolderName),
  };
  const message = messageIn(lines);
  const openPgp = keys.filter(({ type }) => type === "openpgp").length;
  if (isVoucher({ message }) ? openPgp !== 1 || keys.length > 1 : openPgp > 0) {
    throw malformed("its message is not of the kind of its recipients");
  }
  const mac = lines.required("mac", (value) => /^[0-9a-f]{64}$/.test(value));
  const signature = lines.block(SSH);
  if (!lines.isAtEnd) throw malformed("expected its end, got more lines");
  return { statement, message, mac, signature };
}

function messageIn(lines: Lines): string {
  const digest = lines.optional(DIGEST_FIELD, (value) => DIGEST.test(value));
  const message = digest === null ? lines.block(AGE) : `${DIGEST_FIELD}: ${digest}\n`;
  if (message === null) throw malformed("expected an age message after its fields");
  return message;
}

/**
 * A holder's name as it can stand in a file's name: `github-choldgraf`. Different holders may share
 * one.
 */
export function holderSlug(holder: string): string {
  const slug = holder
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/\.{2,}/g, ".")
    .replaceAll(/^[.-]+|[.-]+$/g, "")
    .slice(0, 64);
  return slug === "" ? "holder" : slug;
}
