import { isVaultError, printable } from "@git-vault/core";
import {
  decodeText,
  findIdentities,
  isOpenPgpPrivateKey,
  KeyError,
  readOpenPgpPrivateKeys,
  type IdentityFile,
  type OpenPgpKeyEntry,
  type SshPublicKey,
} from "@git-vault/keys";
import {
  detectFormat,
  open,
  OpenPgpIdentity,
  NOT_OF_AGE,
  parseIdentityFile,
  PassphraseIdentity,
  SealingError,
  SshIdentity,
  type AgeIdentity,
  type Identity,
  type Stanza,
} from "@git-vault/sealing";
import type { PluginIdentity } from "@git-vault/sealing/plugins";
import { configSource } from "./config-source.ts";
import type { GpgOptions } from "./gpg.ts";
import type { PluginDialog } from "./plugin-process.ts";
import { readIfAny, readNamedFile } from "./read-file.ts";

/** A passphrase that is needed: for a private key, or for the message itself. */
export interface PassphraseRequest {
  /** The private key's file; null for a message that is sealed to a passphrase. */
  readonly path: string | null;
  /** 1, then 2 and 3 after a wrong one. */
  readonly attempt: number;
}

/** With which keys a message is opened. */
export interface ReceiveOptions {
  /** The home folder, whose `.ssh` is searched. */
  readonly home: string;
  /** Files to try instead of ~/.ssh: private keys and age identity files. */
  readonly keyFiles?: readonly string[] | undefined;
  /** A private key already read, to try alone. Its bytes are overwritten with zeros. */
  readonly key?: { readonly name: string; readonly bytes: Buffer } | undefined;
  /** Where `SSH_AUTH_SOCK` and the like are read from; the process's where it is left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** How gpg is run for an OpenPGP message where no key is named. */
  readonly gpg?: GpgOptions | undefined;
  /** The base-two logarithm of the scrypt's N that a message to a passphrase may have; 20. */
  readonly maxWorkFactor?: number | undefined;
  /** How age's plugins speak to the user; where it is left out, none is run. */
  readonly plugins?: PluginDialog | undefined;
  /** Gives a passphrase, only for a key that the message is for. It may throw. */
  readonly passphrase: (request: PassphraseRequest) => Promise<Uint8Array>;
}

/** What opened a message. */
export interface OpenedWith {
  /** The private key's file; null where it was a passphrase, or gpg. */
  readonly path: string | null;
  /** The public half's: `SHA256:…`, `age1…`, OpenPGP hex; null for a passphrase. */
  readonly fingerprint: string | null;
  /** The public half, of an SSH or OpenPGP key; null where gpg opened the message. */
  readonly publicKey: SshPublicKey | OpenPgpKeyEntry | null;
}

/** What a message can be opened with on this machine. */
export interface LocalIdentities {
  readonly identities: readonly Identity[];
  /** Of the primary keys of the OpenPGP keys among them. */
  readonly openPgpFingerprints: readonly string[];
  /** Tells about one of the identities. */
  openedWith(identity: Identity): Promise<OpenedWith>;
  /** The private keys of SSH that were looked for, usable or not. */
  readonly found: readonly IdentityFile[];
  /** The files of the identities. */
  readonly paths: readonly (string | null)[];
  /** Whether they are those that were named, and not those of this machine. */
  readonly isNamed: boolean;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Forgets the keys that were unlocked. */
  lock(): void;
}

type FileIdentity = AgeIdentity | PluginIdentity;

interface Place {
  readonly path: string | null;
  readonly fingerprint: () => Promise<string | null>;
}

/**
 * Finds what a message can be opened with, as `findIdentities` looks for private keys, and a
 * passphrase. Nothing is unlocked.
 *
 * @throws KeyError, SealingError and SharingError `KEY_FILE_UNREADABLE` for what is wrong with a
 * file that was named
 */
export async function findLocalIdentities(options: ReceiveOptions): Promise<LocalIdentities> {
  const { home, key, passphrase, plugins, env = process.env } = options;
  const named = new Map<string, Buffer | null>();
  if (key !== undefined) named.set(key.name, key.bytes);
  else for (const path of options.keyFiles ?? []) named.set(path, readNamedFile(path));

  const places = new Map<Identity, Place>();
  const openPgp: OpenPgpIdentity[] = [];
  for (const [path, bytes] of named) {
    const ask = (attempt: number): Promise<Uint8Array> => passphrase({ path, attempt });
    if (bytes === null) continue;
    if (detectFormat(bytes) === "age") {
      const identity = new SealedIdentityFile(bytes, ask, plugins);
      places.set(identity, { path, fingerprint: () => identity.fingerprint() });
    } else if (/^[\s>"'`]*AGE-(?:SECRET-KEY|PLUGIN)-/im.test(decodeText(bytes))) {
      for (const identity of await readNamed(path, bytes, (file) => readIdentities(file, plugins))) {
        places.set(identity, { path, fingerprint: async () => publicHalf(identity) });
      }
    } else if (isOpenPgpPrivateKey(bytes)) {
      for (const file of await readNamed(path, bytes, readOpenPgpPrivateKeys)) {
        const identity = new OpenPgpIdentity(file, ask);
        openPgp.push(identity);
        places.set(identity, { path, fingerprint: async () => identity.fingerprint });
      }
    } else continue;
    named.delete(path);
  }

  const noneIsSsh = named.size === 0 && places.size > 0;
  const found = noneIsSsh
    ? []
    : findIdentities({
        home,
        explicit: [...named.keys()],
        ...configSource(env),
        ...(named.size > 0 ? { read: (path: string) => named.get(path) ?? readIfAny(path) } : {}),
      });
  const sshIdentities = found.flatMap(({ path, file }) => {
    if (file === null) return [];
    const identity = new SshIdentity(file, (attempt) => passphrase({ path, attempt }));
    places.set(identity, { path, fingerprint: async () => identity.publicKey?.fingerprint ?? null });
    return [identity];
  });
  // A plugin that was named may be what opens a message to a passphrase.
  const hasPlugin = [...places.keys()].some((identity) => "plugin" in identity);
  const message = new PassphraseIdentity(
    (attempt) => passphrase({ path: null, attempt }),
    options.maxWorkFactor === undefined ? {} : { maxWorkFactor: options.maxWorkFactor },
  );

  return {
    identities: [...places.keys(), ...(hasPlugin ? [] : [message])],
    openPgpFingerprints: openPgp.map(({ fingerprint }) => fingerprint),
    async openedWith(identity) {
      const place = places.get(identity);
      const hasPublicKey = identity instanceof SshIdentity || identity instanceof OpenPgpIdentity;
      const publicKey = hasPublicKey ? identity.publicKey : null;
      return { path: place?.path ?? null, fingerprint: (await place?.fingerprint()) ?? null, publicKey };
    },
    found,
    paths: [...places.values()].map(({ path }) => path),
    isNamed: key !== undefined || (options.keyFiles?.length ?? 0) > 0,
    home,
    env,
    lock: () => {
      for (const identity of [...sshIdentities, ...openPgp]) identity.lock();
    },
  };
}

/** Most files name no plugin. */
async function readIdentities(file: Buffer, plugins: PluginDialog | undefined): Promise<FileIdentity[]> {
  if (plugins === undefined || !/AGE-PLUGIN-/i.test(decodeText(file))) return parseIdentityFile(file);
  return (await import("./plugin-process.ts")).readIdentityFile(file, plugins);
}

/** The recipient of an identity; of a plugin's only where its file says so. */
const publicHalf = async (identity: FileIdentity): Promise<string | null> =>
  "plugin" in identity ? identity.recipient : String(await identity.recipient());

/** Reads a key file that was named: its bytes are overwritten, and an error names it. */
async function readNamed<T>(path: string, bytes: Buffer, read: (bytes: Buffer) => Promise<T>): Promise<T> {
  try {
    return await read(bytes);
  } catch (cause) {
    const about = { hint: isVaultError(cause) ? cause.hint : undefined, cause };
    if (cause instanceof SealingError)
      throw new SealingError(cause.code, `${printable(path)}: ${cause.message}`, about);
    if (cause instanceof KeyError) throw new KeyError(cause.code, `${printable(path)}: ${cause.message}`, about);
    throw cause;
  } finally {
    bytes.fill(0);
  }
}

/** What no identity in a file opens; a plugin may have stanzas of its own. */
const NOT_IN_FILES: ReadonlySet<string> = new Set([...NOT_OF_AGE, "ssh-ed25519", "ssh-rsa", "scrypt"]);

/** An identity file sealed to a passphrase (`age -p`), opened when a message may need it. */
class SealedIdentityFile implements Identity {
  readonly asks = "always";
  readonly #file: Buffer;
  readonly #passphrase: (attempt: number) => Promise<Uint8Array>;
  readonly #plugins: PluginDialog | undefined;
  #identities: readonly FileIdentity[] | undefined;
  #openedWith: FileIdentity | undefined;

  constructor(file: Buffer, passphrase: (attempt: number) => Promise<Uint8Array>, plugins: PluginDialog | undefined) {
    this.#file = file;
    this.#passphrase = passphrase;
    this.#plugins = plugins;
  }

  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    if (stanzas.every(({ type }) => NOT_IN_FILES.has(type) || type.endsWith("-grease"))) return null;
    this.#identities ??= await this.#open();
    for (const identity of this.#identities) {
      const fileKey = await identity.unwrapFileKey(stanzas);
      if (fileKey === null) continue;
      this.#openedWith = identity;
      return fileKey;
    }
    return null;
  }

  /** The recipient of the identity in it that opened the message; null before one did. */
  async fingerprint(): Promise<string | null> {
    return this.#openedWith === undefined ? null : publicHalf(this.#openedWith);
  }

  async #open(): Promise<readonly FileIdentity[]> {
    const { plaintext } = await open(this.#file, [new PassphraseIdentity(this.#passphrase)]);
    try {
      return await readIdentities(plaintext, this.#plugins);
    } finally {
      plaintext.fill(0);
    }
  }
}
