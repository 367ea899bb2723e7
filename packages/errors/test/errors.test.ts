import { describe, expect, it } from "vitest";
import { assertBytes, assertInteger, assertOneOf, assertString, VaultError } from "../src/index.ts";

describe("VaultError", () => {
  class ToyError extends VaultError<"BROKEN"> {}

  it("carries a code, a hint, a cause and the name of its class", () => {
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

  it("has no cause property when none was given", () => {
    expect(Object.hasOwn(new ToyError("BROKEN", "the toy is broken"), "cause")).toBe(false);
  });
});

describe("asserters", () => {
  const everyType: unknown[] = [
    undefined,
    null,
    true,
    1,
    1n,
    "text",
    Symbol("s"),
    () => 0,
    {},
    [],
    Object.create(null),
    new Uint8Array(2),
  ];
  const isString = (value: unknown): boolean => typeof value === "string";
  const isNumber = (value: unknown): boolean => typeof value === "number";
  const isBytes = (value: unknown): boolean => value instanceof Uint8Array;

  it.each([
    ["assertBytes", (value: unknown) => assertBytes("thing", value), isBytes],
    ["assertString", (value: unknown) => assertString("thing", value), isString],
    ["assertInteger", (value: unknown) => assertInteger("thing", value, 0, 5), isNumber],
    ["assertOneOf", (value: unknown) => assertOneOf("thing", value, ["text"]), isString],
  ])("%s takes its own type and throws a titled TypeError for every other", (_name, check, fits) => {
    for (const value of everyType) {
      if (fits(value)) expect(() => check(value)).not.toThrow();
      else
        expect(() => check(value)).toThrow(
          expect.objectContaining({ name: "TypeError", message: expect.stringMatching(/^thing: expected /) as string }),
        );
    }
  });

  it("throws RangeError for a wrong value of the right type, without the value of a string", () => {
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
