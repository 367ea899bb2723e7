/*
 * Stand-ins for secrets: of the same shape, so that charts take them, and different in every
 * character that tells something. What a rendering shows that does not change with them depends on
 * no secret.
 */
import { createHmac, randomBytes } from "node:crypto";
import { remember } from "../remember.ts";
import { isMap, readJson, type Value } from "../values/value.ts";

/** Lines but the frame of PEM, and its headers that say how a key is encrypted. */
const WITHIN_PEM =
  /^(?!-----(?:BEGIN|END) [A-Z\d ]{1,40}-----\s*$|Proc-Type: 4,ENCRYPTED\s*$|DEK-Info: [A-Z\d-]+,[\dA-F]+\s*$).+$/gm;

/** A line with the key that it may begin with: `=` at a line's end is base64's, and no key's. */
const KEY_AND_REST = /^(\s*(?:- )?[\w."-]+\s*(?::(?=\s|$)|=(?!=*\s*$)))?(.*)$/gm;

/** Gives each secret its stand-in: within one run, the same one for the same secret. */
export class StandIns {
  readonly #key: Buffer;
  /** Whether no character of a stand-in depends on the one in its place, but for its kind. */
  readonly #blind: boolean;

  private constructor(key: Buffer, blind: boolean) {
    this.#key = key;
    this.#blind = blind;
  }

  /**
   * Those to compare with the secrets: they differ from them at every place. Anyone who sees many
   * of one secret learns what it is not.
   */
  static differing(): StandIns {
    return new StandIns(randomBytes(32), false);
  }

  /** Those to show instead of the secrets: they tell a shape, however many of them one sees. */
  static blind(): StandIns {
    return new StandIns(randomBytes(32), true);
  }

  /** Others for each source, so that nobody can tell by them that two sources hold the same. */
  ofSource(name: string): StandIns {
    return new StandIns(createHmac("sha256", this.#key).update(name).digest(), this.#blind);
  }

  /** For everything in a value. Switches, nulls and what is empty stay: they are no secrets. */
  of(value: Value): Value {
    if (Array.isArray(value)) return value.map((item) => this.of(item));
    if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.of(inner)]));
    if (typeof value === "number") return this.number(value);
    return typeof value === "string" ? this.text(value) : value;
  }

  /** For a text. */
  text(text: string): string {
    const structured = this.#json(text) ?? this.#base64(text);
    if (structured !== null) return structured;
    if (text.includes("-----BEGIN ")) return text.replaceAll(WITHIN_PEM, (line) => this.#shift(line));
    if (text.trim().includes("\n"))
      // A key of YAML, TOML or a properties file may be looked for.
      return text.replaceAll(KEY_AND_REST, (_, key: string = "", rest: string) =>
        key === "" ? this.#shift(rest) : key + this.#line(rest),
      );
    return this.#line(text);
  }

  /** For a text of which no key is to be kept, such as a script: all letters and digits. */
  lines(text: string): string {
    return text.replaceAll(WITHIN_PEM, (line) => this.#shift(line));
  }

  /** For bytes that are no text. */
  bytes(content: Buffer): Buffer {
    const stream = this.#stream(content.toString("base64"));
    return Buffer.from(content.map((byte) => (this.#blind ? stream() : (byte + 1 + (stream() % 255)) % 256)));
  }

  #line(text: string): string {
    const [, scheme = "", rest = ""] = /^(\s*["']?[a-z][a-z\d+.-]*:\/\/)?(.*)$/s.exec(text) ?? [];
    return scheme + (ADDRESS.test(rest.trim()) ? this.#octets(rest) : this.#shift(rest));
  }

  /** For a number. */
  number(value: number): number {
    const text = String(value);
    if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(this.#shift(text));
    return this.#blind ? 1 : value + 1;
  }

  /** Leaf by leaf, with the keys that a chart may look for. */
  #json(text: string): string | null {
    if (!/^\s*[{[]/.test(text)) return null;
    const value = readJson(text);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON holds nothing else
    return value === undefined ? null : JSON.stringify(this.of(value as Value));
  }

  /** Of what it encodes, where that is text. */
  #base64(text: string): string | null {
    const trimmed = text.trim();
    if (trimmed.length < 8 || trimmed.length % 4 !== 0 || !/^[A-Za-z\d+/]+={0,2}$/.test(trimmed)) return null;
    const bytes = Buffer.from(trimmed, "base64");
    const inner = bytes.toString();
    if (!/^[\t\n\r -~]+$/.test(inner) || !Buffer.from(inner).equals(bytes)) return null;
    return text.replace(trimmed, Buffer.from(this.text(inner)).toString("base64"));
  }

  #octets(text: string): string {
    const stream = this.#stream(text);
    return text.replaceAll(/\d+/g, (octet) => {
      const [low, high] = [10 ** (octet.length - 1), Math.min(10 ** octet.length - 1, 254)];
      if (this.#blind) return String(low + (stream() % (high - low + 1)));
      const other = low + (stream() % (high - low));
      return String(other < Number(octet) ? other : other + 1);
    });
  }

  /** Every letter and digit becomes another of its kind. */
  #shift(text: string): string {
    const stream = this.#stream(text);
    const isHex = /^[\s\da-fA-F-]{6,}$/.test(text) && /[a-fA-F]/.test(text) && /\d/.test(text);
    const kinds = isHex ? HEX : KINDS;
    return text.replaceAll(/[\p{L}\p{N}]/gu, (character) => {
      const [lower, upper, digits] = kinds;
      const kind = /\p{N}/u.test(character) ? digits : /\p{Lu}/u.test(character) ? upper : lower;
      if (this.#blind) return kind[stream() % kind.length] ?? "x";
      const others = unlike(kind, character);
      return others[stream() % others.length] ?? "x";
    });
  }

  /** Numbers that depend on the text alone, and on this run. */
  #stream(text: string): () => number {
    const key = createHmac("sha256", this.#key).update(text).digest();
    let [block, at, count] = [Buffer.alloc(0), 0, 0];
    return () => {
      if (at === block.length) {
        block = createHmac("sha256", key).update(String(count)).digest();
        [at, count] = [0, count + 1];
      }
      at += 1;
      return block[at - 1] ?? 0;
    };
  }
}

/**
 * Those of a kind that are not a character, nor share its upper or its last bits, as far as the
 * kind has such: a part of it that base64 or hexadecimal cuts off differs as well.
 */
const unlike = (kind: string, character: string): string =>
  remember(pools, kind + character, () => {
    const low = Array.from(kind).filter((other) => differsIn(0x3, other, character));
    const both = low.filter((other) => differsIn(0xf0, other, character));
    return (both.length > 0 ? both : low).join("");
  });
const pools = new Map<string, string>();

const differsIn = (bits: number, one: string, other: string): boolean =>
  (((one.codePointAt(0) ?? 0) ^ (other.codePointAt(0) ?? 0)) & bits) !== 0;

const LOWER = "abcdefghijklmnopqrstuvwxyz";
/** No stand-in has a zero where a number would lose a digit by it. */
const KINDS = [LOWER, LOWER.toUpperCase(), "123456789"] as const;
const HEX = ["abcdef", "ABCDEF", "123456789"] as const;

/** An address of IPv4, which programs parse, with what may follow it. */
const ADDRESS = /^(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d+)?$/;
