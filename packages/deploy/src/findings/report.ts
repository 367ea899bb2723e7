import type { Severity } from "@git-vault/core";
import type { Finding } from "./finding.ts";
import { environmentsOf } from "./same-findings.ts";

/** What a run of checks told. */
export interface CheckReport {
  /** The commit that was checked. */
  readonly commit: string;
  /** The names of the environments that were checked. */
  readonly environments: readonly string[];
  readonly findings: readonly Finding[];
  /** What was not checked, and why. */
  readonly skipped: readonly string[];
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** The worst first; else in the order in which they came. */
export const worstFirst = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));

/** So many names are told in a line. */
const MOST_NAMES = 5;

/** `a, b, c, d, e and 148 more`. */
export function namesInLine(names: readonly string[]): string {
  const shown = names.length <= MOST_NAMES + 1 ? names : names.slice(0, MOST_NAMES);
  const left = names.length - shown.length;
  return left === 0 ? shown.join(", ") : `${shown.join(", ")} and ${left} more`;
}

/**
 * `prod`, `staging, prod` or `cert-manager in prod`: what a finding is about; undefined for
 * neither. Of many environments, the first are named.
 */
export function scopeOf(finding: Finding): string | undefined {
  const environments = namesInLine(environmentsOf(finding)) || undefined;
  const { release = environments } = finding;
  return environments === undefined || release === environments ? release : `${release} in ${environments}`;
}

/** `also at a.yaml:1, b.yaml:3`; undefined for a finding of one place. */
export function alsoAt({ places = [] }: Finding): string | undefined {
  const others = places.slice(1).map(({ file, line }) => (line === undefined ? file : `${file}:${line}`));
  return others.length === 0 ? undefined : `also at ${namesInLine(others)}`;
}

/** `1 error, 3 notes`; `nothing` where there are none. */
export function summaryOf(findings: readonly Finding[]): string {
  const counts = SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? "" : "s"}`];
  });
  return counts.join(", ") || "nothing";
}

const MARKS: Readonly<Record<Severity, string>> = { error: "❌", warning: "⚠️", note: "ℹ️" };

/** Findings as a table in Markdown, for a summary; one sentence where there are none. */
export function findingsInMarkdown(findings: readonly Finding[]): string {
  if (findings.length === 0) return "Nothing found.\n";
  const rows = findings.map((finding) => {
    const { severity, id, file, line } = finding;
    const place = [scopeOf(finding) ?? "", file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}`];
    return [MARKS[severity], id, place.filter(Boolean).join(" "), sentencesOf(finding)];
  });
  return tableInMarkdown(["", "check", "where", "what"], rows);
}

/** What a finding says, where else it stands, and what can be done about it. */
export const sentencesOf = (finding: Finding): string[] =>
  [finding.message, alsoAt(finding), finding.hint].filter((text) => text !== undefined);

type Cell = string | readonly string[];

/** A Markdown table. Cells are plain text, or lines of it, that cannot contain markup. */
export function tableInMarkdown(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [head.map(cellOf), head.map(() => "---"), ...rows.map((row) => row.map(cellOf))];
  return lines.map((cells) => `|${cells.map((cell) => (cell === "" ? " " : ` ${cell} `)).join("|")}|\n`).join("");
}

const cellOf = (cell: Cell): string => [cell].flat().map(inCell).join("<br>");

/** Text as a block of code in Markdown, which it cannot end. */
export function blockInMarkdown(text: string): string {
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}text\n${text.trimEnd()}\n${fence}\n`;
}

/** Text as it is, in one cell of a table: no markup, no other row. */
const inCell = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll(/[\\`*_{}[\]|~@#!]/g, String.raw`\$&`)
    .replaceAll(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
