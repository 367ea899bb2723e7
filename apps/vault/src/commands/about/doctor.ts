import { printable } from "@git-vault/core";
import { diagnose, openRepository, type Diagnosis, type SetupFinding } from "@git-vault/git-crypt";
import { ADVICE } from "../repository/advice.ts";
import type { Run } from "../../cli/command.ts";
import { jsonLine, writeStdout } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";
import { otherVault, versions } from "./version.ts";

export const run: Run<typeof ABOUT_COMMANDS.doctor> = ({ json }) => {
  const found = diagnose(openRepository(process.cwd()));
  writeStdout(json ? jsonLine(describe(found)) : `${report(found).join("\n")}\n`);
  if (found.findings.some(isSerious)) process.exitCode = 7;
};

/** Whether secrets are at risk or git stops; else it is merely slow. */
const isSerious = ({ severity }: SetupFinding): boolean => severity === "error";

function report({ settings, keyNames, guarded, findings }: Diagnosis): string[] {
  const { vault, commit, standalone, node, openssl, git, platform } = versions();
  const other = otherVault();
  return [
    `vault ${vault}${commit === null ? "" : ` (${commit.slice(0, 10)})`}, ${standalone ? "with its own " : ""}Node ${node}, OpenSSL ${openssl}, git ${git}, on ${platform}`,
    ...(other === null ? [] : [`\`vault\` runs another program, ${printable(other)}: say \`git vault\` for this one`]),
    `keys: ${keyNames.length === 0 ? "none, the repository is locked or does not use git-crypt" : keyNames.join(", ")}`,
    ...(guarded.length === 0 ? [] : [`not here, so that git refuses plaintext on its paths: ${guarded.join(", ")}`]),
    settings.size === 0 ? "settings: none" : "settings:",
    ...[...settings].map(([name, value]) => `  ${printable(name)} = ${printable(value)}`),
    ...(findings.length === 0 ? ["nothing is amiss"] : []),
    ...findings.flatMap((finding) => [
      `${isSerious(finding) ? "wrong" : "note"}: ${finding.id}: ${finding.message}`,
      `  ${ADVICE[finding.id]}`,
    ]),
  ];
}

const describe = ({ settings, keyNames, guarded, findings }: Diagnosis): object => ({
  ...versions(),
  otherVault: otherVault(),
  keys: keyNames,
  settings: Object.fromEntries(settings),
  diagnoses: findings.map((finding) => ({
    ailment: finding.id,
    subject: finding.subject,
    serious: isSerious(finding),
    remedy: ADVICE[finding.id],
  })),
  guarded,
});
