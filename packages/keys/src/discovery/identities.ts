import { join } from "node:path/posix";
import { KeyError } from "../errors.ts";
import { readPrivateKey } from "../private/private-key.ts";
import { sameKey } from "../public/public-key.ts";
import { readPublicKeys } from "../public/public-line.ts";
import { configuredIdentities } from "./ssh-config.ts";
import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "../types.ts";

/** Where to look for private keys, and how to read a file. */
export interface FindIdentitiesOptions {
  /** The home folder, whose `.ssh` folder is looked into. */
  readonly home: string;
  /**
   * Paths that were named by the user. Where there are any, no others are looked at, and a problem
   * with any of them throws.
   */
  readonly explicit?: readonly string[] | undefined;
  /**
   * The content of the file at that path, in a Buffer of its own, for that of a private key is
   * overwritten with zeros when done; null where there is none. It may throw where the file cannot
   * be read. `path.pub` is read only where the file at `path` does not tell its public half.
   */
  readonly read: (path: string) => Buffer | null;
  /**
   * The names in the folder at that path, for `Include` lines with `*` and `?`, which are passed
   * over without it. It may throw.
   */
  readonly list?: ((path: string) => readonly string[]) | undefined;
}

/** A private key that was looked for and found, usable or not. */
export interface IdentityFile {
  readonly path: string;
  /** Null where `problem` tells why. */
  readonly file: PrivateKeyFile | null;
  /**
   * The public half where it is known, even where `file` is null: from the file, or else from
   * `path.pub`.
   */
  readonly publicKey: SshPublicKey | null;
  /** Why this key cannot be used, as a phrase; null where it can. */
  readonly problem: string | null;
}

const agentProblem = "the private key lives only in an agent, a token or a password manager, and agents only sign";

/** The one key of a `.pub` file; null where it cannot be had, for it only ever helps. */
const readPublicHalf = (path: string, read: FindIdentitiesOptions["read"]): SshPublicKey | null => {
  try {
    const bytes = read(path);
    return bytes === null ? null : (readPublicKeys(bytes.toString()).find(({ key }) => key !== null)?.key ?? null);
  } catch {
    return null;
  }
};

/**
 * An encrypted PEM file hides its public half; `path.pub` tells it, and unlocking then checks that
 * it told the truth.
 */
const withPublicHalf = (file: PrivateKeyFile, publicKey: SshPublicKey): PrivateKeyFile => ({
  ...file,
  publicKey,
  async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
    const key = await file.unlock(passphrase);
    if (sameKey(key.publicKey, publicKey)) return key;
    if (key.type === "ssh-ed25519") key.seed.fill(0);
    throw new KeyError("MALFORMED_KEY", "the private key does not belong to the .pub file beside it", {
      hint: "write that file anew with: ssh-keygen -y -f KEYFILE > KEYFILE.pub",
    });
  },
});

/**
 * Reads the key at `path`; null where there is neither it nor its public half. Throws whatever is
 * wrong with it.
 */
const readIdentity = (path: string, read: FindIdentitiesOptions["read"]): IdentityFile | null => {
  const bytes = read(path);
  if (bytes === null) {
    if (read(`${path}.pub`) === null) return null;
    return { path, file: null, publicKey: readPublicHalf(`${path}.pub`, read), problem: agentProblem };
  }
  try {
    const file = readPrivateKey(bytes);
    if (file.publicKey !== null) return { path, file, publicKey: file.publicKey, problem: null };
    const publicKey = readPublicHalf(`${path}.pub`, read);
    return { path, file: publicKey === null ? file : withPublicHalf(file, publicKey), publicKey, problem: null };
  } finally {
    bytes.fill(0);
  }
};

/** A path comes from the user, and goes to a terminal. */
const printable = (path: string): string => path.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?").slice(0, 200);

const readExplicit = (path: string, read: FindIdentitiesOptions["read"]): IdentityFile => {
  try {
    const identity = readIdentity(path, read);
    if (identity === null) throw new KeyError("KEY_NOT_FOUND", "there is no such file");
    if (identity.problem !== null) throw new KeyError("UNSUPPORTED_KEY", identity.problem);
    return identity;
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new KeyError(error.code, `${printable(path)}: ${error.message}`, { hint: error.hint, cause: error });
  }
};

const isSystemError = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && "code" in error && typeof error.code === "string";

const readDefault = (path: string, read: FindIdentitiesOptions["read"]): IdentityFile | null => {
  try {
    return readIdentity(path, read);
  } catch (error) {
    const reason = isSystemError(error) ? `it cannot be read (${error.code})` : "it cannot be read";
    const problem = error instanceof KeyError ? error.message : reason;
    return { path, file: null, publicKey: readPublicHalf(`${path}.pub`, read), problem };
  }
};

/** An IdentityFile line may name a public key, to pick one of the keys in an agent. */
const withoutPub = (path: string): string => (path.endsWith(".pub") ? path.slice(0, -".pub".length) : path);

const orElse = <T>(work: () => T, otherwise: T): T => {
  try {
    return work();
  } catch {
    return otherwise;
  }
};

/**
 * Finds private keys: those of `explicit`, or else those of the `IdentityFile` lines of
 * `~/.ssh/config` (of all hosts, with what it includes), then `~/.ssh/id_ed25519` and
 * `~/.ssh/id_rsa`. Nothing is unlocked. A file that does not exist is passed over, unless it was
 * named explicitly; where only its `.pub` exists, `problem` says that the key lives in an agent.
 *
 * `IdentityFile` lines that depend on a host (`%h` and the like) are passed over.
 *
 * @returns in the order in which they should be tried, without duplicates
 * @throws KeyError only for `explicit` paths: `KEY_NOT_FOUND`, `MALFORMED_KEY`, `UNSUPPORTED_KEY`;
 * and what `read` throws for them
 */
export function findIdentities(options: FindIdentitiesOptions): IdentityFile[] {
  const { home, explicit = [], read, list } = options;
  if (explicit.length > 0) return [...new Set(explicit)].map((path) => readExplicit(path, read));
  const configured = configuredIdentities({
    home,
    read: (path) => orElse(() => read(path)?.toString() ?? null, null),
    list: (path) => (list === undefined ? [] : orElse(() => list(path), [])),
  });
  const paths = [...configured.map(withoutPub), join(home, ".ssh", "id_ed25519"), join(home, ".ssh", "id_rsa")];
  return [...new Set(paths)].map((path) => readDefault(path, read)).filter((identity) => identity !== null);
}
