/* Values, and where each comes from. */
export type { Explanation, Setting, Values } from "./merge.ts";
export { type GivenValues, keysOf, valuesOfSet } from "./given.ts";
export { formatPath, isMap, parsePath, type Value } from "./value.ts";
export { valueOf } from "./yaml.ts";
