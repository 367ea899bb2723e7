/*
 * JSON Schemas judged as Helm judges them, by ajv: Helm's validator (santhosh-tekuri/jsonschema)
 * and ajv differ in what stands beside a $ref, in decimals, and in which drafts formats count.
 */
import type { Ajv, CodeOptions, ValidateFunction } from "ajv";
import type { Ajv2019 } from "ajv/dist/2019.js";
import { wayOut } from "../charts/foreign-schemas.ts";
import { isMap, textAt } from "../values/value.ts";

/** Whether a value is as a schema says; what is wrong with it is in `errors`. */
export type Validate = ((value: unknown) => boolean) & { readonly errors: () => ValidateFunction["errors"] };

/**
 * Compiles a schema.
 *
 * @throws Error for one that is none, refers to what is not in it, or has a pattern that Go does
 * not take; in the same way, the function that is given throws for one that refers to itself
 * without an end
 */
export async function compileSchema(schema: object | boolean): Promise<Validate> {
  if (wayOut(schema) !== null) throw new Error("it leads out of its file");
  const { default: addFormats } = await import("ajv-formats");
  const { Draft, isOld } = await draftOf(textAt(schema, "$schema"));
  const options = { allErrors: true, strict: false, logger: false, validateSchema: false } as const;
  // Since 2019-09, a format is a remark.
  const ajv = new Draft({ ...options, validateFormats: isOld, code: { regExp: await linearRegExp() } });
  addFormats.default(ajv);
  ajv.removeKeyword("multipleOf");
  ajv.addKeyword({
    keyword: "multipleOf",
    type: "number",
    schemaType: "number",
    error: { message: ({ schema: of }) => `must be multiple of ${of}` },
    validate: (of: number, value: number) => isMultiple(value, of),
  });
  const validate = endedIfCircular(() => ajv.compile(typeof schema === "boolean" ? schema : readable(schema, isOld)));
  return Object.assign((value: unknown): boolean => validate(value), { errors: () => validate.errors });
}

/** ajv follows a circle of references to the end of the stack. */
function endedIfCircular(compile: () => ValidateFunction): ValidateFunction {
  try {
    return compile();
  } catch (error) {
    throw error instanceof RangeError ? new Error("it refers to itself without an end") : error;
  }
}

type Draft = typeof Ajv | typeof Ajv2019;

/** Without a `$schema`, Helm takes the newest draft. */
async function draftOf(dialect: string): Promise<{ Draft: Draft; isOld: boolean }> {
  if (/draft-0\d/.test(dialect)) return { Draft: (await import("ajv")).Ajv, isOld: true };
  if (dialect.includes("2019-09")) return { Draft: (await import("ajv/dist/2019.js")).Ajv2019, isOld: false };
  return { Draft: (await import("ajv/dist/2020.js")).Ajv2020, isOld: false };
}

/** Of what a $ref may refer to, nothing is taken away. */
const KEPT: ReadonlySet<string> = new Set(["$ref", "definitions", "$defs"]);

/** Without `$schema`, which is known; up to draft 7, what stands beside a `$ref` does not count. */
function readable(schema: object, isOld: boolean): object {
  const { $schema: _, ...rest } = Object.fromEntries(Object.entries(schema));
  return isOld ? Object.fromEntries(entriesOf(rest)) : rest;
}

function entriesOf(map: object): [string, unknown][] {
  const entries = Object.entries(map).map(([key, value]): [string, unknown] => [key, withoutSiblings(value)]);
  const refers = entries.some(([key, value]) => key === "$ref" && typeof value === "string");
  return refers ? entries.filter(([key]) => KEPT.has(key)) : entries;
}

function withoutSiblings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSiblings);
  return isMap(value) ? Object.fromEntries(entriesOf(value)) : value;
}

/** Exactly, in decimals: 0.07 is 7 times 0.01. */
function isMultiple(value: number, of: number): boolean {
  const [a, b] = [decimalOf(value), decimalOf(of)];
  if (a === null || b === null || b.digits === 0n) return false;
  const exponent = Math.min(a.exponent, b.exponent);
  const scaled = (one: typeof a): bigint => one.digits * 10n ** BigInt(one.exponent - exponent);
  return scaled(a) % scaled(b) === 0n;
}

function decimalOf(value: number): { readonly digits: bigint; readonly exponent: number } | null {
  const [, whole, fraction = "", exponent = "0"] = /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  if (whole === undefined) return null;
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/** Patterns in Go's syntax (RE2), as Helm has them, matched in linear time. */
async function linearRegExp(): Promise<RegExpEngine> {
  const { RE2JS } = await import("re2js");
  const engine = (pattern: string): ReturnType<RegExpEngine> => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    // By this, ajv tells one from another.
    const told = { toString: () => pattern };
    return Object.assign(told, { test: (text: string) => compiled.matcher(text).find() });
  };
  // Only code that is written to a file would name it.
  return Object.assign(engine, { code: "linearRegExp" });
}

type RegExpEngine = NonNullable<CodeOptions["regExp"]>;
