import { fstatSync } from "node:fs";
import { type Ci, detectCi, secretsToMask } from "@git-vault/deploy/ci";
import { DeployError, type Project } from "@git-vault/deploy";
import { describe } from "../../cli/report-error.ts";

/** The CI that runs this step. Its commands go to stderr, since stdout is the answer. */
export const currentCi = (): Ci => detectCi({ write: (line) => process.stderr.write(line) });

/** Neither this step of a job in CI nor a later one can print a secret that is read here. */
export function maskSecrets(project: Project): void {
  const ci = currentCi();
  // What tells the runner of secrets holds them: into a file, which no runner reads, it is not
  // written.
  if (ci.kind !== "log" && !fstatSync(2).isFile()) ci.mask(secretsToMask(project));
}

/** Shows in CI, under its code, an error that ends the run. */
export function annotateError(error: unknown): void {
  const { code: id, message, hint } = describe(error);
  if (id === "CLOSED_PIPE") return;
  const place = error instanceof DeployError ? error.place : undefined;
  currentCi().annotate([{ id, severity: "error", message, hint, ...place }]);
}
