import { fstatSync } from "node:fs";
import { printable } from "@git-vault/core";
import { type Ci, detectCi, secretsToMask } from "@git-vault/deploy/ci";
import { DeployError, type Project } from "@git-vault/deploy";
import { describe } from "../../cli/report-error.ts";
import { filterText, say } from "../../io/streams.ts";

let current: Ci | undefined;

/** The CI that runs this step. Its commands go to stderr, since stdout is the answer. */
export const currentCi = (): Ci => (current ??= detectCi({ write: (line) => process.stderr.write(line) }));

/**
 * From here on, nothing that this program prints, which may come from anyone who can commit, is a
 * command to the runner of a job in CI. Later steps, and later lines of this one, can give some.
 */
export function guardOutput(): void {
  const ci = currentCi();
  filterText((text) => ci.inert(text));
  ci.deafen();
  process.once("exit", () => ci.listen());
}

/** Neither this step of a job in CI nor a later one can print a secret that is read here. */
export function maskSecrets(project: Project): void {
  const ci = currentCi();
  if (ci.kind === "log") return;
  const { lines, tooShort } = secretsToMask(project);
  // What tells the runner of secrets holds them: into a file, which no runner reads, it is not
  // written.
  if (fstatSync(2).isFile()) return;
  ci.mask(lines);
  const [first] = tooShort;
  if (first === undefined) return;
  const others = tooShort.length === 1 ? "" : `, and ${tooShort.length - 1} more`;
  say(`vault: warning: too short to be masked, with less than 3 characters: ${printable(first)}${others}`);
}

/** Shows in CI, under its code, an error that ends the run. */
export function annotateError(error: unknown): void {
  const { code: id, message, hint } = describe(error);
  if (id === "CLOSED_PIPE") return;
  const place = error instanceof DeployError ? error.place : undefined;
  currentCi().annotate([{ id, severity: "error", message, hint, ...place }]);
}
