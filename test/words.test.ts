import { expect, test } from "vitest";
import { files, read } from "./sources.ts";

/** Words that readers stumble over, and what to say. */
const DIALECT: readonly (readonly [pattern: RegExp, say: string])[] = [
  [/\bwhoever\b/i, "anyone who, the one who, no matter who"],
  [/\banew\b/i, "again, re-create"],
  [/\bthereby\b/i, "by that"],
  [/\bmeddled\b/i, "tampered"],
  [/\bshall\b/i, "must, will"],
  [/\blies here\b/i, "is in this clone"],
  [/(?<!the )\bin clear\b/i, "in the clear, in plaintext"],
  [/\btold to end\b/i, "interrupted, terminated"],
  [/\bwhat becomes of\b/i, "what happens to"],
  [/\b(?:keys?|copy|copies) of (?:age|SSH)'s\b/i, "an age key, an SSH key"],
];

const wordsIn = (path: string): string[] =>
  read(path)
    .split("\n")
    .flatMap((line, at) =>
      DIALECT.flatMap(([pattern, say]) => {
        const found = pattern.exec(line)?.[0];
        return found === undefined ? [] : `${path}:${at + 1}: "${found}"; say ${say}`;
      }),
    );

test("messages, docs, comments and titles are in plain English", () => {
  const texts = files(/\.(?:ts|mts|mjs|md|html|sh)$|\/test\/scripts\/.*\.txt$/).filter(
    (path) => !path.endsWith("words.test.ts"),
  );
  expect(texts.length).toBeGreaterThan(500);
  expect(texts.flatMap(wordsIn)).toEqual([]);
});
