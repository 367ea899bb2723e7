// Where a benchmark works: a folder of its own, which is also the home of what it runs and goes
// away in the end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The built command, or the main.cjs of another build, which `pnpm bench compare` names. */
export const vaultProgram =
  process.env.VAULT_PROGRAM ?? join(dirname(dirname(fileURLToPath(import.meta.url))), "apps/vault/dist/main.cjs");

/**
 * Makes the folder, and the environment in which both sides of a comparison run: peers are looked
 * for in $GIT_VAULT_PEERS first.
 */
export function workplace() {
  const folder = mkdtempSync(join(tmpdir(), "git-vault-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  // It costs every Node a certificate store, and would hide what is measured.
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
  const PATH = [process.env.GIT_VAULT_PEERS, process.env.PATH].filter(Boolean).join(delimiter);
  return { folder, env: { ...rest, HOME: folder, PATH } };
}
