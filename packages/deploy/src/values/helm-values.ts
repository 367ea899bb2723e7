import type { Value } from "./value.ts";

/** What YAML does not let stand in quotes as it is, of what JSON does. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/gu;

/**
 * Values as Helm reads them from standard input: JSON, that is YAML to go-yaml, too.
 */
export const helmValues = (value: Value): string =>
  JSON.stringify(value, null, 1).replaceAll(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
