import { inspect } from "node:util";
import { isVaultError, type VaultError } from "@git-vault/core";
import { expect } from "vitest";

/** Stands in every secret and every passphrase of these tests, and in no error. */
export const CANARY = "canary-3f9b";

/**
 * The error that `promise` rejects with, which must be one of ours and must not hold the canary,
 * not even in its cause.
 */
export async function failureOf(promise: Promise<unknown>): Promise<VaultError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isVaultError(error)) throw new Error("expected an error of git-vault's", { cause: error });
  const all = inspect(error, {
    depth: Infinity,
    showHidden: true,
    maxStringLength: Infinity,
    maxArrayLength: Infinity,
  });
  expect(all).not.toContain(CANARY);
  expect(all).not.toContain(Buffer.from(CANARY).toString("base64").slice(0, 12));
  expect(error.message).toMatch(/^[^A-Z].*[^.]$/s);
  return error;
}
