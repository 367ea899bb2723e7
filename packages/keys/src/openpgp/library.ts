import type * as openpgpModule from "openpgp";

/** openpgp.js and per-call settings: its global ones belong to the whole process. */
export interface OpenPgpLibrary {
  readonly openpgp: typeof openpgpModule;
  readonly config: openpgpModule.Config;
}

/** 2^18 KiB: 256 MiB. */
const MAX_ARGON2_MEMORY = 18;

/** Loads openpgp.js, which is large, so only what meets OpenPGP data calls it. */
export async function loadOpenPgp(): Promise<OpenPgpLibrary> {
  const openpgp = await import("openpgp");
  return {
    openpgp,
    config: {
      ...openpgp.config,
      // Old keys of gpg do not say what they are for; then, as in gpg, their algorithm tells.
      allowMissingKeyFlags: true,
      maxArgon2MemoryExponent: MAX_ARGON2_MEMORY,
      minRSABits: 2048,
    },
  };
}
