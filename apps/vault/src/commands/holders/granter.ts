import { DirectoryError } from "@git-vault/directory";
import { isVaultError } from "@git-vault/core";
import type { GrantedBy } from "@git-vault/sharing";
import { usageError } from "../../cli/errors.ts";
import { signerName, signOptions } from "../message/sign-options.ts";
import { say } from "../../io/streams.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/** Who grants: the name, and the key that signs. */
export interface Granter extends GrantedBy {
  /** Forgets the private key. */
  readonly lock: () => void;
}

/**
 * Finds who grants, and with which key they sign. Where no key was named and none is found, the
 * grants are not signed, which is said.
 *
 * @throws what `signOptions` does, but for a key that was not named
 */
export async function findGranter(flags: FlagValues): Promise<Granter> {
  const key = flags["sign-key"];
  if (flags["no-sign"]) {
    if (key !== undefined) throw usageError("--no-sign and --sign-key were both given");
    return unsigned(flags);
  }
  try {
    const { signer, from } = await signOptions(flags);
    return { name: from ?? null, signer, lock: () => signer.lock() };
  } catch (error) {
    if (error instanceof DirectoryError && !isAboutName(error)) {
      // The forge was asked which key is whose only since none was named.
      const hint = "name the key by --sign-key, or leave the grants unsigned with --no-sign";
      throw new DirectoryError(error.code, `no key to sign with was found: ${error.message}`, { hint, cause: error });
    }
    if (key !== undefined || !isVaultError(error) || error.code !== "NO_SIGNING_KEY") throw error;
    if (!flags.quiet) say(`vault: not signed: ${error.message}`);
    return unsigned(flags);
  }
}

/** Whether the forge did answer: there is no such user, or none with keys. */
const isAboutName = ({ code }: DirectoryError): boolean => code === "NOT_FOUND" || code === "NO_KEYS";

const unsigned = (flags: FlagValues): Granter => ({ name: signerName(flags) ?? null, signer: null, lock: () => {} });
