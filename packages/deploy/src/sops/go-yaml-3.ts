/*
 * What a scalar of YAML means to sops, which reads by go-yaml v3: `yes` is text, a date is a time.
 * Helm gets what sops writes of it: text in quotes, a time as text.
 */
import { type Dialect, HELM_DIALECT, type Scalar } from "../values/yaml-scalar.ts";

const BOOLEAN = /^(?:true|True|TRUE|false|False|FALSE)$/;
const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[+-]\d\d:\d\d))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?))?$/;

const two = (part: string): string => part.padStart(2, "0");

/** As Go writes a time: RFC 3339 with as many digits of a second as it has; null for none. */
function timeOf(text: string): string | null {
  const found = TIME.exec(text);
  if (found === null) return null;
  const [, year = "", month = "", day = "", h1, m1, s1, f1, zone, h2, m2, s2, f2] = found;
  const [hour, minute, second] = [h1 ?? h2 ?? "0", m1 ?? m2 ?? "0", s1 ?? s2 ?? "0"];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  // The years before 100 are others to JavaScript.
  date.setUTCFullYear(Number(year));
  const isDay = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!isDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const fraction = (f1 ?? f2 ?? "").slice(0, 10).replace(/\.?0*$/, "");
  const offset = zone === undefined || /^[+-]00:00$/.test(zone) ? "Z" : zone;
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${offset}`;
}

/** The value of a plain scalar: integers keep their digits, a time is its text. */
function plain(text: string): Scalar {
  const time = timeOf(text);
  if (time !== null) return time;
  const value = HELM_DIALECT.plain(text);
  return typeof value === "boolean" && !BOOLEAN.test(text) ? text : value;
}

/** The value of a scalar with a tag: sops writes `!!merge` before each `<<`. */
function tagged(tag: string, text: string): Scalar | undefined {
  if (tag.endsWith(":merge")) return text;
  return tag.endsWith(":timestamp") ? (timeOf(text) ?? undefined) : HELM_DIALECT.tagged(tag, text);
}

/** That of sops. Only text can be a key, and `<<` is one: values below it are encrypted, too. */
export const SOPS_DIALECT: Dialect = {
  plain,
  tagged,
  key: (value) => (typeof value === "string" ? value : null),
  badKey: "a key that is no text, which sops refuses",
  merges: false,
};
