/* Planning, deploying and going back. */
export { apply, checkPlan } from "./apply.ts";
export { AuditLog } from "./audit-log.ts";
export type { ApplyOptions } from "./deployment.ts";
export type { DeployLimits } from "./limits.ts";
export type { DeployEvent } from "./events.ts";
export { driftIn } from "./drift.ts";
export { isUnchanged, makePlan, type Plan } from "./plan.ts";
export { readPlan, writePlan } from "./plan-file.ts";
export { planPage } from "./plan-page.ts";
export { type PlanLine, planLines, planMarkdown, planText } from "./plan-report.ts";
export { template, type TemplatedObject, type TemplatedRelease, type TemplateOptions } from "./template.ts";
export { planRollback, rollBack, rollbackText } from "./rollback.ts";
export {
  neededRights,
  rbacManifests,
  rbacText,
  type NeededRights,
  type RbacSubject,
  type RightsOptions,
} from "./rbac.ts";
export type { Right } from "./rights.ts";
