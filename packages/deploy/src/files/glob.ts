/** What a part of a pattern fits: one character, or with null any number of them but `/`. */
type Part = ((character: string) => boolean) | null;

/** A pattern of names, or null where it is none. */
export type Glob = (name: string) => boolean;

const isNoSlash = (character: string): boolean => character !== "/";

/**
 * A pattern as Go's filepath.Match reads it: `*`, `?`, `[a-z]`, `[^a-z]`, and a backslash before
 * what is meant as it is. Neither `*` nor `?` fits a `/`. Null for what Go refuses.
 *
 * Anyone who commits writes patterns and names: fitting takes no longer than their lengths
 * multiplied.
 */
export function globOf(pattern: string): Glob | null {
  const parts = partsOf(Array.from(pattern));
  return parts === null ? null : (name) => fits(parts, Array.from(name));
}

function partsOf(characters: readonly string[]): Part[] | null {
  const parts: Part[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? "";
    if (character === "*") {
      if (parts.at(-1) !== null) parts.push(null);
    } else if (character === "?") {
      parts.push(isNoSlash);
    } else if (character === "[") {
      const set = setAt(characters, at + 1);
      if (set === null) return null;
      parts.push(set.part);
      at = set.end;
    } else {
      if (character === "\\") at += 1;
      const meant = characters[at];
      if (meant === undefined) return null;
      parts.push((one) => one === meant);
    }
  }
  return parts;
}

/** The set that begins there, after its bracket, and where its other bracket stands. */
function setAt(characters: readonly string[], start: number): { part: Part; end: number } | null {
  const isNegated = characters[start] === "^";
  const ranges: (readonly [low: string, high: string])[] = [];
  let at = start + (isNegated ? 1 : 0);
  const next = (): string | null => {
    const character = characters[at];
    if (character === undefined || character === "-" || character === "]") return null;
    at += character === "\\" ? 2 : 1;
    return characters[at - 1] ?? null;
  };
  while (characters[at] !== "]" || ranges.length === 0) {
    const low = next();
    if (low === null) return null;
    let high: string | null = low;
    if (characters[at] === "-") {
      at += 1;
      high = next();
    }
    if (high === null) return null;
    ranges.push([low, high]);
  }
  const isIn = (character: string): boolean => {
    const code = character.codePointAt(0) ?? 0;
    return ranges.some(([low, high]) => (low.codePointAt(0) ?? 0) <= code && code <= (high.codePointAt(0) ?? 0));
  };
  return { part: (character) => isIn(character) !== isNegated, end: at };
}

/** Of several `*`, only the last one need take more: what lies before it fits as well as it can. */
function fits(parts: readonly Part[], name: readonly string[]): boolean {
  let [part, at] = [0, 0];
  let star: { readonly part: number; at: number } | null = null;
  while (at < name.length || part < parts.length) {
    const here = parts[part];
    if (here === null) {
      part += 1;
      star = { part, at };
    } else if (here !== undefined && at < name.length && here(name[at] ?? "")) {
      part += 1;
      at += 1;
    } else {
      if (star === null || star.at >= name.length || name[star.at] === "/") return false;
      star.at += 1;
      [part, at] = [star.part, star.at];
    }
  }
  return true;
}
