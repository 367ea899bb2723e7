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
      for (const [field, decode] of [["data", fromBase64] as const, ["stringData", (text: string) => text] as const])
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
    let result = "";
    let at = 0;
    for (const { start, end } of this.#redactor.find(text)) {
      result += text.slice(at, start) + this.#mark(text.slice(start, end));
      at = end;
    }
    return result + text.slice(at);
  }

  /** `data` and `stringData` as one, each value hidden. */
  #maskSecret(secret: ValueMap): [string, Value][] {
    const { data: _, stringData: __, ...others } = secret;
    const data: [string, Value][] = [];
    for (const [key, value] of Object.entries(mapAt(secret, "data")))
      data.push([key, this.#mark(typeof value === "string" ? fromBase64(value) : JSON.stringify(value))]);
    for (const [key, value] of Object.entries(mapAt(secret, "stringData")))
      data.push([key, this.#mark(typeof value === "string" ? value : JSON.stringify(value))]);
    return [...Object.entries(others), ["data", Object.fromEntries(data)]];
  }

  #mark(text: string): string {
    return `[secret ${createHmac("sha256", this.#key).update(text).digest("hex").slice(0, 8)}]`;
  }
}

const isSecret = (object: ValueMap): boolean => object["kind"] === "Secret" && object["apiVersion"] === "v1";

/** Bytes that are no text stay apart from each other. */
const fromBase64 = (text: string): string => {
  const bytes = Buffer.from(text, "base64");
  const decoded = bytes.toString();
  return Buffer.from(decoded).equals(bytes) ? decoded : bytes.toString("latin1");
};
