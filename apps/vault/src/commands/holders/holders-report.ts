import { plural, printable } from "@git-vault/core";
import type { HeldKey, Holder, HolderList, StrayGrant } from "@git-vault/sharing/grants";
import { signatureText } from "../message/signature-text.ts";

/** What is to be looked after about a holder, in sentences. */
export function attentionOf(one: Holder): string[] {
  const { holder, format, keys, newKeys, forge, renamedTo, signature, grantedBy } = one;
  const removed = keys.filter(({ state }) => state === "removed");
  const whose = printable(holder);
  return [
    ...(forge === "gone" ? [`the account ${whose} is gone: \`vault revoke ${whose}\``] : []),
    ...(forge === "other-account"
      ? [`another account is named ${whose} now${renamedTo === null ? "" : `; theirs is ${printable(renamedTo)}`}`]
      : []),
    ...(forge === "found" && renamedTo !== null
      ? [`they are named ${printable(renamedTo)} now${format === "age" ? ": `vault sync`" : ""}`]
      : []),
    ...(forge === "found" && removed.length > 0 ? [`${removedText(removed)}: \`${remedyFor(format, removed)}\``] : []),
    ...(newKeys.length > 0 ? [`${plural(newKeys.length, "key")} of theirs is not granted to: \`vault sync\``] : []),
    ...(signature.state === "invalid" ? ["the signature does not fit: the grant was changed since"] : []),
    ...(signature.state === "denied"
      ? [`the key that signed, ${signature.fingerprint}, is none of ${printable(grantedBy ?? "")}`]
      : []),
  ];
}

const removedText = (removed: readonly HeldKey[]): string => `${plural(removed.length, "key")} of theirs was removed`;

/** An OpenPGP key has a grant by itself. */
const remedyFor = (format: Holder["format"], [key]: readonly HeldKey[]): string =>
  format === "age" ? "vault sync" : `vault revoke gpg:${key?.fingerprint ?? ""}`;

const STRAY: Readonly<Record<StrayGrant["standing"], string>> = {
  retired: "a grant of a key that was replaced",
  "other-key": "a grant of another key than the one that lies here",
  forged: "made or changed by somebody who had not the key",
};

const KEY_STATE: Readonly<Record<HeldKey["state"], string>> = {
  present: "still theirs",
  removed: "removed from their account",
  unknown: "",
};

const UNVOUCHED = "no holder of the key vouches for it";

/** When and from whom a holder has it. */
const provenance = ({ since, grantedBy, signature, standing }: Holder): string =>
  [
    `since ${since.slice(0, 10)}`,
    `by ${grantedBy === null ? "somebody" : printable(grantedBy)} (${signatureText(signature)})`,
    ...(standing === "unproven" ? ["not proven while the repository is locked"] : []),
  ].join(", ");

/** The list for a terminal. */
export function holdersAsText(list: HolderList): string {
  const { holders, unvouched, stray, bad } = list;
  const severalKeys = new Set([...holders, ...unvouched].map(({ keyName }) => keyName)).size > 1;
  const suffix = (keyName: string): string => (severalKeys || keyName !== "default" ? `  key ${keyName}` : "");
  const blocks = [
    ...holders.map((holder) =>
      [`${printable(holder.holder)}${suffix(holder.keyName)}  ${provenance(holder)}`].concat(
        holder.keys.map(({ type, fingerprint, state }) =>
          `  ${type.padEnd(12)}  ${fingerprint}  ${KEY_STATE[state]}`.trimEnd(),
        ),
        holder.newKeys.map(({ type, fingerprint }) => `  ${type.padEnd(12)}  ${fingerprint}  not granted to`),
        attentionOf(holder).map((sentence) => `  ! ${sentence}`),
      ),
    ),
    ...unvouched.map(({ holder, keyName }) => [
      `${holder}${suffix(keyName)}  OpenPGP, as git-crypt grants`,
      `  ! ${UNVOUCHED}: \`vault grant --gpg\`, or \`vault revoke ${holder}\``,
    ]),
    ...stray.map(({ path, holder, standing }) => [
      `! ${printable(path)}: for ${printable(holder)}: ${STRAY[standing]}`,
    ]),
    ...bad.map(({ path, problem }) => [`! ${printable(path)}: ${printable(problem)}`]),
  ];
  if (blocks.length === 0) return "nobody holds a grant: `vault grant R` makes one\n";
  return blocks.map((lines) => `${lines.join("\n")}\n`).join("");
}

/** A text from elsewhere in a cell of a table: nothing of it is markup. */
const cell = (text: string): string =>
  printable(text).replaceAll(/[\\`*_{}[\]<>()#+!|~&@:-]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A page for the documentation of a project. */
export function holdersAsMarkdown({ holders, unvouched, stray, bad }: HolderList): string {
  const keyNames = [...new Set([...holders, ...unvouched].map(({ keyName }) => keyName))].toSorted();
  const sections = keyNames.flatMap((name) => [
    ...(keyNames.length > 1 || name !== "default" ? ["", `## The key ${cell(name)}`] : []),
    "",
    "| holder | since | granted by | keys | to look after |",
    "| --- | --- | --- | --- | --- |",
    ...holders.filter(({ keyName }) => keyName === name).map(row),
    ...unvouched
      .filter(({ keyName }) => keyName === name)
      .map(({ fingerprint }) => `| an OpenPGP key | | git-crypt | \`${fingerprint}\` | ${UNVOUCHED} |`),
  ]);
  const wrong = [
    ...stray.map(({ path, holder, standing }) => `${cell(path)}: for ${cell(holder)}: ${STRAY[standing]}`),
    ...bad.map(({ path, problem }) => `${cell(path)}: ${cell(problem)}`),
  ];
  return `${[
    "# Who has the keys",
    "",
    "Made by `vault holders --markdown` from the grants in this repository.",
    ...(keyNames.length === 0 ? ["", "Nobody holds a grant."] : sections),
    ...(wrong.length === 0 ? [] : ["", "## To look after", "", ...wrong.map((line) => `- ${line}`)]),
  ].join("\n")}\n`;
}

function row(holder: Holder): string {
  const { since, grantedBy, signature, keys } = holder;
  const by = `${cell(grantedBy ?? "somebody")}, ${cell(signatureText(signature))}`;
  const prints = keys.map(({ fingerprint }) => `\`${fingerprint}\``).join("<br>");
  const attention = attentionOf(holder)
    .map((sentence) => cell(sentence))
    .join("<br>");
  return `| ${cell(holder.holder)} | ${since.slice(0, 10)} | ${by} | ${prints} | ${attention} |`;
}
