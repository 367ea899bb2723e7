import { KeyError } from "@git-vault/keys";

/** Asks for a passphrase: bytes that remain the caller's to overwrite. It may throw. */
export type AskPassphrase = (attempt: number) => Promise<Uint8Array>;

/** How often a passphrase is asked for. */
export const MAX_ATTEMPTS = 3;

/** Unlocks a private key file. After a wrong passphrase, `ask` is called with attempt 2 and 3. */
export async function unlockAsking<Key>(
  file: { readonly encrypted: boolean; unlock(passphrase?: Uint8Array): Promise<Key> },
  ask: AskPassphrase | undefined,
): Promise<Key> {
  for (let attempt = 1; ; attempt += 1) {
    const passphrase = file.encrypted ? await ask?.(attempt) : undefined;
    try {
      return await file.unlock(passphrase);
    } catch (error) {
      const mayRetry = passphrase !== undefined && attempt < MAX_ATTEMPTS;
      if (!mayRetry || !(error instanceof KeyError) || error.code !== "WRONG_PASSPHRASE") throw error;
    }
  }
}
