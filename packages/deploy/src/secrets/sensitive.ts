/*
 * What looks like a secret. Secret files hold user names, host names and switches, too.
 */
import type { Path } from "../values/value.ts";

/** A text, and the keys that lead to it; none where it stands alone. */
export interface SecretText {
  readonly text: string;
  readonly path: Path;
}

/** A key that a secret is kept under. */
const SENSITIVE =
  /passw(?:or)?d|passphrase|secret|token|credential|cookie|salt|(?:^|[-_.])pass$|(?:api|access|private|signing|encryption|auth|crypt|hmac|account)[-_.]?keys?|^key$|(?:^|[-_.])key$|(?:^|[-_.])auth$|webhook|dsn|connection[-_]?string/i;
/** Whether a text may have such a key at all. */
export const speaksOfSecrets = (text: string): boolean =>
  /pass|secret|token|credential|cookie|salt|key|auth|webhook|dsn|connection/i.test(text);

/** A key that sounds secret but names where a secret is, or describes one. */
const ABOUT =
  /(?:name|ref|path|file|url|uri|endpoint|type|class|enabled|create|ttl|expiry|expiration|duration|length|size|count|rotation|policy|version|issuer|audience|host|port|mount|key_?id|public[-_]?key|prefix|header|bucket|region|algorithm|domain|scopes?|names)$/i;

/** What holds a `key` that is a name: of an entry of a Secret, of a label, of a taint. */
const NAMES_KEY = /(?:ref|selector|tolerations|taints|match_?expressions|match_?labels)$/i;
/** What encrypts keeps its ciphertext there: `SealedSecret`. */
const CIPHERTEXTS = "encryptedData";

/** `hub.cookieSecret`: whether the last key of the path says that this is a secret. */
export function isSensitive(path: Path): boolean {
  const [key, above] = path.filter((step) => typeof step === "string").toReversed();
  if (key === undefined || path.includes(CIPHERTEXTS)) return false;
  if (/^key$/i.test(key) && above !== undefined && NAMES_KEY.test(above)) return false;
  const words = key.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2");
  return SENSITIVE.test(words) && !ABOUT.test(words.replaceAll("-", ""));
}

/** Ciphertext: a value of sops, a message of age or OpenPGP, a file of ansible-vault. */
const CIPHERTEXT =
  /^(?:ENC\[AES256_GCM,data:[^\]]*\]$|-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----|\$ANSIBLE_VAULT;)/;

/** Whether a text is encrypted itself, and tells nothing to who has no key. */
export const isEncryptedText = (text: string): boolean => CIPHERTEXT.test(text.trim());

/** Public by its nature. */
const PUBLIC =
  /^-----BEGIN (?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)-----|^LS0tLS1CRUdJTiBD|^(?:ssh-(?:rsa|ed25519)|ecdsa-\S+|age1\S+) ?|^SHA256:|^sha256:/;
const ADDRESS =
  /^(?:[a-z][a-z\d+.-]*:\/\/[^\s:@/]+(?::\d+)?(?:\/\S*)?|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[\w-]+(?:\.[\w-]+)+(?::\d+)?|\/?[\w.-]+(?:\/[\w.-]+)+|[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:\/[\w.-]+)+(?::[\w.-]+)?(?:@sha256:[\da-f]+)?)$/;
const HAS_PASSWORD = /^[a-z][a-z\d+.-]*:\/\/[^\s:@/]*:([^\s@/]{6,})@/i;

/** How many bits a character of the text carries, by how often each is there. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** `resticRepoPassword`: a name of words, of four letters on average and more. */
function isName(text: string): boolean {
  const words = /^[A-Za-z][a-z]+(?:[A-Z][a-z]+)+$/.test(text) ? text.split(/(?=[A-Z])/) : [];
  return text.length >= 4 * words.length && words.length > 0;
}

/** Whether a text looks as if it was made at random. */
export function looksRandom(text: string): boolean {
  if (text.length < 16 || text.length > 4096 || /\s/.test(text) || ADDRESS.test(text)) return false;
  if (isEncryptedText(text) || isName(text)) return false;
  if (/^[\da-f]+$/i.test(text)) return text.length >= 24 && /\d/.test(text) && entropy(text) > 3;
  const classes = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(text)).length;
  return (
    classes >= 2 &&
    /^[\w+/=.~!@#$%^&*:-]+$/.test(text) &&
    entropy(text) > 3.5 &&
    !/^[a-z]+\d{0,2}(?:[-_.][a-z\d]+)+$/i.test(text)
  );
}

/** What must not appear elsewhere: the text, or an address's password; else null. */
export function hiddenPart({ text, path }: SecretText): string | null {
  const trimmed = text.trim();
  const password = HAS_PASSWORD.exec(trimmed)?.[1];
  if (password !== undefined) return password;
  if (trimmed.length < 8 || PUBLIC.test(trimmed) || isEncryptedText(trimmed)) return null;
  if (looksRandom(trimmed) || /^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(trimmed)) return trimmed;
  // A word under a telling key may be one that is met anywhere.
  if (!isSensitive(path) || ADDRESS.test(trimmed)) return null;
  return trimmed.length >= 12 || /[^a-z]/.test(trimmed) ? trimmed : null;
}

/** A text that is the whole of a value, and shorter than this, may be met anywhere. */
const SHORTEST_WHOLE = 12;
/** A key whose value is told to people or says where something is, whatever layer it stands in. */
const TELLING =
  /(?:title|description|message|comment|notes?|labels?|annotations?|announcement|banner|organi[sz]ation|company|location|schedule|time-?zone|locale|image|repository|tag|selectors?|affinity|tolerations?|origins?|cidrs?|ranges?|ips?|args?|command)$/i;
/** A name, image, time, schedule, numbers or addresses: what settings files are full of. */
const SETTING =
  /^(?:[A-Za-z]+(?:[-_.:][A-Za-z\d]+)*|[\w.-]+(?::\d+)?(?:\/[\w.-]+)+(?::[\w.-]+)?(?:@sha256:[\da-f]+)?|[\d\s.,:;*/+TZ?-]+|[\da-f:.]+\/\d{1,3})$/;

/**
 * What of a secret layer's text must not be met elsewhere as a whole, though nothing about it looks
 * like a secret: it was put there to be kept. Null where it is short, a name or an address, or is
 * about something.
 */
export function hiddenWhole({ text, path }: SecretText): string | null {
  const trimmed = text.trim();
  if (trimmed.length < SHORTEST_WHOLE || PUBLIC.test(trimmed) || isEncryptedText(trimmed)) return null;
  const keys = path.filter((step) => typeof step === "string").slice(-2);
  const last = keys.at(-1) ?? "";
  if (keys.some((key) => TELLING.test(key)) || (ABOUT.test(last.replaceAll("-", "")) && !isSensitive(path)))
    return null;
  return trimmed.split(/[\s,]+/).every((word) => SETTING.test(word) || ADDRESS.test(word)) && !isPhrase(trimmed)
    ? null
    : trimmed;
}

/** Whether a text of a secret layer is a secret wherever it stands, and no ordinary word. */
export const looksSecret = (secret: SecretText): boolean => hiddenPart(secret) !== null || hiddenWhole(secret) !== null;

/** Words one after the other, as in a passphrase. */
const isPhrase = (text: string): boolean =>
  /^[A-Za-z]{2,}(?:[ _-]+[A-Za-z\d]{2,}){3,}[.!?]?$/.test(text) && / /.test(text);

/** Whether no certificate can be had for a host, and nobody outside reaches it (RFC 2606, 6762). */
export const isReservedHost = (host: string): boolean =>
  /(?:^|\.)(?:example|test|invalid|local|localhost)\.?$/i.test(host);

/** Whether a host is one of documents and tests, and nobody's. */
export const isExampleHost = (host: string): boolean =>
  isReservedHost(host) || /(?:^|\.)example\.(?:com|net|org|edu)\.?$/i.test(host);

const PLACEHOLDER =
  /^(?:(?:please[-_ ]?)?(?:change|replace|fill|set|insert|edit)[-_ ]?(?:me|this|it|in)(?:[-_ !.].*)?|to[-_ ]?do(?:[-_ :].*)?|tbd|fix[-_ ]?me|placeholder|dummy|example|sample|your[-_ ].*|<[^<>]*>|\{\{.*\}\}|\$\{.*\}|x{3,}|\*{3,}|\.{3,}|\[(?:secret|redacted)\]|redacted|none|null|nil|undefined|secret|password|passwd|token|api[-_]?key)$/i;

/** Whether a text only stands in for another, or is empty. */
export const isPlaceholder = (text: string): boolean => text.trim() === "" || PLACEHOLDER.test(text.trim());
