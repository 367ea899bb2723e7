import { printable } from "@git-vault/core";
import { Directory, forgeUserOf, parseQuery, userNameOf } from "@git-vault/directory";
import type { MessageSignature } from "@git-vault/sealing";
import { checkSigner, type SignerCheck } from "@git-vault/sharing";
import { CliError } from "../../errors.ts";
import { wantsSignature, type SignerOptions } from "../../cli/flags.ts";
import { say } from "../../io/streams.ts";

/** How a signature is checked, and whether it is told of. */
export interface CheckOptions extends SignerOptions {
  readonly quiet: boolean;
  readonly insecureHttp?: boolean;
}

/** What --json tells of a signature. */
export interface SignatureReport {
  readonly from: string | null;
  readonly fingerprint: string;
  readonly date: string;
  readonly state: SignerCheck["state"];
  readonly reason: string | null;
}

/** The error for what has no signature where one is wanted. */
export const unsigned = (what: string): CliError =>
  new CliError("UNSIGNED", `${what} is not signed`, {
    hint: "ask the sender to share it again, with `vault share --sign`",
  });

/**
 * Finds out whose a verified signature is, as the flags say, and tells it.
 *
 * @throws CliError `SIGNER_DENIED`, `SIGNER_UNCHECKED` where a signature is wanted; DirectoryError
 * for the recipient of --signed-by
 */
export async function reportSignature(signature: MessageSignature, options: CheckOptions): Promise<SignatureReport> {
  const { from, date, publicKey } = signature;
  const { fingerprint } = publicKey;
  const wanted = options.signedBy;
  const check =
    wanted === undefined ? await checkNamed(signature, options) : await checkWanted(signature, wanted, options);
  if (wantsSignature(options) && check.state !== "confirmed") {
    const code = check.state === "denied" ? "SIGNER_DENIED" : "SIGNER_UNCHECKED";
    throw new CliError(
      code,
      `the signature is not known to be ${printable(wanted ?? from ?? "anybody")}'s: ${check.reason}`,
      { hint: `it was made by the key ${fingerprint}` },
    );
  }
  if (!options.quiet) say(`vault: ${sentence(signature, wanted, check)}`);
  const reason = check.state === "confirmed" ? null : check.reason;
  return { from, fingerprint, date, state: check.state, reason };
}

function sentence(
  { from, publicKey: { fingerprint } }: MessageSignature,
  wanted: string | undefined,
  check: SignerCheck,
): string {
  if (check.state === "confirmed") {
    if (from === null || wanted !== undefined) return `signed by ${printable(wanted ?? "")} (${fingerprint})`;
    return `signed by ${from} (${fingerprint}), whose keys on ${forgeUserOf(from)?.forge.title ?? "the forge"} include it`;
  }
  if (from === null) return `signed by ${fingerprint}; the signature names nobody`;
  if (check.state === "denied") return `warning: signed as ${from} by ${fingerprint}, but ${check.reason}`;
  return `signed as ${from} by ${fingerprint}; the name was not checked: ${check.reason}`;
}

const checkNamed = (signature: MessageSignature, options: CheckOptions): Promise<SignerCheck> =>
  checkSigner(signature, options.offline ? null : new Directory());

/** Whether the key is one of R's, and R whom the signature names, if anybody. */
async function checkWanted(
  { from, publicKey }: MessageSignature,
  wanted: string,
  options: CheckOptions,
): Promise<SignerCheck> {
  const denied: SignerCheck = { state: "denied", reason: "the key is not one of theirs" };
  if (wanted.startsWith("SHA256:")) {
    return wanted === publicKey.fingerprint ? { state: "confirmed", source: "the key itself" } : denied;
  }
  const name = userNameOf(wanted);
  if (name !== null) {
    if (from !== null && from !== name) return { state: "denied", reason: `it names ${from}` };
    return checkSigner({ from: name, publicKey }, options.offline ? null : new Directory());
  }
  if (options.offline && !["file", "literal"].includes(parseQuery(wanted).kind)) {
    return { state: "unchecked", reason: "--offline forbids to ask for their keys" };
  }
  const entries = await new Directory({ allowHttp: options.insecureHttp === true }).resolve(wanted);
  const entry = entries.find(({ keys }) => keys.some(({ fingerprint }) => fingerprint === publicKey.fingerprint));
  return entry === undefined ? denied : { state: "confirmed", source: entry.source };
}
