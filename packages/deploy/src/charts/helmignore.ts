/*
 * Which files of a chart's folder Helm passes over, by its .helmignore. Of archives it takes all,
 * so that anyone who packs one is to leave them out.
 */
import { posix } from "node:path";
import { printable } from "@git-vault/core";
import { DeployError } from "../errors.ts";
import { globOf } from "../files/glob.ts";

interface Rule {
  readonly negated: boolean;
  readonly foldersOnly: boolean;
  /** Whether it says something of what is named, by its last part or as a whole. */
  readonly matches: (path: string) => boolean;
}

/**
 * Tells of files, by their paths in the chart, whether Helm passes over them.
 *
 * @param text of the chart's .helmignore; undefined where it has none
 * @throws DeployError NOT_A_CHART for a line that is no pattern
 */
export function ignoredBy(text: string | undefined): (path: string) => boolean {
  // The last one is Helm's own.
  const rules = [...(text ?? "").replace(/^\uFEFF/, "").split("\n"), "templates/.?*"].flatMap(ruleOf);
  return (path) => {
    const steps = path.split("/");
    return steps.some((_, at) => ignores(rules, steps.slice(0, at + 1).join("/"), at < steps.length - 1));
  };
}

/** As Helm has it: what a negated rule does not match is passed over. */
function ignores(rules: readonly Rule[], path: string, isFolder: boolean): boolean {
  for (const { negated, foldersOnly, matches } of rules) {
    const says = matches(path);
    if (negated && ((foldersOnly && !isFolder) || !says)) return true;
    if (!negated && says && (isFolder || !foldersOnly)) return true;
  }
  return false;
}

function ruleOf(line: string): Rule[] {
  const trimmed = line.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return [];
  const negated = trimmed.startsWith("!");
  const rule = trimmed.slice(negated ? 1 : 0);
  const foldersOnly = rule.endsWith("/");
  const pattern = rule.replace(/\/$/, "");
  const fits = globOf(pattern.replace(/^\//, ""));
  if (fits === null)
    throw new DeployError("NOT_A_CHART", `.helmignore has a line that is no pattern: ${printable(rule)}`, {
      hint: "Helm refuses it, too: mend it, or put a backslash before what is meant as it is",
    });
  const matches = (path: string): boolean => fits(pattern.includes("/") ? path : posix.basename(path));
  return [{ negated, foldersOnly, matches }];
}
