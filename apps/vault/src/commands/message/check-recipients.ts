import type { Repository } from "@git-vault/git-crypt";
import { Directory, type DirectoryEntry, type KeyKind } from "@git-vault/directory";
import {
  assertExpected,
  defaultPinFile,
  grantedKeys,
  Pins,
  SharingError,
  type ChangedRecipient,
} from "@git-vault/sharing";
import { CliError } from "../../cli/errors.ts";
import { describeKey, readRecipients } from "./recipients.ts";
import { leadsTo, printable, printableText, say } from "../../io/streams.ts";
import { reason } from "../../io/system-error.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/** Recipients that were looked up, and are those that they were before. */
export interface TrustedRecipients {
  readonly directory: Directory;
  readonly entries: readonly DirectoryEntry[];
  /** Remembers their keys. */
  readonly remember: () => void;
}

/** Whether somebody can be asked: they see what is asked, and nothing is piped in. */
export const canAsk = (flags: FlagValues): boolean =>
  !flags["no-input"] && leadsTo(0) === "terminal" && leadsTo(2) === "terminal";

/**
 * Looks recipients up, and compares them to what was demanded and to what was seen before. The
 * first time, their keys are shown; on a terminal it is asked whether they are right.
 *
 * @param kind which keys of an account are looked up
 * @param repository whose grants say what others saw of those who were never seen here
 * @throws SharingError `NOT_EXPECTED`, `RECIPIENT_CHANGED`, `PINS_UNREADABLE`; CliError
 * `NOT_CONFIRMED`; what the directory does
 */
export async function trustedRecipients(
  queries: readonly string[],
  flags: FlagValues,
  kind: KeyKind = "ssh",
  repository: Repository | null = null,
): Promise<TrustedRecipients> {
  const directory = new Directory({ allowHttp: flags["insecure-http"] === true });
  const entries: DirectoryEntry[] = [];
  for (const query of queries.length === 0 ? [] : readRecipients(queries)) {
    entries.push(...(await directory.resolve(query, kind)));
  }
  const expectations = { fingerprints: flags.expect, memberOf: flags["member-of"] };
  const wasExpected = await assertExpected(entries, expectations, directory);
  const pins = new Pins(defaultPinFile());
  const { first, changed } = pins.compare(
    entries,
    repository === null ? undefined : await grantedKeys(repository, kind),
  );
  if (changed.length > 0) await admitChanges(changed, flags);
  if (first.length > 0) await admitFirst(first, flags, wasExpected);
  return {
    directory,
    entries,
    remember: () => {
      if (first.length + changed.length > 0) rememberRecipients(entries, flags);
    },
  };
}

/** Remembers recipients with the keys that they have now. */
export function rememberRecipients(entries: readonly DirectoryEntry[], flags: FlagValues): void {
  try {
    new Pins(defaultPinFile()).remember(entries);
  } catch (error) {
    // A home that cannot be written, as in a container, is no reason to fail.
    if (!flags.quiet) say(`vault: the recipients' keys cannot be remembered: ${reason(error)}`);
  }
}

async function admitChanges(changed: readonly ChangedRecipient[], flags: FlagValues): Promise<void> {
  const lines = changed.flatMap(({ entry, added, removed }) => [
    `vault: the keys of ${printable(entry.name)} are not those that were seen before:`,
    ...added.map((fingerprint) => `  added    ${fingerprint}`),
    ...removed.map((fingerprint) => `  removed  ${fingerprint}`),
  ]);
  for (const line of lines) say(line);
  if (flags.yes) return;
  const names = changed.map(({ entry }) => printable(entry.name)).join(", ");
  if (!canAsk(flags)) {
    throw new SharingError("RECIPIENT_CHANGED", `the keys of ${names} were changed since they were seen`, {
      hint: "ask them whether that was them, over a channel that you trust; then say so with --yes",
    });
  }
  await confirm(`go on with the present keys of ${names}`);
}

async function admitFirst(first: readonly DirectoryEntry[], flags: FlagValues, wasExpected: boolean): Promise<void> {
  const asks = canAsk(flags) && !flags.yes && !wasExpected;
  if (!flags.quiet || asks) {
    for (const { name, keys } of first) {
      say(`vault: ${printable(name)} is seen for the first time, with the keys`);
      for (const key of keys) if (key.unusable === null) say(`  ${describeKey(key)}`);
    }
  }
  if (asks) await confirm("are they theirs");
}

/** @throws CliError `NOT_CONFIRMED` for no, `USAGE` where it cannot be asked */
export async function confirm(question: string, signal?: AbortSignal): Promise<void> {
  const { askYes } = await import("../../io/terminal.ts");
  if (await askYes(question, "say --yes", signal)) return;
  throw new CliError("NOT_CONFIRMED", "it was not confirmed, and nothing was done");
}

/**
 * Shows what is about to be changed in a cluster, and asks whether it should be, unless --yes says
 * so.
 *
 * @param text what is to be done; lines
 * @throws CliError as `confirm` does; `USAGE` for --no-input, too
 */
export async function confirmChange(
  text: string,
  question: string,
  flags: FlagValues,
  signal: AbortSignal,
): Promise<void> {
  const asks = flags.yes !== true;
  if (asks || (!flags.quiet && !flags.json)) for (const line of printableText(text).trimEnd().split("\n")) say(line);
  await agreed(question, flags, signal);
}

/**
 * Asks whether something should be done, unless --yes says so.
 *
 * @throws CliError as `confirm` does; `USAGE` for --no-input, too
 */
export async function agreed(question: string, flags: FlagValues, signal: AbortSignal): Promise<void> {
  if (flags.yes) return;
  if (flags["no-input"])
    throw new CliError("USAGE", `${question} cannot be asked: --no-input forbids it`, { hint: "say --yes" });
  await confirm(question, signal);
}
