import {
  fix,
  openRepository,
  status,
  type FileName,
  type Problem,
  type PathProblem,
  type Status,
} from "@git-vault/git-crypt";
import { AILMENTS } from "./diagnosis-texts.ts";
import { jsonLine, say, writeStdout } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

/** What is wrong with a path, and what to do about it. */
const PROBLEMS: Readonly<Record<PathProblem, readonly [what: string, advice: string]>> = {
  "merged-rotations": [
    "holds keys of two branches that were both rotated, so that there are two present keys",
    "make one of them with `vault rotate`",
  ],
  "staged-plaintext": ["is staged unencrypted", "encrypt it with `vault status --fix`, or unstage it"],
  "committed-plaintext": [
    "is committed unencrypted",
    "encrypt it with `vault status --fix` and commit; change the secret, since the history keeps it",
  ],
  "history-plaintext": [
    "was committed unencrypted once",
    "change the secret: everybody who has the repository can read the old one",
  ],
  unopened: [
    "is not opened by the key that is here",
    "check that it was encrypted with this repository's key; else restore it from an older commit",
  ],
  "newer-key": ["is encrypted with a key of a rotation that was made elsewhere", "take that key with `vault unlock`"],
  "retired-key": [
    "is encrypted with a key that a rotation replaced",
    "encrypt it with the present key with `vault status --fix`, and commit",
  ],
  "line-endings": ["has its line ends changed by git, which damages it", "write -text on its line in .gitattributes"],
  ident: ["has $Id$ replaced by git, which damages it", "write -ident on its line in .gitattributes"],
  encoding: [
    "is converted to another encoding by git, which damages it",
    "write -working-tree-encoding on its line in .gitattributes",
  ],
  attributes: [
    "is protected itself, so that a clone without the key cannot tell what is protected, and so never unlocks",
    "write `.gitattributes !filter !diff !merge !text` below the other lines, then `git add --renormalize .gitattributes` and commit",
  ],
  symlink: ["is a symbolic link, which is never encrypted", "protect the file that it leads to instead"],
  submodule: ["is a submodule, which is never encrypted", "protect files inside the submodule itself"],
  empty: ["is an empty file, which git merge stops at", "put a line break into it"],
};

export async function run({ flags }: Invocation): Promise<void> {
  const repository = openRepository(process.cwd());
  const fixed = flags.fix ? fix(repository) : [];
  const found = status(repository, { history: flags.history === true });
  if (!flags.json && !flags.quiet) for (const { path } of fixed) say(`vault: encrypted in the index: ${path}`);
  writeStdout(
    flags.json
      ? jsonLine(describe(found, fixed))
      : `${report(found)}
`,
  );
  if (found.findings.length > 0) process.exitCode = 7;
}

const TOLD: Readonly<Record<Problem, readonly [what: string, advice: string]>> = { ...AILMENTS, ...PROBLEMS };

const STATES: Readonly<Record<Status["state"], string>> = {
  unlocked: "unlocked",
  locked: "locked: the key is not here",
  partly: "partly unlocked",
  unused: "not in use: no file is protected and no key is here",
};

function report({ state, keys, files, findings }: Status): string {
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
      ...files.map(({ path, keyName, encrypted }) => [encrypted ? "encrypted" : "in clear", keyName, path]),
    ]),
    findings.flatMap(({ path, problem }) => {
      const [what, advice] = TOLD[problem];
      return [`${problem}: ${path}${problem in AILMENTS ? ":" : ""} ${what}`, `  ${advice}`];
    }),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

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

const describe = ({ state, keys, files, findings }: Status, fixed: readonly FileName[]): object => ({
  state,
  keys: keys.map(({ name, stored, configured, files: number }) => ({ name, stored, configured, files: number })),
  files: files.map(({ path, keyName, encrypted }) => ({ path, keyName, encrypted })),
  findings: findings.map(({ path, problem }) => ({ path, problem, advice: TOLD[problem][1] })),
  fixed: fixed.map(({ path }) => path),
});
