/* What a job in CI says of itself, and keeps to itself. */
export { type Ci, detectCi, isOfPullRequest } from "./ci.ts";
export { secretsToMask } from "./masks.ts";
