import { expect, test } from "vitest";
import { files, parse, read } from "./sources.ts";

const COLUMNS = 100;

/**
 * The lines of comments that reach beyond the columns. Directives to the linter cannot be wrapped.
 */
const tooLong = (path: string): string[] => {
  const text = read(path);
  const lines = text.split("\n");
  const long = new Set<number>();
  for (const { start, end, value } of parse(path).comments) {
    if (value.trimStart().startsWith("oxlint-disable")) continue;
    const first = text.slice(0, start).split("\n").length;
    const last = text.slice(0, end).split("\n").length;
    for (let line = first; line <= last; line += 1) if ((lines[line - 1] ?? "").length > COLUMNS) long.add(line);
  }
  return [...long].map((line) => `${path}:${line}`);
};

/** The same of what no parser here reads: lines that are a comment and nothing else. */
const tooLongElsewhere = (path: string): string[] =>
  read(path)
    .split("\n")
    .flatMap((line, at) => (/^\s*(?:#(?!!)|\/?\*)/.test(line) && line.length > COLUMNS ? [`${path}:${at + 1}`] : []));

test(`comments end before column ${COLUMNS + 1}`, () => {
  expect(files(/\.(?:ts|mts|mjs|cjs)$/).flatMap(tooLong)).toEqual([]);
  const others = /(?:\.(?:css|sh|toml|txt|ya?ml)|\/run|\/Containerfile|\.npmrc|ignore)$/;
  expect(files(others).flatMap(tooLongElsewhere)).toEqual([]);
});
