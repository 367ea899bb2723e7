/*
 * Objects of two renderings, which differ in secrets alone: what differs depends on a secret, or is
 * made at random. No transformation of a template's gets around that.
 */
import type { Manifest } from "../helm/manifests.ts";
import { isMap, type Value } from "../values/value.ts";

/** What stands in the other rendering where a value stands in this one. */
export type Twin =
  /** The value there: what equals it may be shown. */
  | { readonly value: Value }
  /** Nothing depends on a secret here, but for what is known as one. */
  | "same"
  /** Nothing does: all of it may depend on a secret. */
  | "none";

/** Why nothing is shown of a chart that has no other rendering. */
export const NO_TWIN =
  "the chart cannot be rendered with stand-ins for its secrets, so that nobody can tell what depends on them";

/** The twin of what lies at a key or an index. */
export function twinAt(twin: Twin, key: string | number): Twin {
  if (typeof twin === "string") return twin;
  const { value } = twin;
  if (Array.isArray(value) && typeof key === "number" && key < value.length) return { value: value[key] ?? null };
  if (isMap(value) && typeof key === "string" && Object.hasOwn(value, key)) return { value: value[key] ?? null };
  return "none";
}

/** By what an object is the same in two renderings, whatever the version of its API. */
export const identityOf = ({ apiVersion, kind, namespace, name }: Manifest): string =>
  JSON.stringify([apiVersion.replace(/(?:^|\/)v[^/]*$/, ""), kind, namespace, name]);

/** Where objects came from: two whose names depend on a secret stand at the same place there. */
const placeOf = ({ source, kind }: Manifest): string => JSON.stringify([source, kind]);

/** The objects of another rendering, found by those of this one. */
export class Twins {
  readonly #byIdentity: Map<string, Manifest>;
  readonly #rest = new Map<string, Manifest[]>();

  /** @param others the other rendering; @param own those of this one, to know who is whose */
  constructor(others: readonly Manifest[], own: readonly Manifest[]) {
    this.#byIdentity = new Map(others.map((manifest) => [identityOf(manifest), manifest]));
    const named = new Set(own.map(identityOf));
    for (const manifest of others)
      if (!named.has(identityOf(manifest)))
        this.#rest.set(placeOf(manifest), [...(this.#rest.get(placeOf(manifest)) ?? []), manifest]);
  }

  /** Each of those whose names differ is given once. */
  of(manifest: Manifest): Twin {
    const found = this.#byIdentity.get(identityOf(manifest)) ?? this.#rest.get(placeOf(manifest))?.shift();
    return found === undefined ? "none" : { value: found.object };
  }
}

/**
 * A twin for what another rendering left behind, of which nobody can make a second one: from pairs
 * of renderings that are like it. Where a value equals one of a pair, it depends on a secret where
 * that one does; where it equals none, nothing is known of it.
 */
export function likelyTwin(old: Value, pairs: readonly (readonly [like: Value | undefined, twin: Twin])[]): Twin {
  return { value: likely(old, pairs) };
}

/** Unlike any text of YAML. */
const UNLIKE = "\0";

function likely(old: Value, pairs: readonly (readonly [like: Value | undefined, twin: Twin])[]): Value {
  const below = (key: string | number): (readonly [Value | undefined, Twin])[] =>
    pairs.map(([like, twin]) => [valueAt(like, key), twinAt(twin, key)]);
  if (Array.isArray(old)) return old.map((item, at) => likely(item, below(at)));
  if (isMap(old)) return Object.fromEntries(Object.entries(old).map(([key, item]) => [key, likely(item, below(key))]));
  for (const [like, twin] of pairs) {
    if (like !== old) continue;
    if (twin === "same") return old;
    if (twin !== "none") return twin.value;
  }
  return typeof old === "string" && old.includes("\n") ? likelyLines(old, pairs) : UNLIKE;
}

/** Line by line: which line of a pair it is does not matter. */
function likelyLines(old: string, pairs: readonly (readonly [like: Value | undefined, twin: Twin])[]): string {
  const known = new Map<string, string>();
  for (const [like, twin] of pairs) {
    const [those, others] = [linesOf(like), linesOf(twin === "same" ? like : twin === "none" ? undefined : twin.value)];
    if (those.length === others.length)
      for (const [at, line] of those.entries()) if (!known.has(line)) known.set(line, others[at] ?? UNLIKE);
  }
  return linesOf(old)
    .map((line) => known.get(line) ?? UNLIKE)
    .join("\n");
}

const linesOf = (value: Value | undefined): string[] => (typeof value === "string" ? value.split("\n") : []);

function valueAt(value: Value | undefined, key: string | number): Value | undefined {
  if (Array.isArray(value)) return typeof key === "number" ? value[key] : undefined;
  return isMap(value) && typeof key === "string" && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** What of a line is not as in another one: whole words; all of it where nothing is left. */
export function differingPart(line: string, other: string): { readonly start: number; readonly end: number } {
  const [start, end] = [sharedStart(line, other), line.length - sharedEnd(line, other)];
  return start < end ? { start, end } : { start: 0, end: line.length };
}

/** How many characters two lines share at the start: whole words alone. */
function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length += 1;
  while (length > 0 && isWord(a[length - 1])) length -= 1;
  return length;
}

function sharedEnd(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[a.length - 1 - length] === b[b.length - 1 - length]) length += 1;
  while (length > 0 && isWord(a[a.length - length])) length -= 1;
  return length;
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** What is shorter no redactor knows. */
const SHORTEST = 4;

/** The part itself, the word that it is in where it is short, or else the line. */
function tellingPart(line: string, { start, end }: { readonly start: number; readonly end: number }): string {
  const [before = ""] = /\S*$/.exec(line.slice(0, start)) ?? [];
  const [after = ""] = /^\S*/.exec(line.slice(end)) ?? [];
  const part = line.slice(start, end);
  if (part.length >= SHORTEST) return part;
  const word = before + part + after;
  return word.length >= SHORTEST ? word : line.trim();
}

/** What of a text is not as in its twin: line by line, where that has as many. */
export function* differingParts(text: string, twin: Twin): Generator<string> {
  if (twin === "same") return;
  const others = twin === "none" || isMap(twin.value) || Array.isArray(twin.value) ? "" : String(twin.value);
  if (others === text) return;
  const [lines, otherLines] = [text.split("\n"), others.split("\n")];
  if (lines.length !== otherLines.length) yield text;
  else
    for (const [at, line] of lines.entries()) {
      const other = otherLines[at] ?? "";
      if (line !== other) yield tellingPart(line, differingPart(line, other));
    }
}
