import { printable } from "@git-vault/core";
import { checkStaged, installHook, removeHook } from "@git-vault/git-crypt";
import { usageError } from "../../errors.ts";
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
  const { path, before, shared } = installHook(openHere(), {
    own: `(${programCommand(options)} hooks check)`,
    shared: "git-vault hooks check",
  });
  const told = [
    `vault: plaintext on protected paths is kept out of commits by ${printable(path)}`,
    ...(shared
      ? [
          "vault: it lies in the work tree and may be committed, so it runs `git-vault` by that name, and lets commits pass where there is none",
        ]
      : []),
    ...(before === null ? [] : [`vault: the hook that was there runs after it: ${printable(before)}`]),
  ];
  reportResult(options, { path, before, shared }, told);
}

function remove(options: HooksOptions): void {
  const removed = removeHook(openHere());
  reportResult(options, { removed }, [
    removed ? "vault: the hook was removed" : "vault: no hook of vault's is installed",
  ]);
}

/** What the hook runs: git shows stderr to who commits. */
function check({ json }: HooksOptions): void {
  const findings = checkStaged(openHere());
  if (json) writeJson({ findings: findings.map(({ id, file }) => ({ path: file, problem: id })) });
  if (findings.length === 0) return;
  process.exitCode = 7;
  if (json) return;
  say("vault: error: these files are protected, and staged unencrypted:");
  for (const { file } of findings) say(`  ${file}`);
  say("vault: hint: run `vault unlock` where the repository is locked, then `vault status --fix` encrypts them");
  say("vault: hint: or unstage them with `git restore --staged`");
}
