import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/*
 * What opening an SSH message loads must not hold what only other kinds of recipients need: it
 * would cost every command.
 */

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));

/** The files and packages that a file imports, and what those import, dynamic imports left out. */
const importsOf = (file: string, found = new Set<string>()): Set<string> => {
  if (found.has(file)) return found;
  found.add(file);
  const source = readFileSync(file, "utf8");
  for (const [, isType, from = ""] of source.matchAll(/^(?:import|export) (type )?[^;]*?from "([^"]+)";$/gm)) {
    if (isType !== undefined) continue;
    if (from.startsWith(".")) importsOf(join(dirname(file), from), found);
    else found.add(from);
  }
  return found;
};

test("the package's face loads nothing of Bech32, base58, scrypt, HPKE or ML-KEM", () => {
  const loaded = [...importsOf(join(SOURCES, "index.ts"))].map((path) => path.replace(`${SOURCES}/`, ""));
  expect(loaded).toContain("age/ssh-stanzas.ts");
  expect(loaded.filter((path) => /bech32|scure|scrypt|hybrid|hpke|mlkem|noble/.test(path))).toEqual([]);
});

test("Bech32, which age's own keys load, loads nothing of HPKE or ML-KEM", () => {
  const loaded = [...importsOf(join(SOURCES, "age/bech32.ts"))].join("\n");
  expect(loaded).toContain("@scure/base");
  expect(loaded).not.toMatch(/hybrid|hpke|mlkem|noble/);
});
