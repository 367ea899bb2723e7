import type { Finding } from "../findings/finding.ts";
import { type CheckReport, namesInLine } from "../findings/report.ts";
import { withSameOnce } from "../findings/same-findings.ts";
import type { Project } from "../project/project.ts";
import { type CheckOptions, runChecks } from "./run-checks.ts";
import type { OnSkip, SkippedPart } from "./skips.ts";

/**
 * Runs checks, and collects what {@link runChecks} gives into a report, as `toSarif` takes it. The
 * same finding of several environments is one, with their names in a list.
 *
 * @throws DeployError INTERRUPTED; GitCryptError where git fails; what a check of yours throws
 */
export async function collectReport(project: Project, options: CheckOptions = {}): Promise<CheckReport> {
  const { environments = project.environments } = options;
  const skipped = new Map<string, { readonly reason: SkippedPart["reason"]; readonly of: string[] }>();
  const onSkip: OnSkip = (reason, part) => {
    const key = part?.reason("\0") ?? reason;
    const known = skipped.get(key) ?? { reason: part?.reason ?? (() => reason), of: [] };
    skipped.set(key, known);
    if (part !== undefined) known.of.push(part.of);
    options.onSkip?.(reason, part);
  };
  const findings: Finding[] = [];
  for await (const finding of runChecks(project, { ...options, onSkip })) findings.push(finding);
  return {
    commit: project.commit,
    environments: environments.map(({ name }) => name),
    findings: withSameOnce(findings, new Map(project.environments.map(({ name, main }) => [name, main.name]))),
    skipped: [...skipped.values()].map(({ reason, of }) => reason(namesInLine(of))),
  };
}
