/* Random values files, as text: to be read by Helm and by us. */
import * as fc from "fast-check";
import { HELM_DIALECT, resolvePlain } from "../src/values/yaml-scalar.ts";

/** A value and how it is written. */
type Written =
  | { readonly kind: "scalar"; readonly text: string }
  | { readonly kind: "block"; readonly head: string; readonly lines: readonly string[] }
  | { readonly kind: "list"; readonly flow: boolean; readonly items: readonly Written[] }
  | { readonly kind: "map"; readonly flow: boolean; readonly entries: readonly (readonly [string, Written])[] };

const WORDS = [
  ..."y Y yes Yes YES n N no No NO on On ON off Off OFF true True TRUE false False tRUE oN nO null Null NULL ~ nULL".split(
    " ",
  ),
  ..."0755 0o17 0O17 08 0_755 0x1F 0X1f 0xg 0b101 0B1 -0b11 +0x1 -0x1 1_000 _1 1__0 1_ 0x_1 0b 0x +12 -12 - + 1e3 1E-2 1e".split(
    " ",
  ),
  ..."1.5 1. .5 -.5 +.5e1 1_0.5_0 .5_0 ._5 . .. 1e400 -0 -0.0 0.0 00 007 0o8 1:30 190:20:30 2001-01-01 12e03 1e+3 685.230_15e+03".split(
    " ",
  ),
  ..."2001-12-14T21:59:43.10-05:00 0x7fffffffffffffff 9223372036854775807 -9223372036854775808 123456789012 0.1 1.7976931348623157e308".split(
    " ",
  ),
  ..."01777777777777777777777 0b1111111 <<x =x .inf_ .infinity nan inf NaN Infinity 0x1p-2 0x.8p1 .e1 1.e1 1.2.3 v1.2 1-2 a:b ::".split(
    " ",
  ),
].filter((word) => word !== "-");

const isFinite = (text: string): boolean => {
  const value = resolvePlain(text);
  return typeof value !== "number" || Number.isFinite(value);
};

/** Text without quotes, of which Helm makes a number, a word or a string. */
const plainText = fc
  .oneof(
    fc.constantFrom(...WORDS),
    fc.string({ unit: fc.constantFrom(...Array.from("+-.0123456789_eExobXOBaAfFnNyY~:")), minLength: 1, maxLength: 7 }),
    fc.string({ unit: fc.constantFrom(...Array.from("0123456789.")), minLength: 1, maxLength: 6 }),
  )
  .filter((text) => !/^[-?:]$|:$|^:|^<<$/.test(text) && isFinite(text));

const quoted = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...Array.from("ab01 ~:#'\"\\é€😀{}[],&*!%@`|>-?\t")), fc.constant("\n")),
    maxLength: 8,
  })
  .chain((text) =>
    fc.constantFrom(JSON.stringify(text), ...(/[\n\t]/.test(text) ? [] : [`'${text.replaceAll("'", "''")}'`])),
  );

const block = fc
  .tuple(
    fc.constantFrom("|", "|-", "|+", ">", ">-", ">+"),
    fc.array(fc.stringMatching(/^[a-z0-9#:][a-z0-9 #:'"{]{0,6}$/), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 0, max: 2 }),
  )
  .map(([head, lines, blank]): Written => ({
    kind: "block",
    head,
    lines: [...lines.slice(0, 1), ...Array.from({ length: blank }, () => ""), ...lines.slice(1)],
  }));

const tagged = fc.constantFrom(
  "!!str 12",
  "!!str",
  "!!int '12'",
  "!!float 3",
  "!!bool 'yes'",
  "!!null ''",
  "!!binary aGk=",
  "!foo bar",
  "!foo 12",
);

const scalar = fc.oneof(
  { weight: 6, arbitrary: plainText },
  { weight: 2, arbitrary: quoted },
  { weight: 2, arbitrary: fc.constantFrom("null", "~", "", "1", "2", "a") },
  { weight: 1, arbitrary: tagged },
);

const key = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c", "d") },
  {
    weight: 2,
    arbitrary: plainText.filter((text) => HELM_DIALECT.key(resolvePlain(text)) !== null && text.length < 20),
  },
  { weight: 1, arbitrary: fc.constantFrom('"a"', "'b'", '"on"', '"1"', '"é"') },
);

/** Two keys that Helm reads as one have no order there; 0.0 and -0.0 are one to Go. */
const keyName = (text: string): string =>
  /^["']/.test(text) ? text.slice(1, -1) : (HELM_DIALECT.key(resolvePlain(text)) ?? "").replace(/^-0$/, "0");

const { map } = fc.letrec<{ node: Written; map: Written }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar.map((text): Written => ({ kind: "scalar", text })),
    block,
    fc.record({
      kind: fc.constant("list" as const),
      flow: fc.boolean(),
      items: fc.array(tie("node"), { maxLength: 3 }),
    }),
    tie("map"),
    tie("map"),
  ),
  map: fc.record({
    kind: fc.constant("map" as const),
    flow: fc.boolean(),
    entries: fc.uniqueArray(fc.tuple(key, tie("node")), { maxLength: 5, selector: ([text]) => keyName(text) }),
  }),
}));

/** In one line; a block scalar becomes a quoted one, and text that would end a flow is quoted. */
function flow(node: Written): string {
  if (node.kind === "block") return JSON.stringify(node.lines.join("\n"));
  if (node.kind === "list") return `[${node.items.map((item) => flow(item) || "null").join(", ")}]`;
  if (node.kind === "scalar") return /^[^"'].*:|^!!str$/.test(node.text) ? JSON.stringify(node.text) : node.text;
  const entries = node.entries.map(([name, value]) => {
    const safe = /^[^"'].*:/.test(name) ? JSON.stringify(name) : name;
    return `${safe}: ${flow(value)}`;
  });
  return `{${entries.join(", ")}}`;
}

/** What stands behind a colon or a dash. */
function write(node: Written, indent: string): string {
  if (node.kind === "scalar") return ` ${node.text}`;
  if (node.kind === "block")
    return ` ${node.head}\n${node.lines.map((line) => (line === "" ? "" : `${indent}${line}`)).join("\n")}`;
  if (node.flow || (node.kind === "list" ? node.items : node.entries).length === 0) return ` ${flow(node)}`;
  if (node.kind === "list")
    return `\n${node.items.map((item) => `${indent}-${write(item, `${indent}  `)}`).join("\n")}`;
  return `\n${node.entries.map(([name, value]) => `${indent}${name}:${write(value, `${indent}  `)}`).join("\n")}`;
}

/** The value of a key: a map, written as what follows `key:` at the top of a file. */
export const mapText: fc.Arbitrary<string> = map.map((node) => write(node, "  "));
