/*
 * What the secret files hold, and which of it is secret indeed: they hold user names, host names
 * and switches, too.
 */
import { isUtf8 } from "node:buffer";
import { DeployError } from "../errors.ts";
import type { CheckContext } from "../findings/finding.ts";
import { documentsOf, NO_KEY, orElse } from "./reading.ts";
import type { Project } from "../project/project.ts";
import type { TrackedFile } from "../files/tree.ts";
import { formatPath, type Path } from "../values/value.ts";
import { type Position, readYaml, type Yaml } from "../values/yaml.ts";

/** A text in a secret file. */
export interface Secret {
  readonly text: string;
  readonly file: string;
  /** Empty where the file is no YAML or JSON. */
  readonly path: Path;
  readonly position: Position;
}

/** A key that a secret is kept under. */
const SENSITIVE =
  /passw(?:or)?d|passphrase|secret|token|credential|cookie|salt|(?:^|[-_.])pass$|(?:api|access|private|signing|encryption|auth|crypt|hmac|account)[-_.]?keys?|^key$|(?:^|[-_.])key$|(?:^|[-_.])auth$|webhook|dsn|connection[-_]?string/i;
/** Whether a text may have such a key at all. */
export const speaksOfSecrets = (text: string): boolean =>
  /pass|secret|token|credential|cookie|salt|key|auth|webhook|dsn|connection/i.test(text);

/**
 * A key that looks like one, and holds the name of where a secret is, or says something about it.
 */
const ABOUT =
  /(?:name|ref|path|file|url|uri|endpoint|type|class|enabled|create|ttl|expiry|expiration|duration|length|size|count|rotation|policy|version|issuer|audience|host|port|mount|key_?id|public[-_]?key|prefix|header|bucket|region|algorithm|domain|scopes?|names)$/i;

/** `hub.cookieSecret`: whether the last key of the path says that this is a secret. */
export function isSensitive(path: Path): boolean {
  const key = path.findLast((step) => typeof step === "string");
  if (typeof key !== "string") return false;
  const words = key.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2");
  return SENSITIVE.test(words) && !ABOUT.test(words.replaceAll("-", ""));
}

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

/** Whether a text looks as if it was made at random. */
export function looksRandom(text: string): boolean {
  if (text.length < 16 || text.length > 4096 || /\s/.test(text) || ADDRESS.test(text)) return false;
  if (/^[\da-f]+$/i.test(text)) return text.length >= 24 && /\d/.test(text) && entropy(text) > 3;
  const classes = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(text)).length;
  return (
    classes >= 2 &&
    /^[\w+/=.~!@#$%^&*:-]+$/.test(text) &&
    entropy(text) > 3.5 &&
    !/^[a-z]+(?:[-_.][a-z\d]+)+$/i.test(text)
  );
}

/**
 * What of a secret file's text must not be met elsewhere: the text, or the password in an address.
 * Null where that is nothing.
 */
export function hiddenPart({ text, path }: Pick<Secret, "text" | "path">): string | null {
  const trimmed = text.trim();
  const password = HAS_PASSWORD.exec(trimmed)?.[1];
  if (password !== undefined) return password;
  if (trimmed.length < 8 || PUBLIC.test(trimmed)) return null;
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
/**
 * A name, an image, a time, a schedule, numbers, or addresses one after the other: what a settings
 * file is full of.
 */
const SETTING =
  /^(?:[A-Za-z]+(?:[-_.:][A-Za-z\d]+)*|[\w.-]+(?::\d+)?(?:\/[\w.-]+)+(?::[\w.-]+)?(?:@sha256:[\da-f]+)?|[\d\s.,:;*/+TZ?-]+|[\da-f:.]+\/\d{1,3})$/;

/**
 * What of a secret layer's text must not be met elsewhere as a whole, though nothing about it looks
 * like a secret: it was put there to be kept. Null where it is short, a name or an address, or is
 * about something.
 */
export function hiddenWhole({ text, path }: Pick<Secret, "text" | "path">): string | null {
  const trimmed = text.trim();
  if (trimmed.length < SHORTEST_WHOLE || PUBLIC.test(trimmed)) return null;
  const keys = path.filter((step) => typeof step === "string").slice(-2);
  const last = keys.at(-1) ?? "";
  if (keys.some((key) => TELLING.test(key)) || (ABOUT.test(last.replaceAll("-", "")) && !isSensitive(path)))
    return null;
  return trimmed.split(/[\s,]+/).every((word) => SETTING.test(word) || ADDRESS.test(word)) && !isPhrase(trimmed)
    ? null
    : trimmed;
}

/** Words one after the other, as in a passphrase. */
const isPhrase = (text: string): boolean =>
  /^[A-Za-z]{2,}(?:[ _-]+[A-Za-z\d]{2,}){3,}[.!?]?$/.test(text) && / /.test(text);

/**
 * The texts within a text that is JSON, such as the `.dockerconfigjson` of a registry, with the
 * paths that they have then.
 */
export function* withinJson(secret: Secret): Generator<Secret> {
  if (!/^\s*[{[]/.test(secret.text)) return;
  const documents = orElse<readonly Yaml[]>(
    () => readYaml(secret.file, secret.text).documents,
    () => [],
  );
  for (const document of documents)
    for (const { text, path } of leavesOf(secret.file, document, secret.path)) yield { ...secret, text, path };
}

/** The most that a secret file may have to be searched for: 4 MiB. */
const MOST_BYTES = 4 * 1024 * 1024;

const known = new WeakMap<Project, readonly Secret[]>();

/** Every text in every secret file that can be read. They are read once for a project. */
export function secretsIn(context: CheckContext): readonly Secret[] {
  const { project, skip } = context;
  const before = known.get(project);
  if (before !== undefined) return before;
  const files = [...project.files()].filter((file) => file.secret && file.mode.startsWith("100"));
  const readable = files.filter((file) => {
    if (file.encrypted && !project.hasKey) skip(NO_KEY);
    else if (file.bytes > MOST_BYTES) skip(`what is secret in ${file.path}, which is larger than ${MOST_BYTES} bytes`);
    else return true;
    return false;
  });
  const secrets: Secret[] = [];
  for (const [file, content] of project.readAll(readable))
    if (!(content instanceof DeployError)) for (const secret of textsOf(context, file, content)) secrets.push(secret);
  known.set(project, secrets);
  return secrets;
}

function* textsOf(context: CheckContext, { path: file }: TrackedFile, content: Buffer): Generator<Secret> {
  if (!isUtf8(content)) return;
  const text = content.toString();
  if (/\.(?:ya?ml|json)$/.test(file)) {
    const documents = documentsOf(context, file, () => text);
    if (documents !== null) {
      for (const document of documents) yield* leavesOf(file, document, []);
      return;
    }
  }
  const blocks = text.includes("-----BEGIN ") ? [text] : [];
  const lines = text.split(/\r?\n/);
  for (const block of blocks) yield { text: block, file, path: [], position: { line: 1, column: 1 } };
  for (const [at, line] of lines.entries()) {
    const [, key, value] = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*["']?(.*?)["']?\s*$/.exec(line) ?? [];
    const position = { line: at + 1, column: 1 };
    if (key !== undefined && value !== undefined && value !== "") yield { text: value, file, path: [key], position };
    else if (line.trim().length >= 16) yield { text: line.trim(), file, path: [], position };
  }
}

function* leavesOf(file: string, node: Yaml, path: Path): Generator<Secret> {
  if (node.kind === "list") for (const [at, item] of node.items.entries()) yield* leavesOf(file, item, [...path, at]);
  else if (node.kind === "map")
    for (const [key, { value }] of node.entries) yield* leavesOf(file, value, [...path, key]);
  else if (typeof node.value === "string" || typeof node.value === "number")
    yield { text: typeof node.value === "string" ? node.value : node.text, file, path, position: node.position };
}

/** `hub.cookieSecret in secrets/config/prod.yaml:3`: where a secret is kept, without telling it. */
export const whereKept = ({ file, path, position }: Secret): string =>
  `${path.length === 0 ? "a line" : formatPath(path)} in ${file}:${position.line}`;
