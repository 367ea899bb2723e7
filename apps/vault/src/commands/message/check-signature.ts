import type { MessageSignature } from "@git-vault/sealing";
import { wantsSignature } from "../../cli/flags.ts";
import type { CheckOptions, SignatureReport } from "./signature-report.ts";

/**
 * Finds out whose the signature of `what` is, and tells it. Most messages have none, which is told
 * only where one is wanted: then it is null.
 *
 * @throws CliError `UNSIGNED`; what `reportSignature` does
 */
export async function checkSignature(
  signature: MessageSignature | null,
  what: string,
  options: CheckOptions,
): Promise<SignatureReport | null> {
  if (signature === null && !wantsSignature(options)) return null;
  const { reportSignature, unsigned } = await import("./signature-report.ts");
  if (signature === null) throw unsigned(what);
  return reportSignature(signature, options);
}
