/* What should not be deployed, and checks of your own. */
export type { Check, CheckContext } from "./check.ts";
export { collectReport } from "./collect-report.ts";
export { CHECKS, type CheckOptions, runChecks } from "./run-checks.ts";
