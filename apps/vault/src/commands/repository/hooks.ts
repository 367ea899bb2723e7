import { checkStaged, installHook, openRepository, removeHook } from "@git-vault/git-crypt";
import { usageError } from "../../cli/errors.ts";
import { ownCommand } from "./filter-command.ts";
import { printable, say, writeJson } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args: [action] }: Invocation): Promise<void> {
  if (action === "install") return install(flags);
  if (action === "remove") return remove(flags);
  if (action === "check") return check(flags);
  throw usageError("expected install, remove or check");
}

function install(flags: FlagValues): void {
  const { path, before, shared } = installHook(openRepository(process.cwd()), {
    own: `${ownCommand()} hooks check`,
    shared: "git-vault hooks check",
  });
  if (flags.json) return writeJson({ path, before, shared });
  if (flags.quiet) return;
  say(`vault: plaintext on protected paths is kept out of commits by ${printable(path)}`);
  if (shared)
    say(
      "vault: it lies in the work tree and may be committed, so it runs `git-vault` by that name, and lets commits pass where there is none",
    );
  if (before !== null) say(`vault: the hook that was there runs after it: ${printable(before)}`);
}

function remove(flags: FlagValues): void {
  const removed = removeHook(openRepository(process.cwd()));
  if (flags.json) return writeJson({ removed });
  if (!flags.quiet) say(removed ? "vault: the hook was removed" : "vault: no hook of vault's is installed");
}

/** What the hook runs: git shows stderr to who commits. */
function check(flags: FlagValues): void {
  const findings = checkStaged(openRepository(process.cwd()));
  if (flags.json) writeJson({ findings: findings.map(({ id, file }) => ({ path: file, problem: id })) });
  if (findings.length === 0) return;
  process.exitCode = 7;
  if (flags.json) return;
  say("vault: error: these files are protected, and staged unencrypted:");
  for (const { file } of findings) say(`  ${file}`);
  say(
    "vault: hint: run `vault unlock --force` where the repository is locked, then `vault status --fix` encrypts them",
  );
  say("vault: hint: or unstage them with `git restore --staged`");
}
