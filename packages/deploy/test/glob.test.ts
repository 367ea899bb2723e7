import { expect, test } from "vitest";
import { globOf } from "../src/files/glob.ts";

/* As the examples of Go's filepath.Match have it (path/filepath/match_test.go). */
test.each<[pattern: string, name: string, fits: boolean | null]>([
  ["abc", "abc", true],
  ["*", "abc", true],
  ["*c", "abc", true],
  ["a*", "a", true],
  ["a*", "abc", true],
  ["a*", "ab/c", false],
  ["a*/b", "abc/b", true],
  ["a*/b", "a/c/b", false],
  ["a*b*c*d*e*/f", "axbxcxdxe/f", true],
  ["a*b*c*d*e*/f", "axbxcxdxexxx/f", true],
  ["a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false],
  ["a*b?c*x", "abxbbxdbxebxczzx", true],
  ["a*b?c*x", "abxbbxdbxebxczzy", false],
  ["ab[c]", "abc", true],
  ["ab[b-d]", "abc", true],
  ["ab[e-g]", "abc", false],
  ["ab[^c]", "abc", false],
  ["ab[^e-g]", "abc", true],
  [String.raw`a\*b`, "a*b", true],
  [String.raw`a\*b`, "ab", false],
  ["a?b", "a☺b", true],
  ["a[^a]b", "a☺b", true],
  ["a???b", "a☺b", false],
  ["[a-ζ]*", "α", true],
  ["*[a-ζ]", "A", false],
  ["a?b", "a/b", false],
  ["a*b", "a/b", false],
  [String.raw`[\]a]`, "]", true],
  [String.raw`[\-]`, "-", true],
  [String.raw`[x\-]`, "-", true],
  ["[]a]", "]", null],
  ["[-]", "-", null],
  ["[x-]", "x", null],
  ["[-x]", "x", null],
  ["\\", "a", null],
  ["[a-b-c]", "a", null],
  ["[", "a", null],
  ["[^", "a", null],
  ["[^bc", "a", null],
  ["a[", "a", null],
  ["*x", "xxx", true],
  ["my-notes", "my-notes", true],
  ["[b-a]", "a", false],
])("%s of %s: %s", (pattern, name, fits) => {
  expect(globOf(pattern)?.(name) ?? null).toBe(fits);
});

test("many stars take no longer than names and patterns are long", () => {
  const fits = globOf(`${"*a".repeat(1000)}b`);
  expect(fits?.("a".repeat(10_000))).toBe(false);
});
