import { statSync } from "node:fs";

/** A file as young as this, in milliseconds, may change again without a trace in its times. */
const YOUNG = 1000;

/**
 * A memory of what `make` makes of a file, within this process, as long as the file is the same. If
 * there is none, or it was written in this second, nothing is kept. If several things are made of a
 * file, `about` tells them apart.
 */
export function whileSame<T>(): (path: string, make: () => T, about?: string) => T {
  const made = new Map<string, { readonly file: string; readonly value: T }>();
  return (path, make, about = "") => {
    const file = describe(path);
    const key = `${about}\0${path}`;
    const before = made.get(key);
    if (file !== null && before?.file === file) return before.value;
    const value = make();
    if (file === null) made.delete(key);
    else made.set(key, { file, value });
    return value;
  };
}

function describe(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return null;
  const { dev, ino, size, mtimeNs, ctimeNs } = stat;
  const newest = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
  return newest > Date.now() - YOUNG ? null : [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
