import { createHmac, randomBytes } from "node:crypto";
import type { Redactor } from "./redactor.ts";
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

  /** Learns what Secrets among the objects hold: do so before showing any object. */
  add(object: Value): void {
    if (Array.isArray(object)) for (const item of object) this.add(item);
    if (!isMap(object)) return;
    if (isSecret(object)) {
      for (const [field, decode] of FIELDS)
        for (const text of Object.values(mapAt(object, field)))
          if (typeof text === "string" && decode(text).length >= SHORTEST_SECRET_DATA)
            this.#redactor.add(decode(text), "a Secret");
    } else if (Array.isArray(object["items"])) this.add(object["items"]);
  }

  /** The object, to be shown. */
  mask(object: Value): Value {
    if (typeof object === "string") return this.maskText(object);
    if (typeof object === "number") {
      const text = String(object);
      const shown = this.maskText(text);
      return shown === text ? object : shown;
    }
    if (Array.isArray(object)) return object.map((item) => this.mask(item));
    if (!isMap(object)) return object;
    const entries = isSecret(object) ? this.#maskSecret(object) : Object.entries(object);
    return Object.fromEntries(entries.map(([key, value]) => [this.maskText(key), this.mask(value)]));
  }

  /** The text with a digest in place of every known secret. */
  maskText(text: string): string {
    return this.#redactor.redact(text, (secret) => this.#mark(secret));
  }

  /** `data` and `stringData` as one, each value hidden. */
  #maskSecret(secret: ValueMap): [string, Value][] {
    const { data: _, stringData: __, ...others } = secret;
    const data = FIELDS.flatMap(([field, decode]) =>
      Object.entries(mapAt(secret, field)).map(([key, value]): [string, Value] => [
        key,
        this.#mark(typeof value === "string" ? decode(value) : JSON.stringify(value)),
      ]),
    );
    return [...Object.entries(others), ["data", Object.fromEntries(data)]];
  }

  #mark(text: string): string {
    return `[secret ${createHmac("sha256", this.#key).update(text).digest("hex").slice(0, 8)}]`;
  }
}

/** The fields in which a Secret holds texts, and how each is read. */
const FIELDS = [["data", (text: string) => fromBase64(text)] as const, ["stringData", (text: string) => text] as const];

const isSecret = (object: ValueMap): boolean => object["kind"] === "Secret" && object["apiVersion"] === "v1";

/** Bytes that are no text stay apart from each other. */
const fromBase64 = (text: string): string => {
  const bytes = Buffer.from(text, "base64");
  const decoded = bytes.toString();
  return Buffer.from(decoded).equals(bytes) ? decoded : bytes.toString("latin1");
};
