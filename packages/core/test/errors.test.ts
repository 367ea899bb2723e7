import { describe, expect, test } from "vitest";
import { assertBytes, assertInteger, assertOneOf, assertString, VaultError } from "../src/index.ts";

describe("VaultError", () => {
  class ToyError extends VaultError<"BROKEN"> {}

  test("carries a code, a hint, a cause and the name of its class", () => {
    const cause = new Error("underneath");
    const error = new ToyError("BROKEN", "the toy is broken", { hint: "buy another", cause });
    expect(error).toMatchObject({
      name: "ToyError",
      code: "BROKEN",
      message: "the toy is broken",
      hint: "buy another",
      cause,
    });
    expect(error).toBeInstanceOf(Error);
  });

  test("has no cause property when none was given", () => {
    expect(Object.hasOwn(new ToyError("BROKEN", "the toy is broken"), "cause")).toBe(false);
  });
});

describe("asserters", () => {
  const everyType: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    boolean: true,
    number: 1,
    bigint: 1n,
    string: "text",
    symbol: Symbol("s"),
    function: () => 0,
    object: {},
    array: [],
    bare: Object.create(null),
    bytes: new Uint8Array(2),
  };

  /** The types that a check lets pass; every other one must get a titled TypeError. */
  function passedBy(check: (value: unknown) => void): string[] {
    return Object.entries(everyType).flatMap(([type, value]) => {
      try {
        check(value);
        return [type];
      } catch (error) {
        const isTitled = error instanceof TypeError && /^thing: expected .+, got .+/.test(error.message);
        return isTitled ? [] : [`${type}: ${String(error)}`];
      }
    });
  }

  test.each([
    ["assertBytes", (value: unknown) => assertBytes("thing", value), "bytes"],
    ["assertString", (value: unknown) => assertString("thing", value), "string"],
    ["assertInteger", (value: unknown) => assertInteger("thing", value, 0, 5), "number"],
    ["assertOneOf", (value: unknown) => assertOneOf("thing", value, ["text"]), "string"],
  ])("%s takes its own type and throws a titled TypeError for every other", (_name, check, own) => {
    expect(passedBy(check)).toEqual([own]);
  });

  test("throws RangeError for a wrong value of the right type, without the value of a string", () => {
    expect(() => assertBytes("salt", new Uint8Array(3), 16)).toThrow(new RangeError("salt: expected 16 bytes, got 3"));
    expect(() => assertInteger("index", 1.5, 1, 9)).toThrow(RangeError);
    expect(() => assertInteger("index", 10, 1, 9)).toThrow(
      new RangeError("index: expected an integer from 1 to 9, got 10"),
    );
    expect(() => assertOneOf("format", "hunter2", ["age", "ssh-vault"])).toThrow(
      new RangeError("format: expected one of age, ssh-vault"),
    );
  });
});
