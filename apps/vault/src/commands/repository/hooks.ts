import { printable } from "@git-vault/core";
import { checkStaged, guardKeys, installHook, removeHook, type HookManager } from "@git-vault/git-crypt";
import { usageError } from "../../errors.ts";
import { ADVICE } from "./advice.ts";
import { programCommand } from "./filter-command.ts";
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
  throw usageError("expected install, remove or check");
};

function install(options: HooksOptions): void {
  const repository = openHere();
  const program = programCommand(options);
  const { path, shared, found, joined, manager } = installHook(repository, {
    own: `(${program} hooks check)`,
    shared: CHECK,
  });
  const guarded = guardKeys(repository, { filterCommand: `${program} filter` });
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
  reportResult(options, result, [...told, ...guards]);
}

const CHECK = "git-vault hooks check";

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

/** What the hook runs: git shows stderr to who commits. */
function check({ json }: HooksOptions): void {
  const findings = checkStaged(openHere());
  if (json) writeJson({ findings: findings.map(({ id, file }) => ({ path: file, problem: id })) });
  if (findings.length === 0) return;
  process.exitCode = 7;
  if (json) return;
  const staged = findings.filter(({ id }) => id === "staged-plaintext");
  if (staged.length > 0) {
    say("vault: error: these files are protected, and staged unencrypted:");
    for (const { file } of staged) say(`  ${file}`);
    say("vault: hint: run `vault unlock` where the repository is locked, then `vault status --fix` encrypts them");
    say("vault: hint: or unstage them with `git restore --staged`");
  }
  const others = findings.filter(({ id }) => id !== "staged-plaintext");
  for (const { message } of others) say(`vault: error: ${message}`);
  for (const id of new Set(others.map((finding) => finding.id))) say(`vault: hint: ${ADVICE[id]}`);
}
