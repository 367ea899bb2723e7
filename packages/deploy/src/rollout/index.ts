/* Deploying to several environments. */
export { rollout, rolloutGraph, type RolloutEvent, type RolloutOutcome } from "./rollout.ts";
export { deploymentSteps } from "./rollout-steps.ts";
