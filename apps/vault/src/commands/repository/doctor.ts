import { diagnose, openRepository, type Diagnoses } from "@git-vault/git-crypt";
import { AILMENTS } from "./diagnosis-texts.ts";
import { jsonLine, printable, writeStdout } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

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
