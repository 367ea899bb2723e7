import { type Finding, findingsInMarkdown, worstFirst } from "@git-vault/deploy/findings";
import { hintOf } from "../../cli/remedies.ts";
import { currentCi } from "./ci.ts";
import { printableLine, writeJson, writeStdout } from "../../io/streams.ts";

/** What a look at a deployment gave. */
export interface Outcome {
  /** For `--json`. */
  readonly json: object;
  /** For a reader, without the findings. */
  readonly text: string;
  readonly findings: readonly Finding[];
  /** Whether there was nothing that could be looked at without the key. */
  readonly isLocked?: boolean;
}

/**
 * Prints what was found, tells it to the CI, and sets exit code 7 where something needs attention;
 * 3 where nothing could be looked at for lack of the key.
 */
export function reportOutcome(
  title: string,
  { json, text, findings, isLocked = false }: Outcome,
  { json: asJson }: { readonly json: boolean },
): void {
  const worst = worstFirst(inOwnWords(findings));
  if (asJson) writeJson({ ...json, findings: worst });
  else writeStdout(text + worst.map(lineOf).join(""));
  const ci = currentCi();
  ci.annotate(worst);
  ci.summary(`## ${title}\n\n${findingsInMarkdown(worst)}`);
  ci.output("findings", String(worst.length));
  if (isLocked) process.exitCode = 3;
  else if (worst.some(({ severity }) => severity !== "note")) process.exitCode = 7;
}

/** Findings with what to do about them in the words of the command line. */
export const inOwnWords = (findings: readonly Finding[]): Finding[] =>
  findings.map((finding) => {
    const { remedy: _, subject: __, ...shown } = finding;
    return "hint" in shown ? Object.assign(shown, { hint: hintOf(finding) }) : shown;
  });

/** A finding in a line, and a second one for what to do about it. */
export function findingLines({ id, severity, message, environment, hint }: Finding): string[] {
  const where = environment === undefined ? "" : ` [${environment}]`;
  const lines = [`${severity}: ${message} (${id})${where}`, ...(hint === undefined ? [] : [`  ${hint}`])];
  return lines.map(printableLine);
}

const lineOf = (finding: Finding): string => `${findingLines(finding).join("\n")}\n`;
