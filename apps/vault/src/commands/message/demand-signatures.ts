import { printable } from "@git-vault/core";
import { Directory, userNameOf } from "@git-vault/directory";
import { signatureStates, type OpenedGrants } from "@git-vault/sharing/grants";
import { CliError } from "../../errors.ts";
import { unsigned } from "./signature-report.ts";
import type { SignerOptions } from "../../cli/flags.ts";

/**
 * As for a message: the signer of each grant must be known to the forge, and be who the flags want.
 * The keys are zeroed else.
 *
 * @throws CliError `UNSIGNED`, `SIGNER_UNCHECKED`, `SIGNER_DENIED`
 */
export async function demandSignatures(
  { opened }: OpenedGrants,
  { signedBy: wanted, offline }: SignerOptions,
): Promise<void> {
  const grants = opened.map(({ grant }) => grant);
  for (const [{ path, statement }, state] of await signatureStates(grants, offline ? null : new Directory())) {
    if (state.fingerprint === undefined) throw unsigned(`the grant ${printable(path)}`);
    const isWanted = wanted?.startsWith("SHA256:")
      ? state.fingerprint === wanted
      : state.state === "confirmed" && (wanted === undefined || userNameOf(wanted) === statement.grantedBy);
    if (isWanted) continue;
    for (const { key } of opened) key.fill(0);
    throw new CliError(
      state.state === "unchecked" ? "SIGNER_UNCHECKED" : "SIGNER_DENIED",
      `the grant ${printable(path)} is not known to be signed by ${printable(wanted ?? statement.grantedBy ?? "anybody")}`,
      { hint: `it was signed by the key ${state.fingerprint}` },
    );
  }
}
