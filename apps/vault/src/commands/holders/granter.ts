import { DirectoryError } from "@git-vault/directory";
import { isVaultError } from "@git-vault/core";
import type { GrantedBy } from "@git-vault/sharing/grants";
import { usageError } from "../../errors.ts";
import type { Options } from "../../cli/command.ts";
import type { DialogOptions, GRANT_SIGNING_FLAGS } from "../../cli/flags.ts";
import { say } from "../../io/streams.ts";
import { signerName, signOptions } from "../message/sign-options.ts";

/** What the flags for signing grants say. */
export type GranterOptions = DialogOptions & Options<typeof GRANT_SIGNING_FLAGS>;

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
export async function findGranter(options: GranterOptions): Promise<Granter> {
  const { signKey: key, noSign } = options;
  if (noSign) {
    if (key !== undefined) throw usageError("--no-sign and --sign-key were both given");
    return unsigned(options);
  }
  try {
    const { signer, from } = await signOptions(options);
    return { name: from ?? null, signer, lock: () => signer.lock() };
  } catch (error) {
    if (error instanceof DirectoryError && !isAboutName(error)) {
      // The forge was asked which key is whose only since none was named.
      const hint = "name the key by --sign-key, or leave the grants unsigned with --no-sign";
      throw new DirectoryError(error.code, `no key to sign with was found: ${error.message}`, { hint, cause: error });
    }
    if (key !== undefined || !isVaultError(error) || error.code !== "NO_SIGNING_KEY") throw error;
    if (!options.quiet) say(`vault: not signed: ${error.message}`);
    return unsigned(options);
  }
}

/** Whether the forge did answer: there is no such user, or none with keys. */
const isAboutName = ({ code }: DirectoryError): boolean => code === "NOT_FOUND" || code === "NO_KEYS";

const unsigned = (options: GranterOptions): Granter => ({
  name: signerName(options) ?? null,
  signer: null,
  lock: () => {},
});
