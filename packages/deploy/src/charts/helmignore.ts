/*
 * Which files of a chart's folder Helm passes over, by its .helmignore. Of archives it takes all,
 * so that whoever packs one is to leave them out.
 */
import { posix } from "node:path";

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
  const whole = globOf(pattern.replace(/^\//, ""));
  const matches = (path: string): boolean => whole.test(pattern.includes("/") ? path : posix.basename(path));
  return [{ negated, foldersOnly, matches }];
}

/** As Go's filepath.Match reads patterns; one that it would refuse, Helm refuses. */
function globOf(pattern: string): RegExp {
  const source = pattern.replaceAll(/\\(.)|\[(\^?)((?:\\.|[^\]\\])*)\]|[\s\S]/g, (part, escaped, not, set) => {
    if (typeof escaped === "string") return quoted(escaped);
    if (typeof set === "string") return `[${not === "^" ? "^/" : ""}${set.replaceAll(/[[^]/g, "\\$&")}]`;
    return part === "*" ? "[^/]*" : part === "?" ? "[^/]" : quoted(part);
  });
  return new RegExp(`^${source}$`, "su");
}

const quoted = (character: string): string => character.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
