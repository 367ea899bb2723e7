import type { Format, MessageSignature } from "@git-vault/sealing";
import { wantsSignature } from "../../cli/flags.ts";
import { sayMarked } from "../../io/framed.ts";
import type { CheckOptions, Verdict } from "./signature-report.ts";

/** What was handed over, for sentences about it. */
interface Subject {
  readonly what: string;
  /** Left out for what is not sealed. */
  readonly format?: Format;
}

/**
 * Finds out whose a signature is, or that there is none.
 *
 * @throws CliError `UNSIGNED`, where a signature is wanted; what `reportSignature` does
 */
export async function checkSignature(
  signature: MessageSignature | null,
  { what, format }: Subject,
  options: CheckOptions,
): Promise<Verdict> {
  if (signature === null && !wantsSignature(options)) return { signature: null, sentence: unsignedSentence(format) };
  const { reportSignature, unsigned } = await import("./signature-report.ts");
  if (signature === null) throw unsigned(what);
  return reportSignature(signature, options);
}

const unsignedSentence = (format: Format | undefined): string =>
  format === "openpgp"
    ? "NOT SIGNED as far as is checked: signatures of OpenPGP's own are not"
    : "NOT SIGNED: anybody can have sealed this, under any name";

/** Tells the verdict on standard error. */
export function sayVerdict({ sentence }: Verdict, { quiet }: { readonly quiet: boolean }): void {
  if (!quiet) sayMarked(`vault: ${sentence}`);
}
