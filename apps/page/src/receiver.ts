import { printable, type VaultError } from "@git-vault/core";
import { encodePublicKey, KeyError, readPublicKeys } from "@git-vault/keys";
import { parseRecipient, SealingError } from "@git-vault/sealing";
import type { Account } from "./lookup.ts";
import { TEXTS } from "./texts.ts";

/** A key of the receiver, as it is listed. */
export interface ListedKey {
  /** What the worker seals to, in one line; null where nothing can be sealed to it. */
  readonly line: string | null;
  /** Such as `ssh-rsa, 3072 bits`. */
  readonly type: string;
  readonly fingerprint: string;
  readonly comment: string;
  readonly problem: string | null;
}

/** Whom a message is for. All names are fit to be shown. */
export interface Receiver {
  readonly title: string;
  readonly about: string;
  readonly avatar: string | null;
  readonly keys: readonly ListedKey[];
  /** Whether it is a key of somebody's request, which no program but that tab has. */
  readonly isOneTime: boolean;
}

/** What cannot be used as keys, said to a person. */
export class KeysError extends Error {}

const MAX_KEYS = 200;

/** The receiver that an account is. */
export function receiverOf({ forge, user, name, since, avatar, keys }: Account): Receiver {
  const named = name === null || name.trim() === "" ? [] : [TEXTS.callsItself(printable(name, { longest: 80 }))];
  return {
    // As it was asked for: the forge's capitals could look like other letters.
    title: `${forge.prefix}:${user}`,
    about: [forge.title, ...(since === null ? [] : [TEXTS.since(since)]), ...named].join(", "),
    avatar,
    keys: sshKeys(keys),
    isOneTime: false,
  };
}

/** The receiver of pasted keys: SSH keys, or age's own. Throws KeysError. */
export async function receiverOfKeys(text: string): Promise<Receiver> {
  assertFew(text);
  const lines = text
    // A field of one line joins what is pasted into it.
    .replaceAll(/(AAAA[\w+/=]{40,}[^\n]*?)[ \t]+(?=(?:ssh|ecdsa|sk)-\S+ AAAA)/g, "$1\n")
    .split("\n")
    .map((line) => line.trim());
  const own = lines.filter((line) => line.startsWith("age1"));
  const all = [
    ...(await Promise.all(own.map(ageKey))),
    ...sshKeys(lines.filter((line) => !line.startsWith("age1")).join("\n")),
  ];
  const keys = all.filter(({ line }, at) => line === null || all.findIndex((key) => key.line === line) === at);
  const isOneTime = own.length === 1 && keys.length === 1;
  return { title: isOneTime ? TEXTS.oneTimeKey : TEXTS.pastedKeys, about: "", avatar: null, keys, isOneTime };
}

async function ageKey(line: string): Promise<ListedKey> {
  try {
    const { kind } = await parseRecipient(line);
    const shown = line.length > 80 ? `${line.slice(0, 40)}…${line.slice(-20)}` : line;
    return {
      line,
      type: kind === "hybrid" ? "age, post-quantum" : "age",
      fingerprint: shown,
      comment: "",
      problem: null,
    };
  } catch (error) {
    throw asKeysError(error);
  }
}

/** Nothing is left out without a word: a key that is not listed could not open the message. */
function assertFew(text: string): void {
  if (text.split("\n", MAX_KEYS + 1).length > MAX_KEYS) throw new KeysError(TEXTS.tooManyKeys(MAX_KEYS));
}

function sshKeys(text: string): ListedKey[] {
  assertFew(text);
  try {
    return readPublicKeys(text).map(({ key, type, fingerprint, comment, unusable }) => ({
      line: key === null || unusable !== null ? null : encodePublicKey({ ...key, comment: "" }),
      type: key?.type === "ssh-rsa" ? `ssh-rsa, ${key.bits} bits` : printable(type, { longest: 60 }),
      fingerprint: fingerprint ?? "",
      comment: printable(comment, { longest: 80 }),
      problem: unusable,
    }));
  } catch (error) {
    throw asKeysError(error);
  }
}

function asKeysError(error: unknown): unknown {
  const isOurs = error instanceof KeyError || error instanceof SealingError;
  return isOurs ? new KeysError(sentence(error)) : error;
}

/** An error of our packages as a sentence, with its hint. */
export function sentence({ message, hint }: VaultError): string {
  return [message, ...(hint === undefined ? [] : [hint])]
    .map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}.`)
    .join(" ");
}
