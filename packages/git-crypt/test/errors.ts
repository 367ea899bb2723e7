import { GitCryptError, type GitCryptErrorCode } from "../src/index.ts";

/** Runs `action`, which must throw a GitCryptError with this code, and gives the error. */
export function errorOf(code: GitCryptErrorCode, action: () => unknown): GitCryptError {
  try {
    action();
  } catch (error) {
    if (error instanceof GitCryptError && error.code === code) return error;
    throw error;
  }
  throw new Error(`expected ${code}, got no error`);
}
