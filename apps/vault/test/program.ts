import { mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { switchValue } from "@git-vault/testkit";

/** The built program: what a user runs. */
export const VAULT: string = join(import.meta.dirname, "../dist/main.cjs");

/** Makes `folder` with a `vault` in it, and gives a PATH that begins there. */
export function pathWithVault(folder: string): string {
  mkdirSync(folder, { recursive: true });
  symlinkSync(VAULT, join(folder, "vault"));
  return [folder, switchValue("GIT_VAULT_PEERS"), process.env["PATH"]].filter(Boolean).join(delimiter);
}
