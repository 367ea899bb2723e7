/* The replacement of a repository's key, which renews the grants of who stays. */
export { planRotation, type ApplyOptions, type RotationPlan, type RotationRequest } from "./plan.ts";
export type { PlannedGrant } from "./regrant.ts";
export { resumeRotation, type NewHolder, type RotatedKey } from "./result.ts";
