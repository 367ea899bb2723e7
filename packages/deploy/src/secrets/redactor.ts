import { remember } from "../remember.ts";

/** What stands where a secret stood. */
const REDACTED = "[secret]";
/** What is shorter cannot be told from ordinary text. */
const SHORTEST = 4;
/** A line of a longer secret that is shorter says little, and is likely to be met elsewhere. */
const SHORTEST_LINE = 8;

/** A secret that was found in a text. */
export interface Match<T> {
  /** What the redactor was told with the secret. */
  readonly of: T;
  /** Where it begins and ends in the text. */
  readonly start: number;
  readonly end: number;
}

/** What is known of a form. */
interface Known {
  readonly of: unknown;
  /** Whether it is a secret wherever it stands. */
  readonly sure: boolean;
}

/** Forms that begin with the same characters. */
interface Bucket {
  readonly of: Map<string, Known>;
  /** Null once one was added. */
  sorted: Sorted | null;
}

/**
 * Knows secrets in the forms that they take in the output of programs: as they are, each line of
 * those that have several, in JSON and in YAML's quotes, in URLs, and in base64, also as a part of
 * something longer. Those of less than 4 characters are not known.
 */
export class Redactor<T = unknown> {
  /** By their first four characters. */
  readonly #buckets = new Map<string, Bucket>();
  /** The sums of four characters that forms begin with: a quick way to skip most text. */
  readonly #starts = new Uint8Array(0x1_0000);
  /** Undefined once something was added. */
  #sure: Redactor<T> | undefined;

  /**
   * @param known what this one knows, too
   * @param sureOnly but for what may as well be an ordinary word
   */
  constructor(known?: Redactor<T>, { sureOnly = false }: { readonly sureOnly?: boolean } = {}) {
    if (known === undefined) return;
    for (const [start, { of, sorted }] of known.#buckets) {
      const kept = sureOnly ? [...of].filter(([, { sure }]) => sure) : [...of];
      const isWhole = kept.length === of.size;
      if (kept.length > 0) this.#buckets.set(start, { of: new Map(kept), sorted: isWhole ? sorted : null });
    }
    this.#starts.set(known.#starts);
  }

  /** Knows what this one does, but for what may as well be an ordinary word. */
  get sure(): Redactor<T> {
    return (this.#sure ??= new Redactor(this, { sureOnly: true }));
  }

  /**
   * Makes a secret known: each of its lines, too, unless told otherwise. One that is not `sure` may
   * as well be an ordinary word, such as a user's name.
   */
  add(
    secret: string,
    of: T,
    { lines = true, sure = true }: { readonly lines?: boolean; readonly sure?: boolean } = {},
  ): void {
    for (const form of formsOf(secret, lines)) {
      const bucket = remember(this.#buckets, form.slice(0, SHORTEST), (): Bucket => ({ of: new Map(), sorted: null }));
      const known = bucket.of.get(form);
      if (known !== undefined) {
        if (!sure || known.sure) continue;
        bucket.of.set(form, { ...known, sure });
        this.#sure = undefined;
        continue;
      }
      this.#sure = undefined;
      this.#starts[sumAt(form, 0)] = 1;
      bucket.of.set(form, { of, sure });
      bucket.sorted = null;
    }
  }

  /**
   * Every secret in a text, the longest at each place, in the order of where they begin. They may
   * overlap; none lies within one before it.
   */
  *find(text: string): Generator<Match<T>> {
    if (this.#buckets.size === 0) return;
    let end = 0;
    for (let start = 0; start + SHORTEST <= text.length; start += 1) {
      if (this.#starts[sumAt(text, start)] === 0) continue;
      const bucket = this.#buckets.get(text.slice(start, start + SHORTEST));
      if (bucket === undefined) continue;
      const form = longestAt((bucket.sorted ??= inOrder(bucket.of.keys())), text, start);
      if (form === null || start + form.length <= end) continue;
      end = start + form.length;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `add` put it there
      yield { of: bucket.of.get(form)?.of as T, start, end };
    }
  }

  /**
   * The text with `[secret]`, or what `shown` makes of it, for every secret in it; those that
   * overlap are one.
   */
  redact(text: string, shown: (secret: string) => string = () => REDACTED): string {
    let result = "";
    let [from, to, at] = [0, 0, 0];
    const hide = (): void => {
      if (to > from) result += text.slice(at, from) + shown(text.slice(from, to));
      at = Math.max(at, to);
    };
    for (const { start, end } of this.find(text)) {
      if (start >= to) {
        hide();
        from = start;
      }
      to = end;
    }
    hide();
    return result + text.slice(at);
  }
}

/** What takes secrets out of a text: where that depends on none, only what surely is one. */
export const redactorFor = (redactor: Redactor, plain: boolean): Redactor => (plain ? redactor.sure : redactor);

/** Forms in order, so that those which a text begins with are found by halving. */
interface Sorted {
  readonly forms: readonly string[];
  /** For each, the longest other one that it begins with; -1 for none. */
  readonly within: readonly number[];
  readonly longest: number;
}

function inOrder(all: Iterable<string>): Sorted {
  const forms = [...all].toSorted((a, b) => (a < b ? -1 : 1));
  const within: number[] = [];
  let longest = 0;
  for (const [at, form] of forms.entries()) {
    let above = at - 1;
    while (above >= 0 && !form.startsWith(forms[above] ?? "")) above = within[above] ?? -1;
    within.push(above);
    longest = Math.max(longest, form.length);
  }
  return { forms, within, longest };
}

/** The longest form that a text has at a place; null for none. */
function longestAt({ forms, within, longest }: Sorted, text: string, start: number): string | null {
  const here = text.slice(start, start + longest);
  let [low, high] = [0, forms.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((forms[middle] ?? "") <= here) low = middle + 1;
    else high = middle;
  }
  // Whatever the text begins with, the last form that does not come after it begins with, too.
  let at = low - 1;
  const shared = sharedLength(forms[at] ?? "", here);
  while (at >= 0 && (forms[at]?.length ?? 0) > shared) at = within[at] ?? -1;
  return forms[at] ?? null;
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}

/** A number of 16 bits for the four characters at a place. */
const sumAt = (text: string, at: number): number =>
  (text.charCodeAt(at) ^
    (text.charCodeAt(at + 1) << 3) ^
    (text.charCodeAt(at + 2) << 6) ^
    (text.charCodeAt(at + 3) << 9)) &
  0xffff;

function formsOf(secret: string, withLines: boolean): Set<string> {
  const lines = (withLines ? secret.split(/\r?\n/) : [])
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_LINE);
  const forms = new Set([secret, secret.trim(), ...lines].flatMap(escapedForms));
  if (LARGE_NUMBER.test(secret)) forms.add(goFloat(Number(secret)));
  // Also of JSON that holds it, as `toJson | b64enc` makes of a map.
  for (const part of new Set([secret, secret.trim(), ...jsonForms(secret)]))
    for (const form of base64Forms(Buffer.from(part))) forms.add(form);
  return new Set([...forms].filter((form) => form.length >= SHORTEST));
}

/** Helm's templates print numbers as floats, with an exponent from a million on. */
const LARGE_NUMBER = /^-?\d{7,}(?:\.\d+)?$/;

/** As Go's `%v` prints a large float: `1.23456789e+08`. */
const goFloat = (value: number): string => value.toExponential().replace(/e\+(\d)$/, "e+0$1");

/** In JSON, without the quotes: plain, without signs of HTML, and in ASCII. */
function jsonForms(text: string): [json: string, html: string, ascii: string] {
  const json = JSON.stringify(text).slice(1, -1);
  // As Go's encoding/json writes it.
  const html = json.replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
  const ascii = json.replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [json, html, ascii];
}

function escapedForms(text: string): string[] {
  const url = encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "\ufffd"));
  const form = url.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return [
    text,
    ...jsonForms(text),
    url,
    form,
    url.replaceAll("%20", "+"),
    form.replaceAll("%20", "+"),
    text.replaceAll("'", "''"),
  ];
}

/** Base64 of the bytes, alone and at each of the three offsets inside longer data. */
function base64Forms(bytes: Buffer): string[] {
  const whole = bytes.toString("base64");
  const inner = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The first and last characters mix with the neighbours' bits.
    const first = offset === 0 ? 0 : offset + 1;
    return text.slice(first, Math.floor(((bytes.length + offset) * 8) / 6));
  });
  const forms = [whole, whole.replace(/=+$/, ""), ...inner].filter((form) => form.length >= SHORTEST_LINE);
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
