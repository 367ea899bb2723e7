import { merge, openRepository } from "@git-vault/git-crypt";
import { usageError } from "../../cli/errors.ts";
import { reportError } from "../../cli/report-error.ts";
import { printable, say } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

/** What git takes for a failure; a lower number would be one of conflicts. */
const FAILED = 129;

export async function run({ flags, args }: Invocation): Promise<void> {
  const [base, ours, theirs, markerSize, path = ""] = args;
  try {
    if (base === undefined || ours === undefined || theirs === undefined || !/^\d{1,4}$/.test(markerSize ?? "")) {
      throw usageError("expected BASE OURS THEIRS MARKER-SIZE PATH, as git gives them");
    }
    const { "key-name": keyName = "default" } = flags;
    const options = { base, ours, theirs, markerSize: Number(markerSize), keyName };
    process.exitCode = merge(openRepository(process.cwd()), options);
  } catch (error) {
    say(`vault: ${printable(path)} could not be merged`);
    reportError(error, "merge", []);
    process.exitCode = FAILED;
  }
}
