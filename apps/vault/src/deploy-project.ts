import { Project } from "@git-vault/deploy";
import { openKey } from "./git-crypt-key.ts";
import { readOperand } from "./input.ts";
import { privateKeys } from "./private-keys.ts";
import type { FlagValues } from "./table.ts";

/** Opens the project of the repository that the run stands in, with the key that the flags name. */
export async function openProject(flags: FlagValues): Promise<Project> {
  const { "key-file": keyFile, revision } = flags;
  const bytes = keyFile === undefined ? undefined : (await openKey(readOperand(keyFile), flags)).key;
  const { keyFiles, passphrase } = await privateKeys(flags);
  try {
    return await Project.open({
      root: process.cwd(),
      ...(revision === undefined ? {} : { revision }),
      key: { bytes, identities: keyFiles, passphrase },
    });
  } finally {
    bytes?.fill(0);
  }
}

/**
 * Runs `job` so that Ctrl-C and a request to end reach the programs that it started, and are waited for: what they clean up is
 * cleaned up.
 */
export async function interruptible<T>(job: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await job(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
