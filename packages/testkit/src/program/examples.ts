import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "../peers/run.ts";
import { bundleProgram } from "./program.ts";

const ROOT = join(import.meta.dirname, "../../../..");

/** The TypeScript of a page in Markdown: its fenced blocks that begin with `ts`. */
export const examplesIn = (markdown: string): string[] =>
  [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);

/**
 * Compiles examples against the workspace's sources, strictly, and bundles each. Throws with the
 * compiler's words where one does not compile. Gives what `node` runs, in `folder`.
 */
export async function compileExamples(examples: readonly string[], folder: string): Promise<string[]> {
  const packages = join(ROOT, "packages");
  const paths = Object.fromEntries(
    readdirSync(packages).flatMap((name) => [
      [`@git-vault/${name}`, [join(packages, name, "src/index.ts")]],
      [`@git-vault/${name}/*`, [join(packages, name, "src/*/index.ts")]],
    ]),
  );
  const files = examples.map((_, at) => `example-${at + 1}.mts`);
  const lib = ["ES2023", "ESNext.Disposable", "DOM"];
  const compilerOptions = { noEmit: true, isolatedDeclarations: false, declaration: false, lib, paths };
  const include = [join(packages, "*/src/**/*.d.ts")];
  const config = { extends: join(ROOT, "tsconfig.base.json"), compilerOptions, files, include };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [at, name] of files.entries()) writeFileSync(join(folder, name), examples[at] ?? "");
  await runOk(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], { cwd: folder });
  return Promise.all(files.map((name) => bundleProgram(join(folder, name), join(folder, "bundled"))));
}
