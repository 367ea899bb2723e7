import { filterContent, type FilterAction, runFilter, type GitCryptError } from "@git-vault/git-crypt";
import { isVaultError, type VaultError } from "@git-vault/core";
import { outcomeOf } from "../../cli/error-codes.ts";
import { CliError } from "../../errors.ts";
import { readStart, say, writeStdout } from "../../io/streams.ts";
import { openHere, verifyLog } from "../open-here.ts";

/** So many files are named that stay encrypted. */
const MOST_NAMED = 10;

/** git-crypt's own limit. */
const MOST_BYTES = 2 ** 32 - 1;

/**
 * Answers git: file by file, or, for an action, one content from standard input to standard output.
 *
 * @throws what `filterContent` and `runFilter` do; CliError
 */
export function serveFilter(action: FilterAction | undefined, keyName: string = "default"): void {
  const repository = openHere("nothing");
  if (action === undefined)
    return runFilter(repository, 0, 1, { keyName, onError, onSealed, lookElsewhere: verifyLog });
  const { data, ended } = readStart(0, "standard input", MOST_BYTES);
  if (!ended) throw new CliError("INPUT_UNREADABLE", "the file is larger than the limit of 4 GiB");
  writeStdout(filterContent(repository, action, data, { keyName, onSealed, lookElsewhere: verifyLog }));
}

/** The process goes on with the next file; git is told that this one failed. */
export function onError(error: unknown, path: string): void {
  if (!isVaultError(error)) throw error;
  say(`vault: error: ${path}: ${error.message}`);
  sayHint(error);
}

/** git goes on: only this tells why the files are not readable. */
function onSealed(reason: GitCryptError, files: readonly string[]): void {
  const rest = files.length > MOST_NAMED ? ` and ${files.length - MOST_NAMED} more` : "";
  const names = files.length === 0 ? "a file" : `${files.slice(0, MOST_NAMED).join(", ")}${rest}`;
  say(`vault: ${names} stay${files.length > 1 ? "" : "s"} encrypted: ${reason.message}`);
  sayHint(reason);
}

function sayHint(error: VaultError): void {
  const { hint } = outcomeOf(error, "filter");
  if (hint !== undefined) say(`vault: hint: ${hint}`);
}
