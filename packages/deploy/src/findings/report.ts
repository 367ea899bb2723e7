import type { Finding, Severity } from "./finding.ts";

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

/**
 * `prod`, or `cert-manager in prod`: what a finding is about; undefined where that is no
 * environment or release.
 */
export function scopeOf({ environment, release = environment }: Finding): string | undefined {
  return environment === undefined || release === environment ? release : `${release} in ${environment}`;
}

/** `1 error, 3 notes`; `nothing` where there are none. */
export function summaryOf(findings: readonly Finding[]): string {
  const counts = SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? "" : "s"}`];
  });
  return counts.join(", ") || "nothing";
}
