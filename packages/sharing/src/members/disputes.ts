import { printable } from "@git-vault/core";
import type { Dispute, OpenDispute } from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { reportLog, type LogLine } from "./log-report.ts";
import type { Members } from "./membership.ts";

/** Who took from whom, by which entry: `github:mal removed github:alice (3f2a91c0d4e5b6a7)`. */
export function disputeText(members: Members, { stands, fails }: Dispute): string {
  const lines = reportLog(members);
  return [stands, fails]
    .map((id) =>
      lineText(
        lines.find((line) => line.id === id),
        id,
      ),
    )
    .join(", ");
}

function lineText(line: LogLine | undefined, id: string): string {
  const { author = "", about = [], action } = line ?? {};
  const names = about.map((name) => printable(name)).join(", ");
  const did =
    action?.kind === "remove" ? `removed ${names}` : action?.kind === "take" ? `took from ${names}` : "replaced a key";
  return `${printable(author)} ${did} (${id.slice(0, 16)})`;
}

/** What of a dispute is unknown, and why. */
export const orderText = (members: Members, dispute: OpenDispute): string =>
  dispute.needsHistory
    ? `this shallow clone lacks the history that says which entry of the members log came first: ${dispute.stands.slice(0, 16)} or ${dispute.fails.slice(0, 16)}`
    : `members removed each other, and nothing proves who was first: ${disputeText(members, dispute)}`;

/** What is not known where the history of the log is not all here. */
export const LACKING_TEXT = "this clone lacks some of the members log, or of its history, which may tell of a removal";

/**
 * Asserts that all is here that the log ever held.
 *
 * @throws SharingError HISTORY_NEEDED
 */
export function assertWhole({ isWhole }: Pick<Members, "isWhole">): void {
  if (!isWhole) throw new SharingError("HISTORY_NEEDED", LACKING_TEXT, { hint: "fetch the whole history" });
}

/**
 * Asserts that all of the log is here, and that the order is known in which entries arrived, as far
 * as anything depends on it.
 *
 * @throws SharingError HISTORY_NEEDED, DISPUTED
 */
export function assertOrder(members: Members): void {
  assertWhole(members);
  const [first] = members.openDisputes;
  if (first === undefined) return;
  throw first.needsHistory
    ? new SharingError("HISTORY_NEEDED", orderText(members, first), { hint: "fetch the whole history" })
    : new SharingError("DISPUTED", orderText(members, first), { hint: "ask them, and name the entry that came first" });
}
