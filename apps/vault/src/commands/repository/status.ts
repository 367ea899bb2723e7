import { fix, status, type FileName, type Repository, type Status } from "@git-vault/git-crypt";
import { ADVICE, type AnyFinding } from "./advice.ts";
import { openHere } from "../open-here.ts";
import type { Run } from "../../cli/command.ts";
import { progressLine } from "../../io/progress.ts";
import { coloured, type Meaning } from "../../io/colour.ts";
import { say, writeJson, writeLong } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.status> = async ({ history, fix: wantsFix, json, quiet }) => {
  const repository = openHere(wantsFix ? "until a change" : "at one moment");
  const { memberFindings, openMembers, takenOffFindings } = await import("@git-vault/sharing/members");
  const { lockedPrivateKeys } = await import("./last-copy.ts");
  // What the log says of keys is known to what follows.
  const members = await openMembers(repository);
  const fixed = wantsFix ? fixShowing(repository, { quiet, json }) : [];
  const found = status(repository, { history });
  const taken = await takenOffFindings(members, lockedPrivateKeys());
  const findings: readonly AnyFinding[] = [
    ...(await memberFindings(members)),
    ...taken,
    ...withoutTaken(
      found,
      taken.map(({ subject }) => subject),
    ),
  ];
  if (!json && !quiet) for (const { path } of fixed) say(`vault: encrypted in the index: ${path}`);
  if (json) writeJson(describe(found, findings, fixed));
  else writeLong(`${report(found, findings)}\n`);
  if (findings.length > 0) process.exitCode = 7;
};

function fixShowing(
  repository: Repository,
  options: { readonly quiet: boolean; readonly json: boolean },
): readonly FileName[] {
  const progress = progressLine({ done: "encrypted", unit: "files" }, options);
  try {
    return fix(repository, { progress: progress.step });
  } finally {
    progress.end();
  }
}

/** Who was taken off a key need not fetch the newer one. */
function withoutTaken({ findings, files }: Status, keyNames: readonly string[]): Status["findings"] {
  const taken = new Set([...keyNames, ...files.flatMap((file) => (keyNames.includes(file.keyName) ? file.path : []))]);
  return findings.filter(({ id, subject }) => !((id === "newer-key" || id === "replaced-key") && taken.has(subject)));
}

/** Nothing is encrypted without the key. */
function adviceOn({ id, subject }: AnyFinding, state: Status["state"]): string {
  const advice = ADVICE[id].replaceAll("KEY", subject);
  return state === "locked" && advice.includes("`vault status --fix`")
    ? `first run \`vault unlock\`; then ${advice}`
    : advice;
}

const STATES: Readonly<Record<Status["state"], string>> = {
  unlocked: "unlocked",
  locked: "locked: the key is not here",
  partly: "partly unlocked",
  unused: "not in use: no file is protected and no key is here",
};

const STATE_COLOURS: Readonly<Record<Status["state"], Meaning>> = {
  unlocked: "good",
  locked: "warning",
  partly: "warning",
  unused: "aside",
};

function report({ state, keys, files }: Status, findings: readonly AnyFinding[]): string {
  const sections = [
    [`state: ${coloured(STATE_COLOURS[state], STATES[state])}`],
    table([
      ["key", "in the repository", "filter", "files"],
      ...keys.map(({ name, stored, configured, files: number }) => [
        name,
        stored ? "yes" : "no",
        configured ? "configured" : "not configured",
        String(number),
      ]),
    ]),
    table(
      [
        ["stored", "key", "file"],
        ...files.map(({ path, keyName, tracked, encrypted }) => [
          tracked ? storedText(encrypted) : "untracked",
          keyName,
          path,
        ]),
      ],
      files.map(({ tracked, encrypted }) => (tracked && encrypted !== null ? (encrypted ? "good" : "bad") : "aside")),
    ),
    findings.flatMap((finding) => [
      `${coloured("bad", `${finding.id}:`)} ${finding.message}`,
      `  ${coloured("hint", adviceOn(finding, state))}`,
    ]),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

const storedText = (encrypted: boolean | null): string =>
  encrypted === null ? "not here" : encrypted ? "encrypted" : "in the clear";

/**
 * Columns under their titles; no lines where there are no rows.
 *
 * @param meanings of the first cell of each row, below the titles
 */
function table(rows: readonly (readonly string[])[], meanings: readonly Meaning[] = []): string[] {
  if (rows.length < 2) return [];
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  return rows.map((row, at) => {
    const cells = row.map((cell, column) => cell.padEnd(column < row.length - 1 ? (widths[column] ?? 0) : 0));
    if (at === 0) return coloured("title", cells.join("  "));
    const [first = "", ...others] = cells;
    const meaning = meanings[at - 1];
    return [meaning === undefined ? first : coloured(meaning, first), ...others].join("  ");
  });
}

const describe = (
  { state, keys, files }: Status,
  findings: readonly AnyFinding[],
  fixed: readonly FileName[],
): object => ({
  state,
  keys: keys.map(({ name, stored, configured, files: number }) => ({ name, stored, configured, files: number })),
  files: files.map(({ path, keyName, tracked, encrypted }) => ({ path, keyName, tracked, encrypted })),
  findings: findings.map((finding) => ({
    path: finding.subject,
    problem: finding.id,
    advice: adviceOn(finding, state),
  })),
  fixed: fixed.map(({ path }) => path),
});
