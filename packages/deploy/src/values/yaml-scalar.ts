/*
 * What a scalar of YAML means to Helm. Helm reads YAML by sigs.k8s.io/yaml, which takes go-yaml v2
 * and turns the result into JSON. That is neither YAML 1.1 nor 1.2: `on` is true, `0755` is 493,
 * `1_000` is 1000, but `1:30` and dates are strings.
 */

/** A scalar as go-yaml resolves it: an integer keeps its digits. */
export type Scalar = null | boolean | bigint | number | string;

/** How a program understands scalars and keys. */
export interface Dialect {
  /** The value of a plain scalar without a tag. */
  plain(text: string): Scalar;
  /** The value of a scalar with a tag; undefined where the tag does not fit. */
  tagged(tag: string, text: string): Scalar | undefined;
  /** A key as text; null where it cannot be one. */
  key(value: Scalar): string | null;
  /** What is said of a key that cannot be one. */
  readonly badKey: string;
  /** Whether `<<` merges a map. */
  readonly merges: boolean;
}

const WORDS = new Map<string, Scalar>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, Number.NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, Infinity] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, -Infinity] as const),
]);

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** As Go's ParseInt, then ParseUint, with base 0: 0x, 0o, 0b, and a leading 0 is octal. */
function parseInteger(text: string): bigint | null {
  const [, sign, digits = ""] = /^([+-]?)(0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9]\d*)$/.exec(text) ?? [];
  if (sign === undefined) return null;
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === "-" ? -magnitude : magnitude;
  // Only without a sign does it get a second try as an unsigned number.
  return value >= INT64_MIN && value <= (sign === "" ? UINT64_MAX : INT64_MAX) ? value : null;
}

const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** A number too large for a double is none to Go, so the text stays text. */
function parseFloat64(text: string): number | null {
  const value = FLOAT.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

/** The value of a plain scalar without a tag. */
export function resolvePlain(text: string): Scalar {
  const first = text[0] ?? "N";
  if (/[yYnNtTfFoO~+\-.\d]/.test(first)) {
    const word = WORDS.get(text);
    if (word !== undefined) return word;
  }
  // Here Go itself takes underscores, between digits alone.
  if (first === ".") return parseFloat64(text.replaceAll(/(?<=\d)_(?=\d)/g, "")) ?? text;
  if (!/[-+\d]/.test(first)) return text;
  const bare = text.replaceAll("_", "");
  return parseInteger(bare) ?? parseFloat64(bare) ?? text;
}

const CORE = "tag:yaml.org,2002:";

/** The value of a scalar with a tag; undefined where the tag does not fit, which Helm refuses. */
function resolveTagged(tag: string, text: string): Scalar | undefined {
  if (!tag.startsWith(CORE)) return text;
  const value = resolvePlain(text);
  switch (tag.slice(CORE.length)) {
    case "str":
    case "timestamp":
      return text;
    case "binary":
      return Buffer.from(text, "base64").toString();
    case "int":
      return typeof value === "bigint" ? value : undefined;
    case "float":
      return typeof value === "bigint" || typeof value === "number" ? Number(value) : undefined;
    case "bool":
      return typeof value === "boolean" ? value : undefined;
    case "null":
      return value === null ? value : undefined;
    default:
      return undefined;
  }
}

/** A key as sigs.k8s.io/yaml writes it into JSON; null where it has no such form. */
function keyText(key: Scalar): string | null {
  if (typeof key === "string") return key;
  if (typeof key === "number") return floatKey(key);
  return key === null || (typeof key === "bigint" && key > INT64_MAX) ? null : String(key);
}

/** As Go's FormatFloat 'g' with 32 bits: the shortest digits of a single-precision float. */
function floatKey(key: number): string {
  const single = Math.fround(key);
  if (Number.isNaN(single)) return ".nan";
  if (!Number.isFinite(single)) return single > 0 ? ".inf" : "-.inf";
  if (single === 0) return Object.is(single, -0) ? "-0" : "0";
  let precision = 1;
  while (Math.fround(Number(single.toPrecision(precision))) !== single) precision += 1;
  const [mantissa = "", exponent = "0"] = single.toExponential(precision - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return Number(single.toPrecision(precision)).toString();
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** Helm's. */
export const HELM_DIALECT: Dialect = {
  plain: resolvePlain,
  tagged: resolveTagged,
  key: keyText,
  badKey: "a key that is null, a list or a map, which Helm refuses",
  merges: true,
};
