import { readdirSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import type { LocalNames } from "@git-vault/keys";
import { readFile } from "./read-file.ts";

/** How `@git-vault/keys` reads the SSH configuration of this machine. */
export const configSource = (
  env: NodeJS.ProcessEnv,
): { read: typeof readFile; list: (folder: string) => string[]; local: LocalNames } => ({
  read: readFile,
  list: (folder) => readdirSync(folder),
  local: { ...whoIAm(env), host: hostname(), env },
});

/** A container may run as a user that the system does not know. */
function whoIAm(env: NodeJS.ProcessEnv): { user: string; uid: number } {
  try {
    const { username, uid } = userInfo();
    return { user: username, uid };
  } catch {
    return { user: env["USER"] ?? "", uid: process.getuid?.() ?? -1 };
  }
}
