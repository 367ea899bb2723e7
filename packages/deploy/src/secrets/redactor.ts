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

/**
 * Knows secrets in the forms that they take in the output of programs: as they are, each line of
 * those that have several, in JSON and in YAML's quotes, in URLs, and in base64, also as a part of
 * something longer. Those of less than 4 characters are not known.
 */
export class Redactor<T = unknown> {
  /** By their first four characters, the longest first. */
  readonly #forms = new Map<string, { readonly form: string; readonly of: T }[]>();
  readonly #known = new Set<string>();
  /** The sums of four characters that forms begin with: a quick way to skip most text. */
  readonly #starts = new Uint8Array(0x1_0000);

  /** @param known what this one knows, too */
  constructor(known?: Redactor<T>) {
    if (known === undefined) return;
    for (const [start, forms] of known.#forms) this.#forms.set(start, [...forms]);
    for (const form of known.#known) this.#known.add(form);
    this.#starts.set(known.#starts);
  }

  /** Makes a secret known: each of its lines, too, unless told otherwise. */
  add(secret: string, of: T, { lines = true }: { readonly lines?: boolean } = {}): void {
    for (const form of formsOf(secret, lines)) {
      if (this.#known.has(form)) continue;
      this.#known.add(form);
      const start = form.slice(0, SHORTEST);
      this.#starts[sumAt(form, 0)] = 1;
      const forms = this.#forms.get(start) ?? [];
      const at = forms.findIndex((other) => other.form.length < form.length);
      forms.splice(at === -1 ? forms.length : at, 0, { form, of });
      this.#forms.set(start, forms);
    }
  }

  /** Every secret in a text, the longest at each place, none within another. */
  *find(text: string): Generator<Match<T>> {
    if (this.#forms.size === 0) return;
    for (let start = 0; start + SHORTEST <= text.length; start += 1) {
      if (this.#starts[sumAt(text, start)] === 0) continue;
      const forms = this.#forms.get(text.slice(start, start + SHORTEST));
      const found = forms?.find(({ form }) => text.startsWith(form, start));
      if (found === undefined) continue;
      const end = start + found.form.length;
      yield { of: found.of, start, end };
      start = end - 1;
    }
  }

  /** The text with `[secret]`, or what `shown` makes of it, for every secret in it. */
  redact(text: string, shown: (secret: string) => string = () => REDACTED): string {
    let result = "";
    let at = 0;
    for (const { start, end } of this.find(text)) {
      result += text.slice(at, start) + shown(text.slice(start, end));
      at = end;
    }
    return result + text.slice(at);
  }
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
