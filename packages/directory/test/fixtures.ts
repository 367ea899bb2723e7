import { fileURLToPath } from "node:url";
import { Directory, DirectoryError, type DirectoryOptions } from "../src/index.ts";

/** A public key, as a forge gives it: without a comment. */
export const ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH8gOptz22JZEashS2LEWWvJiUYI9M6lxubNX1FGYMXa";
export const ALICE_FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** The error that a lookup ends with. */
export async function failureOf(lookup: Promise<unknown>): Promise<DirectoryError> {
  const error: unknown = await lookup.then(
    () => new Error("expected the lookup to fail"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof DirectoryError) return error;
  throw error;
}

/** A directory that asks the stand-in at `url` and keeps nothing. */
export const directoryAt = (url: string, env: Record<string, string> = {}, options: DirectoryOptions = {}): Directory =>
  new Directory({ cacheFolder: null, ...options, env: { GITHUB_API_URL: url, ...env } });

/**
 * The path of a file in `vectors`: throwaway OpenPGP keys (Ed25519, Curve25519) that gpg 2.2.40
 * made.
 */
export const vector = (name: string): string => fileURLToPath(new URL(`vectors/${name}`, import.meta.url));
