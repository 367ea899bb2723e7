import { isPluginEntry, type DirectoryEntry, type RecipientKey } from "@git-vault/directory";
import { assertBytes, assertOneOf, encodeBase64, printable, type VaultErrorOptions } from "@git-vault/core";
import { whyUnusable } from "@git-vault/keys";
import {
  createSealer,
  OpenPgpRecipient,
  PassphraseRecipient,
  seal,
  SshRecipient,
  type AttachedSignature,
  type Format,
  type Recipient,
  type Sealer,
} from "@git-vault/sealing";
import type { PluginKey } from "@git-vault/sealing/plugins";
import { SharingError } from "../errors.ts";
import type { PluginDialog } from "../identities/plugin-process.ts";
import type { SignOptions } from "./sign-message.ts";

const STRONG_RSA_BITS = 2048;

/** A signed secret is held whole: none of it may be used before it is verified. */
export const MAX_SIGNED_BYTES: number = 16 * 1024 * 1024;

/** With whom a secret is shared, and how. */
export interface SharingOptions {
  /** The recipients, as the directory knows them. */
  readonly to: readonly DirectoryEntry[];
  /** A passphrase to seal to instead (age format): the caller's bytes to overwrite. */
  readonly passphrase?: Uint8Array | undefined;
  /**
   * `age` (the default) seals to every usable key of every recipient that is SSH's or age's,
   * `openpgp` to every one that is OpenPGP's, `ssh-vault` to one key of one recipient.
   */
  readonly format?: Format | undefined;
  /** One key of a single recipient: its number among the usable ones, or its fingerprint. */
  readonly key?: string | undefined;
  /** Write an age or OpenPGP message as text, which is the default, or in binary. */
  readonly armor?: boolean | undefined;
  /** Seal to RSA keys of 1024 to 2047 bits too, which a state may break. */
  readonly allowWeak?: boolean | undefined;
  /** Allow post-quantum keys beside others, which weakens them to the others. */
  readonly allowMixed?: boolean | undefined;
  /** The base-two logarithm of scrypt's N for a passphrase: see `PassphraseRecipient`. */
  readonly workFactor?: number | undefined;
  /** How age's plugins speak to the user, and which they named; without it none is run. */
  readonly plugins?: PluginDialog | undefined;
}

/** What is shared, with whom and how. */
export interface ShareOptions extends SharingOptions {
  /** The secret, of any bytes and any length, also none. */
  readonly secret: Uint8Array;
  /** Seal the base64 text of the secret, for receiving programs that cannot print binary. */
  readonly base64?: boolean | undefined;
  /** Sign the message: age format, to recipients, at most 16 MiB. */
  readonly sign?: SignOptions | undefined;
}

/** A key that a message was sealed to, and whose it is. */
export interface SealedKey {
  readonly recipient: string;
  readonly source: string;
  readonly entry: RecipientKey;
}

/** A recipient's key that the message does not open with, and why. */
export interface PassedOverKey extends SealedKey {
  readonly reason: string;
}

/** Whom a message is for. */
export interface Chosen {
  readonly format: Format;
  /** Empty for a message to a passphrase. */
  readonly sealedTo: readonly SealedKey[];
  readonly notSealedTo: readonly PassedOverKey[];
}

/** A sealed message, and whom it is for. */
export interface Shared extends Chosen {
  /** ASCII text, unless an age or OpenPGP message was wanted in binary. */
  readonly message: Buffer;
}

/** A message that is sealed piece by piece, and whom it is for. */
export interface Sharing extends Chosen {
  readonly sealer: Sealer;
}

/**
 * Seals a secret to recipients.
 *
 * @throws SharingError `NO_RECIPIENTS`, `NO_USABLE_KEY`, `INVALID_KEY_CHOICE`, `CANNOT_SIGN`;
 * SealingError as `seal` does; what `Signer.sign` does
 */
export async function share(options: ShareOptions): Promise<Shared> {
  const { secret, base64 = false, armor = true, allowMixed = false, sign } = options;
  assertBytes("secret", secret);
  const { recipients, ...chosen } = await chooseRecipients(options);
  const plaintext = base64 ? Buffer.from(encodeBase64(secret)) : secret;
  try {
    const signature = sign === undefined ? {} : { signature: await signed(plaintext, chosen, sign) };
    const { format } = chosen;
    return { ...chosen, message: await seal(plaintext, recipients, { format, armor, allowMixed, ...signature }) };
  } finally {
    if (base64) plaintext.fill(0);
  }
}

/**
 * Begins to seal a secret of any size to recipients, in the age format.
 *
 * @throws what `share` does; RangeError for another format
 */
export async function startSharing(options: SharingOptions): Promise<Sharing> {
  const { armor = true, allowMixed = false } = options;
  const { recipients, ...chosen } = await chooseRecipients(options);
  assertOneOf("format", chosen.format, ["age"]);
  return { ...chosen, sealer: await createSealer(recipients, { armor, allowMixed }) };
}

async function signed(
  plaintext: Uint8Array,
  { format, sealedTo }: Chosen,
  sign: SignOptions,
): Promise<AttachedSignature> {
  if (format !== "age") throw cannotSign("ssh-vault's format has no place for a signature", "seal in the age format");
  if (sealedTo.length === 0) {
    throw cannotSign("a message to a passphrase cannot be signed", "seal it to the receiver's keys instead");
  }
  if (plaintext.length > MAX_SIGNED_BYTES) {
    throw cannotSign(
      `expected at most ${MAX_SIGNED_BYTES} bytes to sign, got ${plaintext.length}`,
      "share it unsigned, or sign the file itself with `ssh-keygen -Y sign`",
    );
  }
  const recipients = sealedTo.flatMap(({ entry }) => entry.fingerprint ?? []);
  const { signPlaintext } = await import("./sign-message.ts"); // most messages are not signed
  return signPlaintext(plaintext, recipients, sign);
}

const cannotSign = (message: string, hint: string): SharingError => new SharingError("CANNOT_SIGN", message, { hint });

/** Makes a recipient of a plugin's key. */
type SealToPlugin = (key: PluginKey) => Recipient;

/** Most recipients need no plugin; null where none is needed, or run. */
async function sealToPlugins({ sealedTo }: Chosen, { plugins }: SharingOptions): Promise<SealToPlugin | null> {
  const isNeeded = sealedTo.some(({ entry: { key } }) => key !== null && "plugin" in key);
  if (!isNeeded || plugins === undefined) return null;
  const { pluginRecipient } = await import("../identities/plugin-process.ts");
  return (key) => pluginRecipient(key, plugins);
}

/** Decides what is sealed to; throws what `share` does. */
async function chooseRecipients(
  options: SharingOptions,
): Promise<Chosen & { readonly recipients: readonly Recipient[] }> {
  const { passphrase, allowWeak = false } = options;
  if (passphrase !== undefined) return toPassphrase(passphrase, options);
  const chosen = chooseKeys(options);
  const toPlugin = await sealToPlugins(chosen, options);
  return { ...chosen, recipients: chosen.sealedTo.flatMap(({ entry }) => recipientOf(entry, allowWeak, toPlugin)) };
}

/** Decides which keys of recipients are sealed to; throws what `share` does. */
export function chooseKeys(options: SharingOptions): Chosen {
  const { to, format = "age", key, allowWeak = false, plugins } = options;
  if (to.length === 0) throw new SharingError("NO_RECIPIENTS", "expected at least one recipient, got none");
  const single = to.length === 1;
  if (key !== undefined && !single) {
    throw new SharingError("INVALID_KEY_CHOICE", `a key was chosen (${shown(key)}) among ${to.length} recipients`, {
      hint: "choose a key where there is one recipient",
    });
  }
  if (format === "ssh-vault" && !single) {
    throw new SharingError("INVALID_KEY_CHOICE", `ssh-vault's format seals to one key, got ${to.length} recipients`, {
      hint: "share with one recipient at a time, or in the age format",
    });
  }

  const sealedTo: SealedKey[] = [];
  const notSealedTo: PassedOverKey[] = [];
  for (const { name: recipient, source, keys: all } of to) {
    const admitted = all.map((entry) => admitPlugin(entry, plugins?.named));
    const keys = allowWeak ? admitted.map(admitWeak) : admitted;
    const chosen = choose(recipient, keys, format, key);
    for (const entry of keys) {
      if (chosen.includes(entry)) sealedTo.push({ recipient, source, entry });
      else notSealedTo.push({ recipient, source, entry, reason: whyNot(entry, format) });
    }
  }
  return { format, sealedTo, notSealedTo };
}

function toPassphrase(
  passphrase: Uint8Array,
  { to, format = "age", workFactor }: SharingOptions,
): Chosen & { readonly recipients: readonly Recipient[] } {
  if (to.length > 0 || format !== "age") {
    throw new SharingError("INVALID_KEY_CHOICE", "a passphrase stands alone, in the age format", {
      hint: "seal one message to the passphrase, and another to the recipients",
    });
  }
  return {
    format,
    sealedTo: [],
    notSealedTo: [],
    recipients: [new PassphraseRecipient(passphrase, workFactor === undefined ? {} : { workFactor })],
  };
}

/** Whom `seal` seals to for a key: age's own are that already. */
function recipientOf({ key }: RecipientKey, allowWeak: boolean, toPlugin: SealToPlugin | null): Recipient[] {
  if (key === null) return [];
  if ("wrapFileKey" in key) return [key];
  if ("plugin" in key) return [(toPlugin ?? noPlugin)(key)];
  return key.type === "openpgp" ? [new OpenPgpRecipient(key)] : [new SshRecipient(key, { allowWeak })];
}

function noPlugin(key: PluginKey): never {
  throw new SharingError("NO_USABLE_KEY", `nothing here runs the age plugin ${key.plugin}`);
}

/** Whether a key is an RSA key that is only too short. */
const isWeak = ({ key, unusable }: RecipientKey): boolean =>
  key !== null && "bits" in key && key.bits < STRONG_RSA_BITS && unusable === whyUnusable(key);

const admitWeak = (entry: RecipientKey): RecipientKey =>
  entry.type !== "openpgp" && isWeak(entry) ? { ...entry, unusable: null } : entry;

/** A key of a plugin that stands in a file or a page, where the user named the plugin. */
const admitPlugin = (entry: RecipientKey, named: ReadonlySet<string> | undefined): RecipientKey =>
  isPluginEntry(entry) && named?.has(entry.key.plugin) === true ? { ...entry, unusable: null } : entry;

/** Whether a format knows keys of that kind. */
function isFor({ type }: RecipientKey, format: Format): boolean {
  if (format === "openpgp" || type === "openpgp") return format === type;
  return format === "age" || !type.startsWith("age-");
}

const FORMAT_KEYS: Readonly<Record<Format, string>> = {
  age: "the age format takes no OpenPGP keys: --format openpgp does",
  "ssh-vault": "ssh-vault's format takes SSH keys only",
  openpgp: "the openpgp format takes OpenPGP keys only",
};

const whyNot = (entry: RecipientKey, format: Format): string => {
  if (!isFor(entry, format)) return FORMAT_KEYS[format];
  return entry.unusable ?? "not chosen";
};

/** Which of a recipient's keys the message is sealed to. */
function choose(
  recipient: string,
  keys: readonly RecipientKey[],
  format: Format,
  key: string | undefined,
): readonly RecipientKey[] {
  const usable = keys.filter((entry) => entry.unusable === null && isFor(entry, format));
  const [first] = usable;
  if (key !== undefined && isFingerprint(key)) return [byFingerprint(recipient, keys, key, format)];
  if (first === undefined) throw noUsableKey(recipient, keys, format);
  if (key !== undefined) return [byNumber(recipient, usable, key)];
  return format === "ssh-vault" ? [first] : usable;
}

/** SSH's, age's, or OpenPGP's, of which the key ID is a part. */
const isFingerprint = (key: string): boolean =>
  /^(?:SHA256:|age1)/.test(key) || /^(?:0x)?(?:[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64})$/i.test(key);

function hasFingerprint({ fingerprint, type }: RecipientKey, wanted: string): boolean {
  if (type !== "openpgp" || fingerprint === null) return fingerprint === wanted;
  const hex = wanted.replace(/^0x/i, "").toUpperCase();
  const keyId = fingerprint.length === 40 ? fingerprint.slice(-16) : fingerprint.slice(0, 16);
  return hex === fingerprint || hex === keyId;
}

function byFingerprint(
  recipient: string,
  keys: readonly RecipientKey[],
  fingerprint: string,
  format: Format,
): RecipientKey {
  const known = keys.filter((entry) => hasFingerprint(entry, fingerprint));
  const entry = known.find(({ unusable }) => unusable === null) ?? known[0];
  if (entry === undefined) {
    throw new SharingError(
      "INVALID_KEY_CHOICE",
      `${printable(recipient)} has no key with the fingerprint ${shown(fingerprint)}`,
      { subject: printable(recipient) },
    );
  }
  if (entry.unusable !== null || !isFor(entry, format)) throw noUsableKey(recipient, [entry], format);
  return entry;
}

function byNumber(recipient: string, usable: readonly RecipientKey[], text: string): RecipientKey {
  const entry = /^[1-9]\d{0,5}$/.test(text) ? usable[Number(text) - 1] : undefined;
  if (entry === undefined) {
    throw new SharingError(
      "INVALID_KEY_CHOICE",
      `expected a key's number from 1 to ${usable.length}, or its SHA256:… fingerprint, got ${shown(text)}`,
      { subject: printable(recipient) },
    );
  }
  return entry;
}

function noUsableKey(recipient: string, keys: readonly RecipientKey[], format: Format): SharingError {
  const reasons = keys.map((entry) => `${entry.fingerprint ?? `line ${entry.line}`}: ${whyNot(entry, format)}`);
  const why = reasons.length === 0 ? "they have none at all" : reasons.join("; ");
  return new SharingError("NO_USABLE_KEY", `${printable(recipient)} has no key that can be sealed to (${why})`, {
    ...whatToAsk(keys, format),
  });
}

/** What to do instead; the subject is the other kind of key that they may have. */
function whatToAsk(keys: readonly RecipientKey[], format: Format): Pick<VaultErrorOptions, "hint" | "subject"> {
  if (format === "openpgp")
    return { subject: "SSH keys", hint: "ask them for an OpenPGP key that can encrypt, or seal to their SSH keys" };
  if (format === "age" && keys.some((entry) => entry.type === "openpgp" && entry.unusable === null)) {
    return { subject: "an OpenPGP key", hint: "seal to the OpenPGP key" };
  }
  return keys.some(isWeak)
    ? {
        subject: "a weak key",
        hint: "ask them for an ssh-ed25519 key (`ssh-keygen -t ed25519`), or seal to the weak one",
      }
    : { hint: "ask them for an ssh-ed25519 key: `ssh-keygen -t ed25519`" };
}

/** A word from the command line, made fit for a message. */
const shown = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 60);
