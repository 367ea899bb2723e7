import { join, posix, relative } from "node:path";
import { sourceOf } from "../scripts/sources.mjs";
import { files, parse, read, ROOT } from "./sources.ts";

/** One file imports another, or a package by name. Imports of types alone count, too. */
export interface Import {
  readonly from: string;
  /** As it is written, such as `./errors.ts` or `node:fs`. */
  readonly specifier: string;
  /** The path of the file from the root, or null for what is not of this repository. */
  readonly to: string | null;
}

/** Whatever the sources of the packages and of the command import, in every form of import. */
export function importsOfSources(): Import[] {
  return files(/^(?:packages|apps)\/[^/]+\/src\/.*\.ts$/).flatMap((from) =>
    [...new Set(specifiers(from))].map((specifier) => ({ from, specifier, to: target(from, specifier) })),
  );
}

function specifiers(path: string): string[] {
  const { staticImports, staticExports } = parse(path).module;
  const exported = staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest ?? []));
  // The parser does not list `import("…")` where it is a type.
  const called = [...read(path).matchAll(/\bimport\(\s*"([^"]+)"/g)].map(([, specifier = ""]) => specifier);
  return [...staticImports.map(({ moduleRequest }) => moduleRequest), ...exported]
    .map(({ value }) => value)
    .concat(called);
}

function target(from: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return posix.normalize(posix.join(posix.dirname(from), specifier));
  const source = sourceOf(specifier, join(ROOT, from));
  return source === undefined ? null : relative(ROOT, source).replaceAll("\\", "/");
}

/** What one folder holds, a file or a folder, imports what it holds beside it. */
export interface FolderImports {
  readonly folder: string;
  /** The name of a child of the folder, and what it imports of its siblings, with the imports. */
  readonly children: ReadonlyMap<string, ReadonlyMap<string, readonly Import[]>>;
}

/** For each folder, which of its children import which of their siblings. */
export function siblingImports(imports: readonly Import[]): FolderImports[] {
  const folders = new Map<string, Map<string, Map<string, Import[]>>>();
  for (const item of imports) {
    if (item.to === null || item.to === item.from) continue;
    const from = item.from.split("/");
    const to = item.to.split("/");
    const depth = from.findIndex((part, index) => part !== to[index]);
    const children = entry(folders, from.slice(0, depth).join("/"), () => new Map<string, Map<string, Import[]>>());
    const siblings = entry(children, from[depth] ?? "", () => new Map<string, Import[]>());
    entry(siblings, to[depth] ?? "", () => []).push(item);
  }
  return [...folders].map(([folder, children]) => ({ folder, children }));
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

/** The groups of children that import each other in a circle, each in order of name. */
export function circles({ children }: FolderImports): string[][] {
  const reached = (start: string): Set<string> => {
    const seen = new Set<string>();
    const todo = [start];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      for (const next of children.get(at)?.keys() ?? []) {
        if (!seen.has(next)) todo.push(next);
        seen.add(next);
      }
    }
    return seen;
  };
  const reach = new Map([...children.keys()].map((name) => [name, reached(name)]));
  const groups = [...reach].map(([name, its]) => [...its].filter((other) => reach.get(other)?.has(name)).toSorted());
  return [...new Map(groups.filter((group) => group.length > 0).map((group) => [group.join(), group])).values()];
}
