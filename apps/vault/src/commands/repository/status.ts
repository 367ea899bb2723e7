import { fix, status, type FileName, type Status } from "@git-vault/git-crypt";
import { ADVICE, type AnyFinding } from "./advice.ts";
import { openHere } from "../open-here.ts";
import type { Run } from "../../cli/command.ts";
import { jsonLine, say, writeStdout } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.status> = async ({ history, fix: wantsFix, json, quiet }) => {
  const repository = openHere({ isAsItIs: !wantsFix });
  const { memberFindings, openMembers } = await import("@git-vault/sharing/members");
  // What the log says of keys is known to what follows.
  const members = await openMembers(repository);
  const fixed = wantsFix ? fix(repository) : [];
  const found = status(repository, { history });
  const findings: readonly AnyFinding[] = [...(await memberFindings(members)), ...found.findings];
  if (!json && !quiet) for (const { path } of fixed) say(`vault: encrypted in the index: ${path}`);
  writeStdout(json ? jsonLine(describe(found, findings, fixed)) : `${report(found, findings)}\n`);
  if (findings.length > 0) process.exitCode = 7;
};

/** Nothing is encrypted without the key. */
const adviceOn = (id: AnyFinding["id"], state: Status["state"]): string =>
  state === "locked" && ADVICE[id].includes("`vault status --fix`")
    ? `first run \`vault unlock\`; then ${ADVICE[id]}`
    : ADVICE[id];

const STATES: Readonly<Record<Status["state"], string>> = {
  unlocked: "unlocked",
  locked: "locked: the key is not here",
  partly: "partly unlocked",
  unused: "not in use: no file is protected and no key is here",
};

function report({ state, keys, files }: Status, findings: readonly AnyFinding[]): string {
  const sections = [
    [`state: ${STATES[state]}`],
    table([
      ["key", "in the repository", "filter", "files"],
      ...keys.map(({ name, stored, configured, files: number }) => [
        name,
        stored ? "yes" : "no",
        configured ? "configured" : "not configured",
        String(number),
      ]),
    ]),
    table([
      ["stored", "key", "file"],
      ...files.map(({ path, keyName, tracked, encrypted }) => [
        tracked ? storedText(encrypted) : "untracked",
        keyName,
        path,
      ]),
    ]),
    findings.flatMap(({ id, message }) => [`${id}: ${message}`, `  ${adviceOn(id, state)}`]),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

const storedText = (encrypted: boolean | null): string =>
  encrypted === null ? "not here" : encrypted ? "encrypted" : "in clear";

/** Columns under their titles; no lines where there are no rows. */
function table(rows: readonly (readonly string[])[]): string[] {
  if (rows.length < 2) return [];
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const describe = (
  { state, keys, files }: Status,
  findings: readonly AnyFinding[],
  fixed: readonly FileName[],
): object => ({
  state,
  keys: keys.map(({ name, stored, configured, files: number }) => ({ name, stored, configured, files: number })),
  files: files.map(({ path, keyName, tracked, encrypted }) => ({ path, keyName, tracked, encrypted })),
  findings: findings.map(({ id, subject }) => ({ path: subject, problem: id, advice: adviceOn(id, state) })),
  fixed: fixed.map(({ path }) => path),
});
