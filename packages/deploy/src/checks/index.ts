/* What should not be deployed, and checks of your own. */
export type { Check, CheckContext } from "./check.ts";
export { CHECKS, runChecks } from "./run-checks.ts";
