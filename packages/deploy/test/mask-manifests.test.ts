import { describe, expect, test } from "vitest";
import { ManifestMask } from "../src/secrets/mask-manifests.ts";
import { Redactor } from "../src/secrets/redactor.ts";
import { mapAt, type Value } from "../src/values/value.ts";

const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");
const secretOf = (fields: Readonly<Record<string, Value>>): Value => ({ apiVersion: "v1", kind: "Secret", ...fields });
/** What is shown of a Secret's data. */
function dataOf(secret: Value): Record<string, string> {
  const entries = Object.entries(mapAt(secret, "data"));
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === "string" ? value : "no text"]));
}
const MARK = /^\[secret [\da-f]{8}\]$/;

function maskOf(...secrets: string[]): ManifestMask {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret, "a secret");
  return new ManifestMask(redactor);
}

describe("what is shown of an object", () => {
  test("has a digest in place of a known secret, in texts, numbers and keys", () => {
    const shown = maskOf("hunter2x", "12345678").mask({ hunter2x: "a", b: ["hunter2x", 12_345_678, 1234], c: true });
    const [key = "", ...others] = Object.keys(shown ?? {});
    expect(key).toMatch(MARK);
    expect(others).toEqual(["b", "c"]);
    expect(shown).toEqual({ [key]: "a", b: [key, expect.stringMatching(MARK), 1234], c: true });
  });

  test("has a digest in place of all that a Secret holds, and tells whether two are the same", () => {
    const data = { one: base64("first-value"), two: base64("first-value"), three: base64("other-value") };
    const shown = maskOf().mask(secretOf({ data, stringData: { four: "first-value", five: 5 } }));
    const { one = "", three = "", five = "" } = dataOf(shown);
    expect(shown).toEqual(secretOf({ data: { one, two: one, three, four: one, five } }));
    for (const mark of [one, three, five]) expect(mark).toMatch(MARK);
    expect(one).not.toBe(three);
  });

  test("is hidden whole where it has other lines than its twin", () => {
    const shown = maskOf().mask(
      { a: "user: x\nuser: secret\nlast", b: "user: secret" },
      { value: { a: "user: x\nlast", b: "user: x" } },
    );
    expect(shown).toEqual({ a: expect.stringMatching(MARK), b: expect.stringMatching(/^user: \[secret \w+\]$/) });
  });

  test("has another digest by another mask, so that nobody can try values", () => {
    expect(maskOf("hunter2x").maskText("hunter2x")).not.toBe(maskOf("hunter2x").maskText("hunter2x"));
  });
});

describe("what a Secret holds", () => {
  const shownAfter = (learnt: Value, text: string): Value => {
    const mask = maskOf();
    mask.add(learnt, "none");
    return mask.mask(text);
  };

  test.each<[string, Value]>([
    ["data", secretOf({ data: { a: base64("8-bytes!") } })],
    ["stringData", secretOf({ stringData: { a: "8-bytes!" } })],
    ["a List", { apiVersion: "v1", kind: "List", items: [secretOf({ stringData: { a: "8-bytes!" } })] }],
    ["a list", [secretOf({ stringData: { a: "8-bytes!" } })]],
  ])("is known elsewhere, in %s", (_, learnt) => {
    expect(shownAfter(learnt, "8-bytes!")).toMatch(MARK);
  });

  test("is any word where it has less than eight characters, or another kind holds it", () => {
    expect(shownAfter(secretOf({ stringData: { a: "7-bytes" } }), "7-bytes")).toBe("7-bytes");
    expect(shownAfter({ kind: "ConfigMap", apiVersion: "v1", data: { a: "8-bytes!" } }, "8-bytes!")).toBe("8-bytes!");
  });

  test("is told apart where it is no text", () => {
    const mask = maskOf();
    const shown = mask.mask(secretOf({ data: { a: base64(Buffer.of(0xff)), b: base64(Buffer.of(0xfe)) } }));
    const { a, b } = dataOf(shown);
    expect(a).not.toBe(b);
  });
});
