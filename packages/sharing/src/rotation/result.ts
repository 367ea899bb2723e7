import { continueRotation, type FilterCommands, type Repository, type RotateResult } from "@git-vault/git-crypt";
import type { GrantKey } from "../grants/grant-file.ts";
import { readGrants, type BadGrant } from "../grants/read-grants.ts";

/** Somebody whom a new key was granted to. */
export interface NewHolder {
  readonly holder: string;
  /** All that it was sealed to for them. */
  readonly keys: readonly GrantKey[];
}

/** A key that was replaced, and who has the new one. */
export interface RotatedKey extends Omit<RotateResult, "droppedGrants"> {
  /** As the commit has them. */
  readonly granted: readonly NewHolder[];
  /** Grants of the old key that were removed without being renewed, and why. */
  readonly dropped: readonly BadGrant[];
}

/**
 * Finishes a rotation that was interrupted, as it was planned.
 *
 * @throws what `continueRotation` of git-crypt's does
 */
export const resumeRotation = (repository: Repository, commands: FilterCommands): RotatedKey =>
  withGrants(repository, continueRotation(repository, commands), []);

/**
 * Tells what a commit did with the grants. @param reasons why grants were not renewed, as far as is
 * known
 */
export function withGrants(
  repository: Repository,
  { droppedGrants, ...result }: RotateResult,
  reasons: readonly BadGrant[],
): RotatedKey {
  const { grants, vouchers } = readGrants(repository, result.commit);
  const granted = [...grants, ...vouchers]
    .filter(({ statement }) => statement.keyName === result.keyName)
    .map(({ statement: { holder, keys } }) => ({ holder, keys }))
    .toSorted((a, b) => (a.holder < b.holder ? -1 : 1));
  const problems = new Map(reasons.map(({ path, problem }) => [path, problem]));
  const dropped = droppedGrants.map(({ path }) => ({
    path,
    problem: problems.get(path) ?? "it could not be renewed for the new key",
  }));
  return { ...result, granted, dropped };
}
