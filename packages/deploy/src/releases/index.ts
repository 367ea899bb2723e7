/* Planning, deploying and going back. */
export { apply, checkPlan } from "./apply.ts";
export { AuditLog } from "./audit-log.ts";
export type { ApplyOptions } from "./deployment.ts";
export type { DeployLimits } from "./limits.ts";
export type { DeployEvent } from "./events.ts";
export { isUnchanged, makePlan, type Plan } from "./plan.ts";
export { readPlan, writePlan } from "./plan-file.ts";
export { planMarkdown, planText } from "./plan-report.ts";
export { planRollback, rollBack, rollbackText } from "./rollback.ts";
