import { printable } from "@git-vault/core";
import { merge, type GitCryptError } from "@git-vault/git-crypt";
import { usageError } from "../../errors.ts";
import { reportError } from "../../cli/report-error.ts";
import type { Run } from "../../cli/command.ts";
import { say } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";
import { openHere, verifyLog } from "../open-here.ts";

/** What git takes for a failure; a lower number would be one of conflicts. */
const FAILED = 129;

export const run: Run<typeof REPOSITORY_COMMANDS.merge> = ({ keyName = "default" }, operands) => {
  const [base, ours, theirs, markerSize, path = ""] = operands;
  try {
    if (base === undefined || ours === undefined || theirs === undefined || !/^\d{1,4}$/.test(markerSize ?? "")) {
      throw usageError("expected BASE OURS THEIRS MARKER-SIZE PATH, as git gives them");
    }
    const onUnopened = ({ message }: GitCryptError): void =>
      say(`vault: ${printable(path)} stays as it was on our side: a version of it does not open: ${message}`);
    const options = {
      base,
      ours,
      theirs,
      markerSize: Number(markerSize),
      keyName,
      onUnopened,
      lookElsewhere: verifyLog,
    };
    process.exitCode = merge(openHere("nothing"), options);
  } catch (error) {
    say(`vault: ${printable(path)} could not be merged`);
    reportError(error, "merge", []);
    process.exitCode = FAILED;
  }
};
