import { mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { switchValue } from "../switches.ts";

/**
 * Makes `folder` with a `vault` in it that is the program, and gives a PATH that begins there and
 * goes on with the peers.
 */
export function pathWithVault(program: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  symlinkSync(program, join(folder, "vault"));
  return [folder, switchValue("GIT_VAULT_PEERS"), process.env["PATH"]].filter(Boolean).join(delimiter);
}
