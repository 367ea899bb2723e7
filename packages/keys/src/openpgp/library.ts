import type * as openpgpModule from "openpgp";

/** openpgp.js, and its settings wherever it is used here. */
export interface OpenPgpLibrary {
  readonly openpgp: typeof openpgpModule;
  /**
   * To be given to each call: what is not a parameter of the library stays as others of the process
   * have it.
   */
  readonly config: openpgpModule.Config;
}

/** 2^18 KiB: 256 MiB. */
const MAX_ARGON2_MEMORY = 18;

/** Loads openpgp.js, which is large: only where something of OpenPGP's was met. */
export async function loadOpenPgp(): Promise<OpenPgpLibrary> {
  const openpgp = await import("openpgp");
  return {
    openpgp,
    config: {
      ...openpgp.config,
      // Old keys of gpg's do not say what they are for: then their algorithm does, as for gpg.
      allowMissingKeyFlags: true,
      maxArgon2MemoryExponent: MAX_ARGON2_MEMORY,
      minRSABits: 2048,
    },
  };
}
