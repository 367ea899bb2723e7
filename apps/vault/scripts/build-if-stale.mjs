// Builds the command before its tests run, unless it is newer than every source that it is made of.
// Each of its starts compiles its code, unless that is kept: here, for all homes of the tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const vault = join(import.meta.dirname, "..");
const root = join(vault, "../..");

const newestIn = (folder) =>
  Math.max(0, ...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, name)).mtimeMs));

/** Vitest calls this once, before the first test of the command; and what it gives in the end. */
export default function setup() {
  build();
  const compiled = mkdtempSync(join(realpathSync(tmpdir()), "git-vault-compiled-"));
  process.env.NODE_COMPILE_CACHE = compiled;
  return () => rmSync(compiled, { recursive: true, force: true });
}

function build() {
  const packages = join(root, "packages");
  const sources = readdirSync(packages).map((name) => join(packages, name, "src"));
  sources.push(
    join(vault, "src"),
    join(vault, "scripts"),
    join(root, "apps/page/src"),
    join(root, "apps/page/scripts"),
  );
  const built = statSync(join(vault, "dist/main.cjs"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = Math.max(...sources.map(newestIn), statSync(join(root, "docs/checks.md")).mtimeMs);
  if (newest < built) return;
  const { status } = spawnSync(process.execPath, [join(vault, "scripts/build.mjs")], { stdio: "inherit" });
  if (status !== 0) throw new Error("the command could not be built");
}
