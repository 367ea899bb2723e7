import { printable } from "@git-vault/core";
import { SharingError } from "@git-vault/sharing";
import {
  nameOfMember,
  type Mark,
  type Member,
  type Reviewed,
  type RotationPlan,
  type UnsealedKey,
} from "@git-vault/sharing/members";
import type { DialogOptions } from "../../cli/flags.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { say } from "../../io/streams.ts";
import { memberName } from "./member-name.ts";

/*
 * Who is to have new keys is shown before they have them, and what is worth a look is confirmed.
 */

/** Who is to have keys, as they are shown. */
export interface Admission extends Pick<
  RotationPlan,
  "recipients" | "unasked" | "keyNames" | "missingSelf" | "removed" | "notSealedTo" | "strangeCopies" | "notHere"
> {
  /** Whether the keys stay as they are: who gets them has them not yet. */
  readonly areOld?: boolean;
}

/** The rest of an admission where keys are given, and nobody and no key is left out. */
export const ONLY_GIVES = { missingSelf: null, removed: [], notSealedTo: [], strangeCopies: [], notHere: [] } as const;

/** How it is confirmed. Without `drop` nobody can be taken out on the way. */
interface AdmitOptions extends DialogOptions {
  readonly yes: boolean;
  readonly keep: readonly string[];
  readonly drop?: readonly string[];
}

/** What is worth a look needs a person's yes, or their name by --keep: --yes is no such thing. */
export async function admit(plan: Admission, options: AdmitOptions): Promise<void> {
  const { recipients, unasked, keyNames } = plan;
  if (keyNames.length === 0 && recipients.length === 0) return;
  const self = selfOf(plan);
  const named = self === null || recipients.some((one) => one === self) ? recipients : [...recipients, self];
  const kept = new Set<Named>(options.keep.flatMap((name) => meantBy(memberName(name).toLowerCase(), named)));
  const marked = recipients.filter((one) => one.marks.length > 0 && !kept.has(one));
  const missing = self === null || kept.has(self) ? null : printable(self.name);
  const asks = marked.length > 0 || missing !== null;
  if (!options.quiet || asks) for (const line of linesOf(plan)) say(line);
  for (const { name, problem } of options.quiet ? [] : unasked)
    say(
      `vault: ${name === null ? "the members' keys" : `the keys of ${printable(name)}`} are not compared: ${problem}`,
    );
  // A person sees it before it is done, also where nothing is worth a second look.
  const key = plan.areOld === true ? "key" : "new key";
  const question = keyNames.length === 0 ? "leave these people admins" : `give the ${key} to these people`;
  if (canAsk(options) && (asks || !options.yes)) return confirm(question);
  if (!asks) return;
  const names = marked.map(({ name, marks }) => `${printable(name)} (${marks.map(markText).join("; ")})`);
  const own = missing === null ? [] : [`you, ${missing}, would not have it yourself`];
  const ways = [
    ...(names.length === 0 ? [] : [`confirm each by --keep NAME, or ${outWay(plan, options)}`]),
    ...(missing === null ? [] : [`where you are not to have it, say so by --keep ${missing}`]),
  ];
  throw new SharingError("UNCONFIRMED_MEMBERS", `not confirmed who gets the ${key}: ${[...names, ...own].join(", ")}`, {
    hint: `nothing was changed; ${ways.join("; ")}`,
  });
}

/** How somebody is taken out who is not to have the key. */
function outWay({ areOld = false }: Admission, { drop }: AdmitOptions): string {
  if (areOld) return "remove them first by `vault revoke NAME`";
  return drop === undefined ? "take the key out first by `vault revoke --key ID`" : "take them out by --drop NAME";
}

/** Somebody who can be named by --keep. */
type Named = Pick<Reviewed, "member" | "name">;

/** Who replaces the keys, where they will not have each new one; else null. */
function selfOf({ missingSelf, recipients }: Admission): Named | null {
  if (missingSelf === null) return null;
  const [record] = missingSelf.records;
  const found = recipients.find(({ member }) => member.records.includes(record));
  return found ?? { member: missingSelf, name: nameOfMember(missingSelf) };
}

/**
 * Who has an account or a key, or else who is called so: where these are several, none of them, for
 * anybody may call themselves like another, or like another's account.
 */
function meantBy(word: string, people: readonly Named[]): readonly Named[] {
  const identified = people.filter(({ member: { accounts, keys } }) =>
    [...accounts, ...keys.map(({ id }) => id)].some((id) => id.toLowerCase() === word),
  );
  const meant = identified.length > 0 ? identified : people.filter(({ name }) => name.toLowerCase() === word);
  return meant.length === 1 ? meant : [];
}

/** That a key gets no copy, why, and what helps. */
export const notSealedText = (unsealed: UnsealedKey): string =>
  `not sealed to ${unsealed.key.type === "openpgp" ? "the OpenPGP key " : ""}${unsealed.key.id}: ${reasonOf(unsealed)}`;

const reasonOf = ({ key: { type }, problem }: UnsealedKey): string => {
  if (problem !== null) return printable(problem);
  if (type === "openpgp") return "gpg does not have it";
  return `say --plugin ${type.slice("age-plugin-".length)} to run its plugin`;
};

/** That git-crypt's copy of a key goes, since nobody let its owner in. */
export const strangeCopyText = (path: string): string =>
  `${printable(path)} is removed: no member has that OpenPGP key; \`vault grant --gpg\` lets its owner in`;

/** For --json. */
export const describeUnsealed = (unsealed: readonly UnsealedKey[]): object[] =>
  unsealed.map((one) => ({ fingerprint: one.key.id, reason: reasonOf(one) }));

function linesOf(admission: Admission): string[] {
  const { recipients, keyNames, notHere, removed, notSealedTo, strangeCopies, areOld = false } = admission;
  const having = recipients.filter((one) => one.keyNames.length > 0);
  const others = recipients.filter((one) => one.keyNames.length === 0);
  return [
    ...(removed.length === 0 ? [] : [`vault: to be taken out`]),
    ...removed.flatMap((member) => [`  ${printable(nameOfMember(member))}`].concat(identifierLines(member))),
    ...(having.length === 0 ? [] : [`vault: the ${areOld ? "" : "new "}${keysText(keyNames)} will be for`]),
    ...having.flatMap((one) => personLines(one, one.keyNames.length === keyNames.length ? [] : one.keyNames)),
    ...(others.length === 0 ? [] : ["vault: worth a look, since an admin can give keys to themselves later"]),
    ...others.flatMap((one) => personLines(one, [])),
    ...notSealedTo.map((key) => `vault: ${notSealedText(key)}`),
    ...strangeCopies.map((path) => `vault: ${strangeCopyText(path)}`),
    ...notHere.map((name) => `vault: the key ${name} is not here: somebody who has it must replace it`),
  ];
}

const personLines = ({ member, name, marks }: Reviewed, keyNames: readonly string[]): string[] => [
  `  ${printable(name)}${keyNames.length === 0 ? "" : `  ${keyNames.join(", ")}`}`,
  ...identifierLines(member),
  ...marks.map((mark) => `    ! ${markText(mark)}`),
];

/** What tells who a member is: a name is what somebody chose. */
const identifierLines = ({ accounts, keys }: Member): string[] => [
  ...accounts.map((account) => `    ${"account".padEnd(12)}  ${account}`),
  ...keys.map(({ type, id }) => `    ${type.padEnd(12)}  ${id}`),
];

/** What is worth a look, as a phrase. */
function markText({ kind, about, key }: Mark): string {
  const whom = printable(about ?? "");
  const which = key === undefined ? "" : `the key ${key} is `;
  switch (kind) {
    case "never-met":
      return `${which}new to you${about === null ? "" : `, added by ${whom}`}`;
    case "added-by-removed":
      return `${which}added by ${whom}, who is being removed, or by someone ${whom} added`;
    case "removed-elsewhere":
      return "removed by an entry of the members log that this branch lacks";
    case "key-not-on-account":
      return `${whom} is not on their account`;
    case "account-gone":
      return "their account is gone";
    case "account-taken":
      return about === null
        ? "another account has that name now"
        : `another account has that name now; theirs is ${whom}`;
    case "not-openable":
  }
  return "nothing can be sealed to any key of theirs";
}

/** The names of keys, as a phrase. */
export const keysText = (names: readonly string[]): string =>
  names.length === 1 ? `key ${names.join("")}` : `keys ${names.join(", ")}`;
