import { throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { filterLines, macrosIn } from "../src/git/attribute-lines.ts";
import { mayFitPath } from "../src/git/once-protected.ts";

/** Files of attributes, with bytes of Latin-1, and a path that they speak of. */
const FILES: readonly (readonly [name: string, text: string, path: string])[] = [
  ["a plain line", "sec/** filter=git-crypt\n", "sec/a"],
  ["line ends of Windows", "sec/** filter=git-crypt\r\n", "sec/a"],
  ["the last line without its end", "sec/** -text filter=git-crypt", "sec/a"],
  ["a byte order mark", "\xef\xbb\xbfsec/** filter=git-crypt\n", "sec/a"],
  [
    "a letter with a byte that is a blank in Latin-1",
    "donn\xc3\xa9es-\xc3\xa0/** filter=git-crypt\n",
    "donn\xc3\xa9es-\xc3\xa0/a",
  ],
  ["another", "\xd0\xa0\xd0\x85/** filter=git-crypt\n", "\xd0\xa0\xd0\x85/a"],
  ["tabs", "\tsec/**\tfilter=git-crypt\t\n", "sec/a"],
  ["quotes", '"sec/a b" filter=git-crypt\n', "sec/a b"],
  ["a macro", "[attr]m filter=git-crypt\nsec/** m\n", "sec/a"],
  ["a macro in quotes", '"[attr]m" filter=git-crypt\nsec/** m\n', "sec/a"],
  ["a comment", "# sec/** filter=git-crypt\n", "sec/a"],
  ["a vertical tab", "sec/**\vfilter=git-crypt\n", "sec/a"],
  ["no attribute", "sec/** \r\n", "sec/a"],
];

test.each(FILES)("%s is read as git reads it", async (_, text, path) => {
  using repo = await throwawayRepository();
  repo.write(".gitattributes", Buffer.from(text, "latin1"));
  const answer = await repo.git(
    "-c",
    "core.quotePath=false",
    "check-attr",
    "filter",
    "--",
    Buffer.from(path, "latin1").toString(),
  );
  const lines = filterLines(text, macrosIn([text]));
  expect(lines.flatMap(({ filters }) => filters)).toEqual(
    answer.toString().endsWith(": filter: git-crypt\n") ? ["git-crypt"] : [],
  );
});

test("a pattern that git finds to fit a path is never passed over", async () => {
  const names = [".gitattributes", "sub/.gitattributes", "sub/deep/.gitattributes", "Sub/.gitattributes", "s?b/a"];
  const patterns = [
    ["*", "**", "/*", ".git*", "/.gitattributes", "/.GITattributes", "sub/*", "/sub/**", "sub/**/.gitattributes"],
    [
      "**/.gitattributes",
      "sub/deep/*",
      "s?b/a",
      "s[u]b/*",
      "s\\ub/*",
      "SUB/*",
      '"sub/*"',
      "sub/",
      "deep/*",
      "secrets/**",
    ],
  ].flat();
  using repo = await throwawayRepository();
  await repo.git("config", "core.ignoreCase", "true");
  let passedOver = 0;
  for (const source of [".gitattributes", "sub/.gitattributes"]) {
    for (const pattern of patterns) {
      repo.write(".gitattributes", "");
      repo.write("sub/.gitattributes", "");
      repo.write(source, `${pattern} filter=git-crypt\n`);
      const fitting = (await repo.git("check-attr", "filter", "--", ...names))
        .toString()
        .split("\n")
        .filter((line) => line.endsWith(": git-crypt"));
      const mayFit = mayFitPath(pattern, source, names);
      if (!mayFit) passedOver += 1;
      expect({ source, pattern, fits: fitting.length > 0 && !mayFit }).toEqual({ source, pattern, fits: false });
    }
  }
  expect(passedOver).toBeGreaterThan(5);
});
