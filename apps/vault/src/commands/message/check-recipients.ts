import { Directory, type DirectoryEntry, type KeyKind } from "@git-vault/directory";
import type { Members } from "@git-vault/sharing/members";
import { assertExpected, defaultPinFile, Pins, SharingError, type ChangedRecipient } from "@git-vault/sharing";
import { printable } from "@git-vault/core";
import type { TrustOptions } from "../../cli/flags.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { reason, say } from "../../io/streams.ts";
import { describeKey, readRecipients, resolveAll } from "./recipients.ts";

/** Recipients that were looked up, and are those that they were before. */
export interface TrustedRecipients {
  readonly directory: Directory;
  readonly entries: readonly DirectoryEntry[];
  /** Remembers their keys. */
  readonly remember: () => void;
}

/**
 * Looks recipients up, and compares them to what was demanded and to what was seen before. The
 * first time, their keys are shown; on a terminal it is asked whether they are right.
 *
 * @param kind which keys of an account are looked up
 * @param members of the repository, whose keys others saw
 * @throws SharingError `NOT_EXPECTED`, `RECIPIENT_CHANGED`, `PINS_UNREADABLE`; CliError
 * `NOT_CONFIRMED`; what the directory does
 */
export async function trustedRecipients(
  queries: readonly string[],
  options: TrustOptions,
  kind: KeyKind = "ssh",
  members: Members | null = null,
): Promise<TrustedRecipients> {
  const directory = new Directory({ allowHttp: options.insecureHttp });
  const entries = queries.length === 0 ? [] : await resolveAll(directory, readRecipients(queries), kind);
  const expectations = { fingerprints: options.expect, memberOf: options.memberOf };
  const wasExpected = await assertExpected(entries, expectations, directory);
  const pins = new Pins(defaultPinFile());
  const granted = members === null ? undefined : fingerprintsOf(members, kind);
  const { first, changed } = pins.compare(entries, granted);
  if (changed.length > 0) await admitChanges(changed, options);
  if (first.length > 0) await admitFirst(first, options, wasExpected);
  return {
    directory,
    entries,
    remember: () => {
      if (first.length + changed.length > 0) rememberRecipients(entries, options);
    },
  };
}

/**
 * The keys of one kind that members have, by what the members are called: a lookup gives one kind,
 * so that the other one is neither added nor removed.
 */
const fingerprintsOf = ({ branch }: Members, kind: KeyKind): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map(
    branch.members.flatMap(({ label, keys }) => {
      const same = keys.filter(({ type }) => (type === "openpgp") === (kind === "openpgp"));
      return label === null || same.length === 0 ? [] : [[label, new Set(same.map(({ id }) => id))]];
    }),
  );

/** Remembers recipients with the keys that they have now. */
export function rememberRecipients(entries: readonly DirectoryEntry[], { quiet }: { readonly quiet: boolean }): void {
  try {
    new Pins(defaultPinFile()).remember(entries);
  } catch (error) {
    // A home that cannot be written, as in a container, is no reason to fail.
    if (!quiet) say(`vault: the recipients' keys cannot be remembered: ${reason(error)}`);
  }
}

async function admitChanges(changed: readonly ChangedRecipient[], options: TrustOptions): Promise<void> {
  const lines = changed.flatMap(({ entry, added, removed }) => [
    `vault: the keys of ${printable(entry.name)} are not those that were seen before:`,
    ...added.map((fingerprint) => `  added    ${fingerprint}`),
    ...removed.map((fingerprint) => `  removed  ${fingerprint}`),
  ]);
  for (const line of lines) say(line);
  if (options.yes) return;
  const names = changed.map(({ entry }) => printable(entry.name)).join(", ");
  if (!canAsk(options)) {
    throw new SharingError("RECIPIENT_CHANGED", `the keys of ${names} were changed since they were seen`, {
      hint: "ask them whether that was them, over a channel that you trust; then say so with --yes",
    });
  }
  await confirm(`go on with the present keys of ${names}`);
}

async function admitFirst(
  first: readonly DirectoryEntry[],
  options: TrustOptions,
  wasExpected: boolean,
): Promise<void> {
  const asks = canAsk(options) && !options.yes && !wasExpected;
  if (!options.quiet || asks) {
    for (const { name, keys } of first) {
      say(`vault: ${printable(name)} is seen for the first time, with the keys`);
      for (const key of keys) if (key.unusable === null) say(`  ${describeKey(key)}`);
    }
  }
  if (asks) await confirm("are they theirs");
}
