/*
 * The values of sops: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, each encrypted by AES-256-GCM
 * with the keys that lead to it as additional data.
 */
import { createDecipheriv } from "node:crypto";
import { decodeBase64 } from "@git-vault/core";

/** A decrypted value: what it is, and its bytes as sops hashes them. */
export interface Plain {
  /** A comment stands in lists, and is no item of them. */
  readonly value: string | number | boolean | { readonly comment: string };
  readonly bytes: string | Buffer;
}

/** No part holds what divides them: a text is read in one pass, no matter who wrote it. */
const FORM = /^ENC\[AES256_GCM,data:([^,]*),iv:([^,]*),tag:([^,]*),type:([^,\]]*)\]$/;
const TAG_BYTES = 16;
/** How long the way to a value may be, in characters: it is gone through for each value. */
const LONGEST_WAY = 4096;

/** Whether a text has the form of an encrypted value. */
export const isCiphertext = (text: string): boolean => FORM.test(text);

/** Whether it says that it is a comment. */
export const isComment = (text: string): boolean => FORM.exec(text)?.[4] === "comment";

/** Decrypts one value; null where it is none, was changed, or belongs elsewhere. */
export function decrypt(text: string, key: Buffer, path: readonly string[]): Plain | null {
  if (text !== "" && !isCiphertext(text)) return null;
  const isLong = path.reduce((length, step) => length + step.length, path.length) > LONGEST_WAY;
  return isLong ? null : open(text, key, `${path.join(":")}:`);
}

/** Decrypts the MAC, which is bound to the time of the last change. */
export function decryptMac(text: string, key: Buffer, lastModified: string): string | null {
  const plain = open(text, key, lastModified);
  return typeof plain?.value === "string" ? plain.value : null;
}

function open(text: string, key: Buffer, additional: string): Plain | null {
  if (text === "") return { value: "", bytes: "" };
  const [, data = "", iv = "", tag = "", type = ""] = FORM.exec(text) ?? [];
  const [ciphertext, nonce, mac] = [data, iv, tag].map((part) => decodeBase64(part));
  if (!ciphertext || !nonce?.length || mac?.length !== TAG_BYTES) return null;
  try {
    const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(additional));
    cipher.setAuthTag(mac);
    const plaintext = Buffer.concat([cipher.update(ciphertext), cipher.final()]);
    return typed(plaintext, type);
  } catch {
    return null;
  }
}

function typed(plaintext: Buffer, type: string): Plain | null {
  const text = plaintext.toString();
  switch (type) {
    case "str":
    case "bytes":
    case "time":
      return { value: text, bytes: plaintext };
    case "comment":
      return { value: { comment: text }, bytes: "" };
    case "int":
      return /^-?\d+$/.test(text) ? { value: Number(text), bytes: BigInt(text).toString() } : null;
    case "float":
      return Number.isFinite(Number(text)) && text !== ""
        ? { value: Number(text), bytes: floatText(Number(text)) }
        : null;
    case "bool":
      return /^(?:1|t|T|true|True|TRUE|0|f|F|false|False|FALSE)$/.test(text)
        ? { value: /^[1tT]/.test(text), bytes: boolText(/^[1tT]/.test(text)) }
        : null;
    default:
      return null;
  }
}

/** As sops hashes a switch. */
export const boolText = (value: boolean): string => (value ? "True" : "False");

/** As Go writes a number without an exponent, and with no more digits than it needs. */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d)(?:\.(\d+))?$/.exec(mantissa) ?? [];
  const [digits, power] = [whole + fraction, Number(exponent)];
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
  const padded = digits.padEnd(power + 1, "0");
  const rest = padded.slice(power + 1);
  return sign + padded.slice(0, power + 1) + (rest === "" ? "" : `.${rest}`);
}
