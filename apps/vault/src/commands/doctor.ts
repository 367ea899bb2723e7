import { diagnose, openRepository, type Ailment, type Diagnoses } from "@git-vault/git-crypt";
import { jsonLine, printable, writeStdout } from "../streams.ts";
import type { Invocation } from "../table.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

const AILMENTS: Readonly<Record<Ailment, readonly [what: string, remedy: string]>> = {
  "old-git": ["git is older than 2.11, and starts the filter once for each file", "install a newer git"],
  "missing-program": [
    "names a program that is not there, so that git stops at each protected file",
    "run `vault unlock`, which writes the path of this program; or install the one that is named",
  ],
  "stale-hook": [
    "names a program that is not there, so that git refuses each commit",
    "run `vault hooks install`, which writes the path of this program, or `vault hooks remove`",
  ],
  "unfinished-rotation": [
    "a rotation was interrupted",
    "finish it with `vault rotate --continue`, or undo it with `vault rotate --abort`",
  ],
  "no-filter": [
    "the key is here, but its filter is not configured: git stores protected files in clear",
    "run `vault unlock`, or `vault lock` to remove the key",
  ],
  "no-key": [
    "the filter is configured, but the key is not here: git stops at each protected file",
    "run `vault unlock` with the key, or `vault lock` to remove the filter",
  ],
  "replaced-key": [
    "a rotation replaced this key: files that need the new one stay encrypted, and git adds no changes of protected files",
    "run `vault unlock`, which takes the new one",
  ],
  "not-required": ["is not true: where the filter fails, git stores plaintext", "run `vault unlock`"],
  "no-process": ["is not set: git starts the filter once for each file", "run `vault unlock`, which sets it"],
  "loose-permissions": ["the key can be read or written by other users", "chmod 600 it"],
  "cached-textconv": ["keeps decrypted contents in the repository's notes", "unset it, and remove refs/notes/textconv"],
};

export async function run({ flags }: Invocation): Promise<void> {
  const found = diagnose(openRepository(process.cwd()));
  writeStdout(
    flags.json
      ? jsonLine(describe(found))
      : report(found)
          .map((line) => `${line}\n`)
          .join(""),
  );
  if (found.diagnoses.some(({ serious }) => serious)) process.exitCode = 7;
}

function report({ gitVersion, settings, keyNames, diagnoses }: Diagnoses): string[] {
  return [
    `vault ${VAULT_VERSION}, Node ${process.versions.node}, git ${gitVersion}`,
    `keys: ${keyNames.length === 0 ? "none, the repository is locked or does not use git-crypt" : keyNames.join(", ")}`,
    settings.size === 0 ? "settings: none" : "settings:",
    ...[...settings].map(([name, value]) => `  ${printable(name)} = ${printable(value)}`),
    ...(diagnoses.length === 0 ? ["nothing is amiss"] : []),
    ...diagnoses.flatMap(({ ailment, subject, serious }) => {
      const [what, remedy] = AILMENTS[ailment];
      return [`${serious ? "wrong" : "slow"}: ${ailment}: ${printable(subject)}: ${what}`, `  ${remedy}`];
    }),
  ];
}

const describe = ({ gitVersion, settings, keyNames, diagnoses }: Diagnoses): object => ({
  vault: VAULT_VERSION,
  node: process.versions.node,
  git: gitVersion,
  keys: keyNames,
  settings: Object.fromEntries(settings),
  diagnoses: diagnoses.map(({ ailment, subject, serious }) => ({
    ailment,
    subject,
    serious,
    remedy: AILMENTS[ailment][1],
  })),
});
