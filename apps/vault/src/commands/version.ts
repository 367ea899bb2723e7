import { writeStdout } from "../streams.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

export function run(): void {
  writeStdout(`vault ${VAULT_VERSION}\n`);
}
