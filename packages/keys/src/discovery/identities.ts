import { join } from "node:path/posix";
import { printable, systemCode } from "@git-vault/core";
import { KeyError } from "../errors.ts";
import { readPrivateKey } from "../private/private-key.ts";
import { sameKey } from "../public/public-key.ts";
import { readPublicKeys } from "../public/public-line.ts";
import { readSshConfig, type LocalNames } from "./ssh-config.ts";
import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "../types.ts";

type Read = (path: string) => Buffer | null;

/** Where to look for private keys, and how to read a file. */
interface FindIdentitiesOptions {
  /** The home folder, whose `.ssh` folder is searched. */
  readonly home: string;
  /**
   * Paths that the user named. If there are any, no others are searched, and a problem with any of
   * them throws.
   */
  readonly explicit?: readonly string[] | undefined;
  /**
   * The content of the file at that path, in a Buffer of its own, since that of a private key is
   * overwritten with zeros; null if there is none. It may throw if the file cannot be read.
   * `path.pub` is read only if the file at `path` does not tell its public half.
   */
  readonly read: Read;
  /**
   * The names in the folder at that path, for the files of `~/.ssh` and for what depends on a host
   * or has wildcards, which are skipped without it. It may throw.
   */
  readonly list?: ((path: string) => readonly string[]) | undefined;
  /** What `%u`, `${HOME}` and the like stand for in `~/.ssh/config`. */
  readonly local?: LocalNames | undefined;
}

/** A private key that was looked for and found, usable or not. */
export interface IdentityFile {
  readonly path: string;
  /** Null if `problem` says why. */
  readonly file: PrivateKeyFile | null;
  /** The public half if it is known, even if `file` is null: from the file, or else `path.pub`. */
  readonly publicKey: SshPublicKey | null;
  /** Why this key cannot be used, as a phrase; null if it can. */
  readonly problem: string | null;
  /**
   * Whether it was neither configured nor has a usual name: its private half may never have been
   * here.
   */
  readonly isGuessed: boolean;
  /** Whether its `.pub` file is all that is there. */
  readonly isMissing: boolean;
}

const HIDDEN = "it is encrypted, and without its .pub file it does not say which key it is";
const IN_AGENT = "the private key lives only in an agent, a token or a password manager, and agents only sign";

const orNull = <T>(work: () => T): T | null => {
  try {
    return work();
  } catch {
    return null;
  }
};

/** The key of the `.pub` file beside `path`; null without one, since it is never required. */
const readPublicHalf = (path: string, read: Read): SshPublicKey | null =>
  orNull(() => readPublicKeys(read(`${path}.pub`)?.toString() ?? "").find(({ key }) => key !== null)?.key ?? null);

/**
 * An encrypted PEM file hides its public half; `path.pub` tells it, and unlocking then checks that
 * it is right.
 */
const withPublicHalf = (file: PrivateKeyFile, publicKey: SshPublicKey): PrivateKeyFile => ({
  ...file,
  publicKey,
  async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
    const key = await file.unlock(passphrase);
    if (sameKey(key.publicKey, publicKey)) return key;
    if (key.type === "ssh-ed25519") key.seed.fill(0);
    throw new KeyError("MALFORMED_KEY", "the private key does not belong to the .pub file beside it", {
      hint: "write that file again with: ssh-keygen -y -f KEYFILE > KEYFILE.pub",
    });
  },
});

/**
 * Reads the key at `path`; null if neither it nor its public half is there. Throws whatever is
 * wrong with it.
 */
const readIdentity = (path: string, read: Read): IdentityFile | null => {
  const bytes = read(path);
  if (bytes === null) {
    if (read(`${path}.pub`) === null) return null;
    return {
      path,
      file: null,
      publicKey: readPublicHalf(path, read),
      problem: IN_AGENT,
      isGuessed: false,
      isMissing: true,
    };
  }
  try {
    const file = readPrivateKey(bytes);
    const publicKey = file.publicKey ?? readPublicHalf(path, read);
    const isHidden = file.publicKey === null && publicKey !== null;
    return {
      path,
      file: isHidden ? withPublicHalf(file, publicKey) : file,
      publicKey,
      problem: null,
      isGuessed: false,
      isMissing: false,
    };
  } finally {
    bytes.fill(0);
  }
};

const readExplicit = (path: string, read: Read): IdentityFile => {
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

const readDefault = (path: string, read: Read): IdentityFile | null => {
  try {
    return readIdentity(path, read);
  } catch (error) {
    const code = systemCode(error);
    const reason = code === undefined ? "it cannot be read" : `it cannot be read (${code})`;
    const problem = error instanceof KeyError ? error.message : reason;
    return { path, file: null, publicKey: readPublicHalf(path, read), problem, isGuessed: false, isMissing: false };
  }
};

/** An IdentityFile line may name a public key, to pick one of the keys in an agent. */
const withoutPub = (path: string): string => path.replace(/\.pub$/, "");

/** The names that ssh itself looks for. */
const USUAL_NAMES = ["id_ed25519", "id_rsa"];

/**
 * Finds private keys: those of `explicit`, or else those of the `IdentityFile` lines of
 * `~/.ssh/config` and the system's (of all hosts, with what they include), then `~/.ssh/id_ed25519`
 * and `~/.ssh/id_rsa`, then all others in `~/.ssh`. Nothing is unlocked. A missing file is skipped,
 * unless it was named explicitly; if only its `.pub` exists, `problem` says that the key lives in
 * an agent. One of the others whose public half is hidden is not used: `problem` says so.
 *
 * Where an `IdentityFile` line depends on a host (`%h` and the like), any file that fits is meant.
 *
 * @returns in the order in which to try them, without duplicates
 * @throws KeyError only for `explicit` paths: `KEY_NOT_FOUND`, `MALFORMED_KEY`, `UNSUPPORTED_KEY`;
 * and what `read` throws for them
 */
export function findIdentities(options: FindIdentitiesOptions): IdentityFile[] {
  const { home, explicit = [], read } = options;
  if (explicit.length > 0) return [...new Set(explicit)].map((path) => readExplicit(path, read));
  const folder = join(home, ".ssh");
  const { identities, guessed } = configured(options);
  const beside = (orNull(() => options.list?.(folder)) ?? []).toSorted();
  const sure = [...identities.map(withoutPub), ...USUAL_NAMES.map((name) => join(folder, name))];
  const named = [...sure, ...guessed.map(withoutPub)];
  return [...new Set([...named, ...beside.map((name) => withoutPub(join(folder, name)))])].flatMap((path) => {
    const isGuessed = !sure.includes(path);
    const identity = readDefault(path, read);
    // A guess may be any file.
    if (identity === null || (isGuessed && identity.file === null && identity.publicKey === null)) return [];
    // Nobody said that it is SSH's, and its passphrase would be asked for every message.
    if (identity.publicKey === null && !named.includes(path)) {
      return [{ ...identity, file: null, problem: HIDDEN, isGuessed: false }];
    }
    return [{ ...identity, isGuessed }];
  });
}

/** The sockets of SSH agents that the configuration names. */
export const findAgents = (options: Omit<FindIdentitiesOptions, "explicit">): readonly string[] =>
  configured(options).agents;

const configured = ({ home, read, list, local }: FindIdentitiesOptions): ReturnType<typeof readSshConfig> =>
  readSshConfig({
    home,
    local,
    read: (path) => orNull(() => read(path)?.toString() ?? null),
    list: (path) => orNull(() => list?.(path)) ?? [],
  });
