import { expect, test } from "vitest";
import { files, parse, read } from "./sources.ts";

interface Node {
  readonly type: string;
  readonly key?: { readonly name?: string };
  readonly id?: { readonly name?: string };
  readonly value?: Place;
  readonly init?: Place;
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** The source of each `hint:` and of each constant that is named as a hint. */
function hints(path: string): string[] {
  const found: string[] = [];
  const see = ({ type, key, id, value, init }: Node): void => {
    const isHint = (type === "Property" && key?.name === "hint") || /hint/i.test(id?.name ?? "");
    const hint = isHint ? (value ?? init) : undefined;
    if (hint) found.push(read(path).slice(hint.start, hint.end));
  };
  visit(parse(path).program, see);
  return found;
}

function visit(node: unknown, see: (node: Node) => void): void {
  if (node === null || typeof node !== "object") return;
  if ("type" in node && typeof node.type === "string") see(node as Node);
  for (const child of Object.values(node)) visit(child, see);
}

/** Whether a text speaks of `vault …`, or of a flag that is not one of another program. */
function namesCommand(text: string): boolean {
  const others = /\b(?:git (?!vault)|helm|kubectl|gpg|ssh-keygen|clone)\b/;
  return /(?<![\w-])vault [a-z]/.test(text) || (/[\s`"]--[a-z]/.test(text) && !others.test(text));
}

test("hints of packages are found", () => {
  expect(files(/^packages\/git-crypt\/src\/.*\.ts$/).flatMap(hints)).not.toHaveLength(0);
});

test("no hint of a package names the command or a flag: the command says it in its own words", () => {
  const naming = files(/^packages\/(?!testkit\/)[^/]+\/src\/.*\.ts$/).flatMap((path) =>
    hints(path)
      .filter(namesCommand)
      .map((hint) => `${path}: ${hint}`),
  );
  expect(naming).toEqual([]);
});
