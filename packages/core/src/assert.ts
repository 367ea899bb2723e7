/*
 * Asserters for the public borders of the packages: a TypeError for a value of the wrong type, a
 * RangeError for a wrong value. They name the argument by its title and say what came by type and
 * size only, since the value may be a secret.
 */

const nameOfType = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "object") return value.constructor?.name ?? "object";
  return typeof value;
};

/**
 * Asserts that `value` is a Uint8Array (a Buffer is one), of exactly `length` bytes where that is
 * given.
 *
 * @throws TypeError for another type, RangeError for another length.
 */
export function assertBytes(title: string, value: unknown, length?: number): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`${title}: expected a Uint8Array, got ${nameOfType(value)}`);
  }
  if (length !== undefined && value.length !== length) {
    throw new RangeError(`${title}: expected ${length} bytes, got ${value.length}`);
  }
}

/**
 * Asserts that `value` is a string.
 *
 * @throws TypeError for another type.
 */
export function assertString(title: string, value: unknown): asserts value is string {
  if (typeof value !== "string") {
    throw new TypeError(`${title}: expected a string, got ${nameOfType(value)}`);
  }
}

/**
 * Asserts that `value` is a safe integer from `min` to `max`, both included.
 *
 * @throws TypeError for another type, RangeError for a fraction or a number outside.
 */
export function assertInteger(title: string, value: unknown, min: number, max: number): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`${title}: expected a number, got ${nameOfType(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${title}: expected an integer from ${min} to ${max}, got ${value}`);
  }
}

/**
 * Asserts that `value` is one of `allowed`.
 *
 * @throws TypeError for a value that is not a string, RangeError for another string.
 */
export function assertOneOf<const T extends string>(
  title: string,
  value: unknown,
  allowed: readonly T[],
): asserts value is T {
  assertString(title, value);
  if (!(allowed as readonly string[]).includes(value)) {
    throw new RangeError(`${title}: expected one of ${allowed.join(", ")}`);
  }
}
