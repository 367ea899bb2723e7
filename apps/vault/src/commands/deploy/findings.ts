import { type Finding, findingsInMarkdown, worstFirst } from "@git-vault/deploy/findings";
import { hintOf } from "../../cli/remedies.ts";
import { currentCi } from "./ci.ts";
import { coloured } from "../../io/colour.ts";
import { printableLine, writeJson, writeLong } from "../../io/streams.ts";

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
  else writeLong(text + worst.map(lineOf).join(""));
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

const SEVERITY_COLOURS = { error: "bad", warning: "warning", note: "hint" } as const;

/**
 * A finding in lines, as a person sees it on a standard stream.
 *
 * @param said what was found, and where
 * @param more further sentences, such as what to do about it
 */
export function linesOfFinding(
  { severity }: Pick<Finding, "severity">,
  said: string,
  more: readonly (string | undefined)[],
  fd: 1 | 2 = 1,
): string[] {
  const colour = SEVERITY_COLOURS[severity];
  return [
    `${coloured(colour, `${severity}:`, fd)} ${printableLine(said)}`,
    ...more.flatMap((text) => (text === undefined ? [] : `  ${coloured("hint", printableLine(text), fd)}`)),
  ];
}

/** A finding in a line, and a second one for what to do about it. */
export const findingLines = ({ id, severity, message, environment, hint }: Finding, fd: 1 | 2 = 1): string[] =>
  linesOfFinding({ severity }, `${message} (${id})${environment === undefined ? "" : ` [${environment}]`}`, [hint], fd);

const lineOf = (finding: Finding): string => `${findingLines(finding).join("\n")}\n`;
