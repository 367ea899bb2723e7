// `pnpm bench NAME [--json]`: runs bench/NAME.mjs with the arguments that follow; without a name,
// lists them.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What the benchmarks use. */
const TOOLS = new Set(["run.mjs", "measure.mjs", "workplace.mjs", "age-encryption.mjs"]);
const folder = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".mjs") && !TOOLS.has(file))
  .map((file) => file.slice(0, -".mjs".length));
const [name] = process.argv.splice(2, 1);
if (names.includes(name)) {
  await import(pathToFileURL(join(folder, `${name}.mjs`)).href);
} else {
  console.error(`usage: pnpm bench ${names.join("|")}`);
  process.exitCode = 2;
}
