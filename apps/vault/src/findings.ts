import { detectCi, type Finding, findingsInMarkdown } from "@git-vault/deploy";
import { printable, writeJson, writeStdout } from "./streams.ts";
import type { FlagValues } from "./table.ts";

/** What a look at a deployment gave. */
export interface Outcome {
  /** For `--json`. */
  readonly json: object;
  /** For a reader, without the findings. */
  readonly text: string;
  readonly findings: readonly Finding[];
}

/** Prints what was found, tells it to the CI, and sets exit code 7 where something needs attention. */
export function tellOutcome(title: string, { json, text, findings }: Outcome, flags: FlagValues): void {
  const worst = findings.toSorted((a, b) => RANKS.indexOf(a.severity) - RANKS.indexOf(b.severity));
  if (flags.json) writeJson({ ...json, findings: worst });
  else writeStdout(text + worst.map(lineOf).join(""));
  // Commands are read from stderr, too: stdout is the answer.
  const ci = detectCi({ write: (line) => process.stderr.write(line) });
  ci.annotate(worst);
  ci.summary(`## ${title}\n\n${findingsInMarkdown(worst)}`);
  ci.output("findings", String(worst.length));
  if (worst.some(({ severity }) => severity !== "note")) process.exitCode = 7;
}

const RANKS = ["error", "warning", "note"];

function lineOf({ id, severity, message, environment, hint }: Finding): string {
  const where = environment === undefined ? "" : ` [${environment}]`;
  const said = message.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
  return `${severity}: ${said} (${id})${where}\n${hint === undefined ? "" : `  ${printable(hint)}\n`}`;
}
