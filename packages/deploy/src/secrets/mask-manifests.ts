import { createHmac, randomBytes } from "node:crypto";
import { type Redactor, redactorFor } from "./redactor.ts";
import { looksSecret } from "./sensitive.ts";
import { differingPart, differingParts, type Twin, twinAt } from "./twins.ts";
import { isMap, mapAt, type Value, type ValueMap } from "../values/value.ts";

/** What a Secret holds that is shorter is as likely an ordinary word that stands elsewhere, too. */
const SHORTEST_SECRET_DATA = 8;

/**
 * Hides what is secret in Kubernetes objects: all that a Secret holds, and known secrets wherever
 * they stand. In its place stands `[secret 1a2b3c4d]`, a digest with a key that is made for this
 * object and kept nowhere: it tells whether two are the same, and nothing else.
 */
export class ManifestMask {
  readonly #key = randomBytes(32);
  readonly #redactor: Redactor;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /**
   * Learns what a Secret holds, as far as it is not in its twin: do so before showing any object.
   */
  add(object: Value, twin: Twin): void {
    if (Array.isArray(object)) for (const [at, item] of object.entries()) this.add(item, twinAt(twin, at));
    if (!isMap(object)) return;
    if (isSecret(object)) {
      for (const [field, decode] of FIELDS)
        for (const [key, text] of Object.entries(mapAt(object, field)))
          for (const part of typeof text === "string"
            ? partsOfSecret(text, twinAt(twinAt(twin, field), key), decode)
            : [])
            if (part.length >= SHORTEST_SECRET_DATA)
              this.#redactor.add(part, "a Secret", { sure: looksSecret({ text: part, path: [key] }) });
    } else if (Array.isArray(object["items"])) this.add(object["items"], twinAt(twin, "items"));
  }

  /**
   * The object, to be shown: what differs from its twin is hidden, too.
   */
  mask(object: Value, twin: Twin = "same"): Value {
    if (typeof object === "string") return this.#maskLines(object, twin);
    if (typeof object === "object" && object !== null && hasOtherShape(object, twin))
      return this.#mark(JSON.stringify(object));
    if (Array.isArray(object)) return object.map((item, at) => this.mask(item, twinAt(twin, at)));
    if (!isMap(object)) return this.#maskScalar(object, twin);
    const hidden = isSecret(object) ? this.#maskSecret(object) : null;
    const entries = Object.entries(hidden ?? object).map(([key, value]): [string, Value] => {
      const inner = twinAt(twin, key);
      // What a Secret holds is hidden already, and its keys may be shown as far as the twin has
      // them.
      const isHidden = hidden !== null && key === "data";
      if (inner === "none" && !(isHidden && hasData(twin))) return [this.#mark(key), this.mask(value, "none")];
      return [this.maskText(key, twin), isHidden ? value : this.mask(value, inner)];
    });
    return Object.fromEntries(entries);
  }

  /** A name of an object, or another text of it, as the object shows it. */
  maskName(text: string, twin: Twin): string {
    return text === "" ? text : this.#maskLines(text, twin);
  }

  #maskScalar(value: null | boolean | number, twin: Twin): Value {
    if (twin !== "same" && (twin === "none" || twin.value !== value)) return this.#mark(String(value));
    const text = String(value);
    return typeof value === "number" && this.maskText(text, twin) !== text ? this.maskText(text, twin) : value;
  }

  /** Line by line, where the twin has as many. */
  #maskLines(text: string, twin: Twin): string {
    if (twin === "same" || (twin !== "none" && twin.value === text)) return this.maskText(text, twin);
    const [own, others] = [
      text.split("\n"),
      twin !== "none" && typeof twin.value === "string" ? twin.value.split("\n") : [],
    ];
    if (own.length !== others.length) return this.#mark(text);
    return own.map((line, at) => this.#maskLine(line, others[at] ?? "")).join("\n");
  }

  /** Of a line, what stands before and after all that differs; words stay whole. */
  #maskLine(line: string, other: string): string {
    const twin = { value: other };
    if (line === other) return this.maskText(line, twin);
    const { start, end } = differingPart(line, other);
    const [head, tail] = [line.slice(0, start), line.slice(end)];
    return this.maskText(head, twin) + this.#mark(line.slice(start, end)) + this.maskText(tail, twin);
  }

  /**
   * The text, which its twin has as well, with a digest in place of every known secret.
   */
  maskText(text: string, twin: Twin = "same"): string {
    // What stands in both renderings depends on no secret: it is hidden if it surely is one.
    return redactorFor(this.#redactor, typeof twin !== "string").redact(text, (secret) => this.#mark(secret));
  }

  /** `data` and `stringData` as one, each value hidden. */
  #maskSecret(secret: ValueMap): ValueMap {
    const { data: _, stringData: __, ...others } = secret;
    const data = FIELDS.flatMap(([field, decode]) =>
      Object.entries(mapAt(secret, field)).map(([key, value]): [string, Value] => [
        key,
        this.#mark(typeof value === "string" ? decode(value) : JSON.stringify(value)),
      ]),
    );
    return { ...others, data: Object.fromEntries(data) };
  }

  #mark(text: string): string {
    return `[secret ${createHmac("sha256", this.#key).update(text).digest("hex").slice(0, 8)}]`;
  }
}

/** Whether a list or map has no twin of its kind, or a list one of another length. */
function hasOtherShape(object: Value[] | ValueMap, twin: Twin): boolean {
  if (twin === "same") return false;
  if (twin === "none") return true;
  return Array.isArray(object) ? !Array.isArray(twin.value) || twin.value.length !== object.length : !isMap(twin.value);
}

const hasData = (twin: Twin): boolean => twinAt(twin, "data") !== "none" || twinAt(twin, "stringData") !== "none";

/** What of a Secret's text is not in its twin. */
const partsOfSecret = (text: string, twin: Twin, decode: (text: string) => string): Iterable<string> =>
  differingParts(
    decode(text),
    typeof twin !== "string" && typeof twin.value === "string" ? { value: decode(twin.value) } : twin,
  );

/** The fields in which a Secret holds texts, and how each is read. */
const FIELDS = [["data", (text: string) => fromBase64(text)] as const, ["stringData", (text: string) => text] as const];

const isSecret = (object: ValueMap): boolean => object["kind"] === "Secret" && object["apiVersion"] === "v1";

/** Bytes that are no text stay apart from each other. */
const fromBase64 = (text: string): string => {
  const bytes = Buffer.from(text, "base64");
  const decoded = bytes.toString();
  return Buffer.from(decoded).equals(bytes) ? decoded : bytes.toString("latin1");
};
