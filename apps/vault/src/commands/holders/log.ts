import { printable } from "@git-vault/core";
import type { LogLine } from "@git-vault/sharing/members";
import { openMembers, reportLog, rootText } from "@git-vault/sharing/members";
import type { Run } from "../../cli/command.ts";
import { coloured } from "../../io/colour.ts";
import { writeJson, writeLong, writeStdout } from "../../io/streams.ts";
import { openHere } from "../open-here.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

export const run: Run<typeof HOLDER_COMMANDS.log> = async ({ json }) => {
  const members = await openMembers(openHere());
  const { root, rootState, bad } = members;
  const lines = reportLog(members);
  if (json) {
    return writeJson({
      root: root === null ? null : rootText(root),
      state: rootState,
      entries: lines.map(describe),
      bad: bad.map(({ name, problem }) => ({ name, problem })),
    });
  }
  if (rootState === "none") return writeStdout("no members log: `vault grant R` starts one\n");
  const accepted =
    rootState === "accepted"
      ? ""
      : rootState === "new"
        ? ", not confirmed in this clone yet"
        : ", not the one that was confirmed in this clone";
  const text = [
    `root ${root === null ? "unknown" : rootText(root)}${coloured("warning", accepted)}`,
    ...lines.map(lineText),
    ...bad.map(({ name, problem }) => coloured("warning", `! ${printable(name)}: ${printable(problem)}`)),
  ];
  writeLong(`${text.join("\n")}\n`);
};

/** `2026-11-29 19:07  github:alice  added github:bob as an admin: default`. */
function lineText(line: LogLine): string {
  const { id, time, author, counts, reason, by, isPresent } = line;
  const cause = by === null ? "" : ` (${by.slice(0, 10)})`;
  const notes = [
    ...(counts ? [] : [`does not count: ${reason === null ? "unknown" : REASONS[reason]}${cause}`]),
    ...(counts && by !== null ? [`undone by a removal at the same time${cause}`] : []),
    ...(isPresent ? [] : ["not in this branch's files"]),
  ];
  const mark = notes.length === 0 ? "" : `  ${coloured("warning", `! ${notes.join("; ")}`)}`;
  return `${coloured("changed", id.slice(0, 10))}  ${time.slice(0, 16).replace("T", " ")}  ${printable(author)}  ${actionText(line)}${mark}`;
}

function actionText({ action, about }: LogLine): string {
  const whom = about.map((name) => printable(name)).join(", ");
  const newKeys = "generations" in action ? action.generations.map(({ keyName }) => keyName) : [];
  const made = newKeys.length === 0 ? "" : `, new key ${newKeys.join(", ")}`;
  switch (action.kind) {
    case "start":
      return `started the log as ${whom}${made}`;
    case "add":
      return `added ${whom} as ${action.role === "admin" ? "an admin" : "a reader"}: ${action.opens.join(", ") || "no key"}${action.readmits.length > 0 ? ", who was removed before" : ""}`;
    case "give":
      return `gave ${whom}: ${[...action.keys.map(({ id }) => id), ...action.opens, ...(action.role === null ? [] : ["admin"])].join(", ") || "a new copy"}${renamed(action.label, about)}`;
    case "take":
      return `took from ${whom}: ${[...action.keys, ...action.opens, ...(action.role === null ? [] : ["admin"])].join(", ")}${made}`;
    case "remove":
      return `removed ${whom}${made}`;
    case "generation":
      return `made new keys: ${newKeys.join(", ")}`;
    case "note":
  }
  return `noted: ${printable(action.text)}`;
}

/** Any admin may call a member otherwise than the entry did that brought them in. */
const renamed = (label: string | null, [before = ""]: readonly string[]): string =>
  label === null || label.toLowerCase() === before.toLowerCase() ? "" : `, and calls them ${printable(label)}`;

const REASONS: Readonly<Record<NonNullable<LogLine["reason"]>, string>> = {
  "bad-signature": "its signature does not fit",
  "other-root": "it belongs to another log",
  "missing-parent": "an entry that it builds on is missing",
  stranger: "who signed it is no member",
  "hangs-on": "what let its author in does not count",
  reader: "its author is a reader",
  "author-removed": "its author was removed",
  "own-power": "it takes its author's own power",
  "needs-readmission": "it brings back who was removed, and does not say so",
  "unknown-removal": "it names a removal that it does not build on",
  "links-members": "it would make one member of several",
  "no-such-member": "it is about somebody who is no member",
  "no-such-key": "it is about a key that the member does not have",
  "cannot-sign": "it makes an admin of somebody who cannot sign",
};

const describe = ({ id, time, author, action, about, counts, reason, by, isPresent }: LogLine): object => ({
  id,
  time,
  author,
  action: action.kind,
  about,
  role: action.kind === "add" ? action.role : null,
  opens: "opens" in action ? action.opens : [],
  keys: keysOf(action),
  newKeys: "generations" in action ? action.generations.map(({ keyName }) => keyName) : [],
  counts,
  reason,
  by,
  present: isPresent,
  text: action.kind === "note" ? action.text : null,
});

/** The ids of the public keys that an entry gives or takes. */
function keysOf(action: LogLine["action"]): readonly string[] {
  if (action.kind === "take") return action.keys;
  return action.kind === "start" || action.kind === "add" || action.kind === "give"
    ? action.keys.map(({ id }) => id)
    : [];
}
