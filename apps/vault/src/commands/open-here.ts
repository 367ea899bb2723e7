import { openRepository, type Remembering, type Repository, type StoredKey } from "@git-vault/git-crypt";
import { runProgram } from "@git-vault/git-crypt/programs";
import { demandedRoot, generationsBy } from "@git-vault/sharing/verdict";
import { ownCommand } from "../own-program.ts";

/**
 * The repository that the run stands in. git is asked once for what cannot have changed since. What
 * serves git, which changes things meanwhile, remembers nothing.
 *
 * Which of its keys encrypt, the members log says; git's filter has it verified by another process,
 * only where the entries are not those of a verdict that was kept, so that it need not load the
 * code for it.
 *
 * @throws what `openRepository` does
 */
export const openHere = (remembers: Remembering | "nothing" = "until a change"): Repository =>
  openRepository(process.cwd(), {
    remembers: remembers === "nothing" ? undefined : remembers,
    generations: generationsBy(verifyLog),
  });

/** Has another process verify the log, and keep what it says, also on other references. */
export function verifyLog(): void {
  // Whatever goes wrong: without a verdict nothing is encrypted. The private key
  // that may name the log's root is not handed on.
  const root = demandedRoot(process.env)?.text;
  const env = { ...process.env, ...(root === undefined ? {} : { GIT_VAULT_ROOT: root }) };
  const [program, ...words] = ownCommand();
  runProgram(program, [...words, "filter", "verify"], { stdio: "ignore", env });
}

/**
 * The key of a name that the branch encrypts with, wherever it lies; where there is no members log,
 * the one that is stored.
 *
 * @throws what `Repository.readKey` does; SharingError `KEY_NOT_HERE`
 */
export async function presentKey(repository: Repository, keyName?: string): Promise<StoredKey> {
  const current = repository.generations(keyName ?? "default")?.current ?? null;
  if (current === null) return repository.readKey(keyName);
  const { requireKey } = await import("@git-vault/sharing/members");
  return requireKey(repository, keyName ?? "default", current);
}
