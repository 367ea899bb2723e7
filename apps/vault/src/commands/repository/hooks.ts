import { writeFileSync } from "node:fs";
import { printable } from "@git-vault/core";
import {
  checkStaged,
  guardKeys,
  HOOK_TEST,
  installHook,
  lackingProgram,
  type LackingHook,
  removeHook,
  testHook,
  watchAttributes,
  type HookManager,
  type HookTestOutcome,
} from "@git-vault/git-crypt";
import { usageError } from "../../errors.ts";
import { ADVICE } from "./advice.ts";
import { CHECK, filterCommands, hookCommands } from "./filter-command.ts";
import type { Options, Run } from "../../cli/command.ts";
import { reportResult, say, writeJson } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";
import { openHere } from "../open-here.ts";

type Hooks = typeof REPOSITORY_COMMANDS.hooks;
type HooksOptions = Options<Hooks["flags"]>;

export const run: Run<Hooks> = (options, [action]) => {
  if (action === "install") return install(options);
  if (action === "remove") return remove(options);
  if (action === "check") return check(options);
  if (action === "test") return test(options);
  throw usageError("expected install, remove, check or test");
};

function install(options: HooksOptions): void {
  const repository = openHere();
  const { path, shared, found, joined, manager } = installHook(repository, hookCommands(options));
  const commands = filterCommands({ quiet: true });
  const guarded = guardKeys(repository, commands);
  watchAttributes(repository, commands);
  const told = found
    ? [`vault: ${printable(path)} runs the check already, and was left as it is`]
    : [
        `vault: plaintext on protected paths is kept out of commits by ${printable(path)}`,
        ...(joined ? ["vault: what was in that file stays, and runs after it"] : []),
        ...(shared
          ? [
              "vault: it lies in the work tree and may be committed, so it runs `git-vault` by that name, and lets commits pass where there is none",
            ]
          : []),
        ...(manager === null ? [] : adviceFor(manager)),
      ];
  const guards =
    guarded.length === 0
      ? []
      : [`vault: git itself refuses it on the paths of the key ${guarded.join(", ")}, which is not here`];
  const result = { path, shared, found, joined, manager: manager?.name ?? null, guarded };
  const lacking = lackingProgram(repository);
  reportResult(options, result, [...told, ...(lacking === null ? [] : reportLacking(lacking)), ...guards]);
}

const reportLacking = ({ path, program }: LackingHook): readonly string[] => [
  `vault: warning: ${printable(path)} runs the program ${program}, which is not on the PATH: nothing is checked before a commit`,
  `vault: hint: ${ADVICE["hook-program"]}`,
];

/** What runs the check from the configuration of a program that writes hooks. */
const ENTRIES: Readonly<Record<HookManager["name"], readonly string[]>> = {
  husky: [`"husky": { "hooks": { "pre-commit": "${CHECK} && …" } }`],
  lefthook: ["pre-commit:", "  commands:", "    git-vault:", `      run: ${CHECK}`],
  overcommit: ["PreCommit:", "  GitVault:", "    enabled: true", "    command: ['git-vault', 'hooks', 'check']"],
  "pre-commit": [
    "- repo: local",
    "  hooks:",
    "    - id: git-vault",
    "      name: no plaintext on protected paths",
    `      entry: ${CHECK}`,
    "      language: system",
    "      always_run: true",
    "      pass_filenames: false",
  ],
};

const adviceFor = ({ name, files: [file = ""] }: HookManager): string[] => [
  `vault: ${name} may write that file again without it; \`vault status\` then says so. To keep it, for your colleagues as well, add to ${file}:`,
  ...ENTRIES[name].map((line) => `  ${line}`),
];

function remove(options: HooksOptions): void {
  const removed = removeHook(openHere());
  reportResult(options, { removed: removed.length > 0 }, [
    ...removed.map((path) => `vault: ${printable(path)} is as it was before`),
    ...(removed.length === 0 ? ["vault: no hook of vault's is installed"] : []),
  ]);
}

const OUTCOMES: Readonly<Record<HookTestOutcome, readonly string[]>> = {
  heeded: ["vault: git runs the check before each commit, and refuses what it finds"],
  unheeded: ["vault: error: the hook runs the check, and passes over what it finds"],
  passed: ["vault: error: git does not run the check before a commit"],
  failed: [
    "vault: error: the hook failed before it came to the check, which is not tested",
    "vault: hint: mend what it says, then run this again",
  ],
};

function test(options: HooksOptions): void {
  const repository = openHere();
  const lacking = lackingProgram(repository);
  if (lacking !== null) {
    process.exitCode = 7;
    return reportResult(options, { outcome: "passed", missingProgram: lacking.program }, reportLacking(lacking));
  }
  const { outcome, output } = testHook(repository);
  if (outcome === "failed" && !options.json && !options.quiet)
    for (const line of output.trimEnd().split("\n")) say(`  ${printable(line)}`);
  reportResult(options, { outcome }, OUTCOMES[outcome]);
  if (outcome !== "heeded") process.exitCode = 7;
  if ((outcome === "unheeded" || outcome === "passed") && !options.json) say(`vault: hint: ${ADVICE["missing-hook"]}`);
}

/** What the hook runs: git shows stderr to who commits. */
function check({ json }: HooksOptions): void {
  const { [HOOK_TEST]: reached } = process.env;
  if (reached !== undefined) {
    writeFileSync(reached, "", { flag: "wx" });
    process.exitCode = 7;
    return;
  }
  const findings = checkStaged(openHere("at one moment"));
  if (json) writeJson({ findings: findings.map(({ id, subject }) => ({ path: subject, problem: id })) });
  if (findings.length === 0) return;
  process.exitCode = 7;
  if (json) return;
  const staged = findings.filter(({ id }) => id === "staged-plaintext");
  if (staged.length > 0) {
    say("vault: error: these files are protected, and staged unencrypted:");
    for (const { subject } of staged) say(`  ${subject}`);
    say("vault: hint: run `vault unlock` where the repository is locked, then `vault status --fix` encrypts them");
    say("vault: hint: or unstage them with `git restore --staged`");
  }
  const others = findings.filter(({ id }) => id !== "staged-plaintext");
  for (const { message } of others) say(`vault: error: ${message}`);
  for (const id of new Set(others.map((finding) => finding.id))) say(`vault: hint: ${ADVICE[id]}`);
}
