import { readdirSync, readFileSync, statSync } from "node:fs";
import { findIdentities, KeyError, type IdentityFile, type SshPublicKey } from "@git-vault/keys";
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
import { printable } from "./printable.ts";

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
  /** A private key that was read already, to try instead of all others. Its bytes are overwritten with zeros. */
  readonly key?: { readonly name: string; readonly bytes: Buffer } | undefined;
  /** Gives the passphrase. It is called only for a key that the message is for, and may throw to give up. */
  readonly passphrase: (request: PassphraseRequest) => Promise<Uint8Array>;
}

/** An opened message. */
export interface Received {
  /** Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  readonly format: Format;
  /** The private key that opened it. */
  readonly openedWith: { readonly path: string; readonly fingerprint: string; readonly publicKey: SshPublicKey | null };
}

/** What `@git-vault/keys` takes of `~/.ssh/config`; it takes less of a key file, and says so. */
const MAX_FILE = 1024 * 1024;

/**
 * Opens a sealed message of any format, also as chat and mail programs leave it, with the private keys of this machine.
 *
 * @throws SealingError `NO_IDENTITY_MATCHED`, whose hint says what was tried; else as `open` does
 * @throws KeyError `WRONG_PASSPHRASE` after three attempts; for a key file that was named, also what is wrong with it
 * @throws SharingError `KEY_FILE_UNREADABLE` for a key file that was named
 */
export async function receive(message: Uint8Array, options: ReceiveOptions): Promise<Received> {
  const { home, key, passphrase } = options;
  const keyFiles = key === undefined ? options.keyFiles : [key.name];
  const named = keyFiles !== undefined && keyFiles.length > 0;
  const readNamed = key === undefined ? readNamedFile : (path: string) => (path === key.name ? key.bytes : null);
  const found = findIdentities({
    home,
    explicit: keyFiles,
    read: named ? readNamed : readFile,
    list: (path) => readdirSync(path),
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
    const publicKey = identity instanceof SshIdentity ? identity.publicKey : null;
    const path = paths.get(identity) ?? "";
    return { plaintext, format, openedWith: { path, fingerprint: publicKey?.fingerprint ?? "", publicKey } };
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

/** The content of a file; null where there is none. What is no file is not opened: a pipe would be waited for. */
function readFile(path: string): Buffer | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (!stat.isFile()) throw new KeyError("MALFORMED_KEY", "it is not a file");
  if (stat.size > MAX_FILE) {
    throw new KeyError("MALFORMED_KEY", `it is too large for a private key (${stat.size} bytes)`);
  }
  return readFileSync(path);
}

/** As `readFile`, for a private key file that was named: that it cannot be read ends the run. */
function readNamedFile(path: string): Buffer | null {
  try {
    return readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "it failed";
    const reason = cause instanceof KeyError ? cause.message : code;
    throw new SharingError("KEY_FILE_UNREADABLE", `cannot read the private key ${printable(path)}: ${reason}`, {
      cause,
    });
  }
}

function whatWasTried(found: readonly IdentityFile[]): string {
  if (found.length === 0)
    return "no private key was found in ~/.ssh: name one, or ask the sender to seal to a key of yours";
  const tried = found.map(({ path, file, problem }) => {
    const reason = problem ?? file?.publicKey?.fingerprint;
    return reason === undefined ? printable(path) : `${printable(path)} (${reason})`;
  });
  return `tried ${tried.join(", ")}: name another private key, or ask the sender to seal to one of these`;
}
