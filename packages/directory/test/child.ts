import { fileURLToPath } from "node:url";
import { run } from "@git-vault/testkit";

/** How one lookup ended in the child. */
export interface ChildResult {
  readonly name?: string;
  readonly fingerprints?: (string | null)[];
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

// The package as it is published, looked up by its own name.
const PROGRAM = `
import { Directory } from "@git-vault/directory";
const { queries, cacheFolder } = JSON.parse(process.argv[1]);
const directory = new Directory({ cacheFolder, timeout: 20000 });
const results = [];
for (const query of queries) {
  try {
    for (const { name, keys } of await directory.resolve(query))
      results.push({ name, fingerprints: keys.map(({ fingerprint }) => fingerprint) });
  } catch ({ code, message, hint }) {
    results.push({ code, message, hint });
  }
}
console.log(JSON.stringify({ results, internals: process.moduleLoadList }));
`;

/**
 * Looks recipients up in a Node of its own, for what an environment decides before the first line
 * runs.
 */
export async function lookUpInChild(
  queries: readonly string[],
  env: Record<string, string>,
): Promise<{ results: ChildResult[]; internals: string[]; stderr: string }> {
  const args = ["--input-type=module", "--eval", PROGRAM, JSON.stringify({ queries, cacheFolder: null })];
  const options = { cwd: fileURLToPath(new URL("..", import.meta.url)), env: { PATH: process.env["PATH"], ...env } };
  const { status, stdout, stderr } = await run(process.execPath, args, options);
  if (status !== 0) throw new Error(`the child ended with ${status}: ${stderr}`);
  return { ...(JSON.parse(stdout.toString()) as { results: ChildResult[]; internals: string[] }), stderr };
}
