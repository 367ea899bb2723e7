import { CliError } from "../errors.ts";
import { leadsTo } from "./streams.ts";

/** Whether somebody can be asked: they see what is asked, and nothing is piped in. */
export const canAsk = ({ noInput }: { readonly noInput: boolean }): boolean =>
  !noInput && leadsTo(0) === "terminal" && leadsTo(2) === "terminal";

/** @throws CliError `NOT_CONFIRMED` for no, `USAGE` where it cannot be asked */
export async function confirm(question: string, signal?: AbortSignal): Promise<void> {
  const { askYes } = await import("./terminal.ts");
  if (await askYes(question, "say --yes", signal)) return;
  throw new CliError("NOT_CONFIRMED", "it was not confirmed, and nothing was done");
}
