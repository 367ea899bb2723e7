/* Deploying to several environments. */
export { rollout, type RolloutOutcome } from "./rollout.ts";
export { deploymentSteps } from "./rollout-steps.ts";
