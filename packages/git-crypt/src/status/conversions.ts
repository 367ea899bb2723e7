import { type PathFinding, pathFindings, type PathProblem } from "../git/finding.ts";
import type { GitPlace } from "../git/git.ts";
import { attributesOf } from "../git/protected-files.ts";

const isOff = (value: string): boolean => value === "unspecified" || value === "unset";

/** The attributes by which git changes what is stored. */
export const CONVERSIONS: readonly string[] = ["text", "crlf", "eol", "ident", "working-tree-encoding"];

/**
 * `text=auto` does no harm: git takes each encrypted file for a binary one. `crlf` is what `text`
 * was called before git 1.7.2, and counts where `text` says nothing.
 */
function attributeProblems([
  text = "",
  crlf = "",
  eol = "",
  ident = "",
  encoding = "",
]: readonly string[]): PathProblem[] {
  const said = ["set", "unset", "input", "auto"].includes(text) ? text : crlf;
  const converts = said === "set" || said === "input" || (said !== "auto" && said !== "unset" && !isOff(eol));
  return [
    ...(converts ? (["line-endings"] as const) : []),
    ...(ident === "set" ? (["ident"] as const) : []),
    ...(isOff(encoding) ? [] : (["encoding"] as const)),
  ];
}

/**
 * Finds protected paths whose ciphertext git converts.
 *
 * @param known the values of these attributes by name; null where git is to be asked
 */
export function findConversions(
  repository: GitPlace,
  entries: readonly { readonly name: string }[],
  known: ReadonlyMap<string, readonly string[]> | null = null,
): PathFinding[] {
  const names = [...new Set(entries.map(({ name }) => name))];
  const values = known === null ? attributesOf(repository, names, CONVERSIONS) : names.map((name) => known.get(name));
  return names.flatMap((name, at) =>
    attributeProblems(values[at] ?? []).flatMap((problem) => pathFindings([{ name }], problem)),
  );
}
