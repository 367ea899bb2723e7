import { readFileSync, statSync } from "node:fs";
import { findIdentities, type IdentityFile } from "@git-vault/keys";
import {
  open,
  recoverMessage,
  SealingError,
  SshIdentity,
  type Format,
  type Identity,
  type Opened,
} from "@git-vault/sealing";
import { SharingError } from "./errors.ts";

/** A private key that the message is for and whose passphrase is needed. */
export interface PassphraseRequest {
  readonly path: string;
  /** 1, then 2 and 3 after a wrong one. */
  readonly attempt: number;
}

/** With which keys a message is opened. */
export interface ReceiveOptions {
  /** The home folder, whose `.ssh` is searched. */
  readonly home: string;
  /** Private key files to try instead of those that are found there. */
  readonly keyFiles?: readonly string[] | undefined;
  /** Gives the passphrase. It is called only for a key that the message is for, and may throw to give up. */
  readonly passphrase: (request: PassphraseRequest) => Promise<Uint8Array>;
}

/** An opened message. */
export interface Received {
  /** Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  readonly format: Format;
  /** The private key that opened it. */
  readonly openedWith: { readonly path: string; readonly fingerprint: string };
}

/** What `@git-vault/keys` takes as a key file, and a little more, so that it can say that it is too long. */
const MAX_KEY_FILE = 64 * 1024;

/**
 * Opens a sealed message of any format, also as chat and mail programs leave it, with the private keys of this machine.
 *
 * @throws SealingError `NO_IDENTITY_MATCHED`, whose hint says what was tried; else as `open` does
 * @throws KeyError `WRONG_PASSPHRASE` after three attempts; for a key file that was named, also what is wrong with it
 * @throws SharingError `KEY_FILE_UNREADABLE` for a key file that was named
 */
export async function receive(message: Uint8Array, options: ReceiveOptions): Promise<Received> {
  const { home, keyFiles, passphrase } = options;
  const found = findIdentities({
    home,
    read: readKeyFile,
    ...(keyFiles === undefined ? {} : { explicit: keyFiles }),
  });
  const paths = new Map<Identity, string>();
  const identities = found.flatMap(({ path, file }) => {
    if (file === null) return [];
    const identity = new SshIdentity(file, (attempt) => passphrase({ path, attempt }));
    paths.set(identity, path);
    return [identity];
  });
  try {
    const { plaintext, format, identity } = await openDamaged(message, identities);
    const fingerprint = identity instanceof SshIdentity ? identity.publicKey?.fingerprint : undefined;
    return { plaintext, format, openedWith: { path: paths.get(identity) ?? "", fingerprint: fingerprint ?? "" } };
  } catch (error) {
    if (error instanceof SealingError && error.code === "NO_IDENTITY_MATCHED") {
      throw new SealingError(error.code, error.message, { hint: whatWasTried(found), cause: error });
    }
    throw error;
  } finally {
    for (const identity of identities) identity.lock();
  }
}

/** Opens a message as it came, or else as it was before chat and mail programs had it. */
async function openDamaged(message: Uint8Array, identities: readonly Identity[]): Promise<Opened> {
  try {
    return await open(message, identities);
  } catch (error) {
    if (!(error instanceof SealingError) || !["UNKNOWN_FORMAT", "MALFORMED_MESSAGE"].includes(error.code)) throw error;
    const recovered = recoverMessage(message);
    if (recovered.equals(message)) throw error;
    return open(recovered, identities);
  }
}

/** A private key file's bytes; null where there is none. */
function readKeyFile(path: string): Buffer | null {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    if (!stat.isFile()) throw new SharingError("KEY_FILE_UNREADABLE", `${path} is not a file`);
    if (stat.size > MAX_KEY_FILE) {
      throw new SharingError("KEY_FILE_UNREADABLE", `${path} is too large for a private key (${stat.size} bytes)`);
    }
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof SharingError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "it failed";
    throw new SharingError("KEY_FILE_UNREADABLE", `cannot read the private key ${path}: ${code}`, {
      cause,
    });
  }
}

function whatWasTried(found: readonly IdentityFile[]): string {
  if (found.length === 0)
    return "no private key was found in ~/.ssh: name one, or ask the sender to seal to a key of yours";
  const tried = found.map(({ path, file, problem }) => {
    if (problem !== null) return `${path} (${problem})`;
    return file?.publicKey ? `${path} (${file.publicKey.fingerprint})` : path;
  });
  return `tried ${tried.join(", ")}: name another private key, or ask the sender to seal to one of these`;
}
