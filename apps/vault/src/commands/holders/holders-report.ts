import { plural, printable } from "@git-vault/core";
import {
  rootText,
  type HeldKey,
  type Holder,
  type HolderList,
  type MembersFinding,
  type RootState,
} from "@git-vault/sharing/members";
import { coloured } from "../../io/colour.ts";

/** What `vault holders` shows. */
export interface HoldersReport {
  readonly list: HolderList;
  readonly findings: readonly MembersFinding[];
  readonly root: string | null;
  readonly state: RootState;
}

/** What is to be looked after about a member, in sentences. */
export function attentionOf({ name, keys, newKeys, takenKeys, forge, renamedTo, problem, lacks }: Holder): string[] {
  const removed = keys.filter(({ state }) => state === "removed");
  const whose = printable(name);
  return [
    ...(problem === null ? [] : [`their account could not be looked up: ${problem}`]),
    ...(forge === "gone" ? [`the account ${whose} is gone: \`vault revoke ${whose}\``] : []),
    ...(forge === "other-account"
      ? [`another account is named ${whose} now${renamedTo === null ? "" : `; theirs is ${printable(renamedTo)}`}`]
      : []),
    ...(forge === "found" && renamedTo !== null ? [`they are named ${printable(renamedTo)} now: \`vault sync\``] : []),
    ...(forge === "found" && removed.length > 0
      ? [
          `${plural(removed.length, "key")} of theirs left their account: \`vault sync\` takes it out and replaces the keys`,
        ]
      : []),
    ...(newKeys.length > 0 ? [`${plural(newKeys.length, "key")} of theirs is not granted to: \`vault sync\``] : []),
    ...takenKeys.map(
      ({ id }) => `the key ${id} was taken out, and is on their account still: they should remove it there`,
    ),
    ...lacks.map((keyName) => `no copy of the key ${printable(keyName)} is for them: \`vault sync\``),
  ];
}

const KEY_STATE: Readonly<Record<HeldKey["state"], () => string>> = {
  present: () => coloured("good", "still theirs"),
  removed: () => coloured("bad", "not on their account"),
  unknown: () => "",
};

/** Something that wants attention, as a line. */
const warning = (text: string): string => coloured("warning", `! ${text}`);

/** When and by whom they were let in. */
const provenance = ({ since, addedBy, role }: Holder): string =>
  [role, `since ${since.slice(0, 10)}`, addedBy === null ? "started the log" : `added by ${printable(addedBy)}`].join(
    ", ",
  );

/**
 * The account by number, with what the forge calls it. What a member is called is what somebody
 * wrote: without a number it says nothing of an account on GitHub.
 */
function accountLines({ name, accounts, forge, renamedTo }: Holder): string[] {
  const login = forge === "found" ? `  ${printable(renamedTo ?? name)}` : "";
  const lines = accounts.map((account) => `  ${"account".padEnd(12)}  ${account}${login}`);
  return lines.length === 0 && name.startsWith("github:")
    ? [`  ${"account".padEnd(12)}  none: the name proves nothing`]
    : lines;
}

/** What no log can tell. */
const UNKNOWABLE = [
  "This cannot tell who was sent a key by `vault share`, who has a key file, nor which CI variables",
  "hold one; `vault share --note` writes into the log who was sent it.",
];

/** The list for a terminal. */
export function holdersAsText({ list, findings, root, state }: HoldersReport): string {
  const { holders, keyNames, notCounting } = list;
  if (state === "none") return "no members log, and so no members: `vault grant R` starts one\n";
  const names = keyNames.map(({ name }) => name);
  const isPlain = names.length === 1 && names[0] === "default";
  const blocks = [
    ...(state === "accepted"
      ? []
      : [
          [
            warning(
              `this members log is not confirmed in this clone; its root is ${root === null ? "unknown" : rootText(root)}`,
            ),
          ],
        ]),
    ...holders.map((holder) =>
      [
        `${coloured("title", printable(holder.name))}${isPlain ? "" : `  ${holder.opens.join(", ")}`}  ${coloured("aside", provenance(holder))}`,
      ].concat(
        accountLines(holder),
        holder.keys.map(({ type, id, state: keyState }) =>
          `  ${type.padEnd(12)}  ${id}  ${KEY_STATE[keyState]()}`.trimEnd(),
        ),
        holder.newKeys.map(({ type, id }) => `  ${type.padEnd(12)}  ${id}  ${coloured("warning", "not granted to")}`),
        attentionOf(holder).map((sentence) => `  ${warning(sentence)}`),
      ),
    ),
    ...findings.map(({ message }) => [warning(message)]),
    ...(notCounting === 0
      ? []
      : [
          [
            warning(
              `${plural(notCounting, "entry", "entries")} of the log ${notCounting === 1 ? "does" : "do"} not count: \`vault log\``,
            ),
          ],
        ]),
    ["", ...UNKNOWABLE.map((line) => coloured("aside", line))],
  ];
  return blocks.map((lines) => `${lines.join("\n")}\n`).join("");
}

/** A text from elsewhere in a cell of a table: nothing of it is markup. */
const cell = (text: string): string =>
  printable(text).replaceAll(/[\\`*_{}[\]<>()#+!|~&@:-]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A page for the documentation of a project. */
export function holdersAsMarkdown({ list, findings, root }: HoldersReport): string {
  const { holders } = list;
  return `${[
    "# Who has the keys",
    "",
    `Made by \`vault holders --markdown\` from the members log in this repository${root === null ? "" : `, whose root is \`${rootText(root)}\``}.`,
    ...(holders.length === 0
      ? ["", "Nobody is a member."]
      : [
          "",
          "| member | account | role | keys of the repository | since | added by | public keys | needs attention |",
          "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]),
    ...holders.map(row),
    ...(findings.length === 0
      ? []
      : ["", "## Needs attention", "", ...findings.map(({ message }) => `- ${cell(message)}`)]),
    "",
    ...UNKNOWABLE,
  ].join("\n")}\n`;
}

function row(holder: Holder): string {
  const { name, accounts, role, opens, since, addedBy, keys } = holder;
  const prints = keys.map(({ id }) => `\`${id}\``).join("<br>");
  const attention = attentionOf(holder)
    .map((sentence) => cell(sentence))
    .join("<br>");
  return `| ${cell(name)} | ${cell(accounts.join(", "))} | ${role} | ${cell(opens.join(", "))} | ${since.slice(0, 10)} | ${cell(addedBy ?? "")} | ${prints} | ${attention} |`;
}

/** The list for a program. */
export const holdersAsJson = ({ list, findings, root, state }: HoldersReport): object => ({
  root: root === null ? null : rootText(root),
  state,
  holders: list.holders.map((holder) => ({
    holder: holder.name,
    role: holder.role,
    accounts: holder.accounts,
    opens: holder.opens,
    since: holder.since,
    addedBy: holder.addedBy,
    keys: holder.keys.map(({ type, id, state: keyState }) => ({ type, fingerprint: id, state: keyState })),
    newKeys: holder.newKeys.map(({ type, id }) => ({ type, fingerprint: id })),
    takenKeys: holder.takenKeys.map(({ type, id }) => ({ type, fingerprint: id })),
    forge: holder.forge,
    problem: holder.problem,
    renamedTo: holder.renamedTo,
    attention: attentionOf(holder),
  })),
  keys: keysOf(list),
  strangers: list.strangers.map(({ keyName, fingerprint, path }) => ({ keyName, fingerprint, path })),
  notCounting: list.notCounting,
  findings: findings.map(({ id, subject, message }) => ({ id, subject, message })),
});

const keysOf = ({ keyNames }: HolderList): object[] =>
  keyNames.map(({ name, state, current, generations }) => ({
    keyName: name,
    state,
    current: current.commitment,
    generations: generations.length,
  }));
