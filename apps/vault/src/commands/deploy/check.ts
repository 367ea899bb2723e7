import {
  alsoAt,
  type CheckReport,
  type Finding,
  findingsInMarkdown,
  scopeOf,
  summaryOf,
  toSarif,
  worstFirst,
} from "@git-vault/deploy/findings";
import type { Project } from "@git-vault/deploy";
import { collectReport } from "@git-vault/deploy/checks";
import { currentCi } from "./ci.ts";
import { checkPages } from "../../cli/check-pages.ts";
import { inOwnWords, linesOfFinding } from "./findings.ts";
import { interruptible, openToRead } from "./project.ts";
import { usageError } from "../../errors.ts";
import { writeOutput } from "../../io/output.ts";
import type { Options, Run } from "../../cli/command.ts";
import { printableLine, say, writeJson, writeLong } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

type Check = (typeof DEPLOY_COMMANDS)["deploy check"];
type CheckOptions = Options<Check["flags"]>;

/** The version of the package; the bundler puts it in. */
declare const VAULT_VERSION: string;

export const run: Run<Check> = (options, names) => {
  if (options.json && options.sarif === "-")
    throw usageError("expected one of --json and --sarif -: stdout holds one report");
  return interruptible(async (signal) => {
    await using project = await openToRead(options, { environments: names, signal });
    const report = await check(project, names, options, signal);
    reportToCi(report);
    await write(report, options);
    const failing = report.findings.some(
      ({ severity }) => severity === "error" || (severity === "warning" && options.strict),
    );
    if (failing) process.exitCode = 7;
  });
};

async function check(
  project: Project,
  names: readonly string[],
  { history, online }: CheckOptions,
  signal: AbortSignal,
): Promise<CheckReport> {
  const environments = names.length === 0 ? project.environments : names.map((name) => project.environment(name));
  const report = await collectReport(project, { environments, history, online, signal });
  return { ...report, findings: inOwnWords(report.findings) };
}

async function write(report: CheckReport, { sarif, json, quiet }: CheckOptions): Promise<void> {
  const { findings, skipped, commit } = report;
  if (sarif !== undefined) {
    const sarifText = JSON.stringify(toSarif(report, VAULT_VERSION, checkPages), null, 1);
    // Printed in CI, this would begin a command to GitHub's runner; in JSON it can be written so.
    const text = `${sarifText.replaceAll("##[", String.raw`#\u0023[`)}\n`;
    // It holds no secret, and other programs are to read it.
    await writeOutput(Buffer.from(text), { output: sarif }, { input: null, secret: false, mode: 0o644 });
    if (sarif === "-") return;
  }
  if (json) return writeJson(report);
  writeLong(worstFirst(findings).map(lines).join(""));
  if (quiet) return;
  for (const one of skipped) say(printableLine(`vault: skipped: ${one}`));
  say(`vault: ${outcome(report)} in ${commit.slice(0, 12)}`);
  const explained = worstFirst(findings).find(({ id }) => Object.hasOwn(checkPages, id));
  if (explained !== undefined) say(`vault: \`vault help ${explained.id}\` tells what ${explained.id} means`);
}

/** In GitHub Actions, findings are also annotations, a job summary and outputs. */
function reportToCi(report: CheckReport): void {
  const ci = currentCi();
  const findings = worstFirst(report.findings);
  const skipped = report.skipped.map((message): Finding => ({ id: "skipped", severity: "note", message }));
  ci.annotate(findings);
  ci.summary(`## vault deploy check: ${outcome(report)}\n\n${findingsInMarkdown([...findings, ...skipped])}`);
  for (const severity of ["error", "warning"] as const)
    ci.output(`${severity}s`, String(findings.filter((finding) => finding.severity === severity).length));
}

const outcome = ({ findings }: CheckReport): string =>
  findings.length === 0 ? "nothing found" : `found ${summaryOf(findings)}`;

function lines(finding: Finding): string {
  const { id, severity, message, file, line, hint } = finding;
  const scope = scopeOf(finding);
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  const said = place !== "" && message.startsWith(place.slice(0, -2)) ? message : `${place}${message}`;
  const where = scope === undefined ? "" : ` [${scope}]`;
  return linesOfFinding({ severity }, `${said} (${id})${where}`, [alsoAt(finding), hint])
    .map((text) => `${text}\n`)
    .join("");
}
