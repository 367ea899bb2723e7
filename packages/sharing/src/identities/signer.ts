import { printable } from "@git-vault/core";
import {
  armorSignature,
  assembleSignature,
  findIdentities,
  KeyError,
  readPrivateKey,
  readPublicKeys,
  signedData,
  signMessage,
  verifySignature,
  type AgentKey,
  type PrivateKey,
  type PrivateKeyFile,
  type SigningKey,
} from "@git-vault/keys";
import { SharingError } from "../errors.ts";
import { configSource } from "./config-source.ts";
import type { PassphraseRequest } from "./local-identities.ts";
import { readIfAny, readNamedFile } from "./read-file.ts";
import { SshAgent } from "./ssh-agent.ts";

/** A key that signs, wherever it is. */
export interface Signer {
  readonly publicKey: SigningKey;
  /**
   * Makes an SSH signature over a message, as `ssh-keygen -Y sign` does: its text, with the lines
   * that begin and end it.
   *
   * @throws KeyError from unlocking a private key, or `BAD_AGENT_ANSWER`; SharingError
   * `AGENT_FAILED`; what asking for a passphrase throws; RangeError for an empty namespace
   */
  sign(namespace: string, message: Uint8Array): Promise<string>;
  /**
   * Asks for what signing takes, a passphrase, now: before something is made that is to be signed.
   *
   * @throws KeyError from unlocking a private key; what asking for a passphrase throws
   */
  unlock(): Promise<void>;
  /** Forgets a private key kept unlocked so that its passphrase is asked for once. */
  lock(): void;
}

/** Where a key to sign with is looked for. */
export interface FindSignerOptions {
  /** The home folder, whose `.ssh` is searched. */
  readonly home: string;
  /** Where `SSH_AUTH_SOCK` is read from; the process's environment where it is left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /**
   * The key that was named: the path of a private key, or of a public one whose private half is
   * beside it or in the agent; or, as git has it in `user.signingkey`, a public key itself, with or
   * without `key::` before it.
   */
  readonly key?: string | undefined;
  /**
   * The fingerprints of the keys that may be chosen where none was named, such as those that the
   * signer has on a forge; any where it is left out.
   */
  readonly among?: readonly string[] | undefined;
  /** Gives a private key's passphrase when it signs; never for an agent's key. May throw. */
  readonly passphrase: (request: PassphraseRequest) => Promise<Uint8Array>;
}

const MAX_ATTEMPTS = 3;

/**
 * Finds a key to sign with: the one that was named; else the first of the agent's keys, and then of
 * the private keys that `findIdentities` finds, that is among those allowed. A key that the agent
 * holds is used through it, so that nobody is asked for its passphrase. Nothing is unlocked yet.
 *
 * @throws SharingError `NO_SIGNING_KEY`, `KEY_FILE_UNREADABLE`; KeyError `MALFORMED_KEY` or
 * `UNSUPPORTED_KEY` for a key that was named
 */
export async function findSigner(options: FindSignerOptions): Promise<Signer> {
  const agent = await openAgent(options.env ?? process.env);
  return options.key === undefined ? findDefault(options, agent) : findNamed(options.key, options, agent);
}

interface Agent {
  readonly keys: readonly AgentKey[];
  /** The signer for one of its keys; null where it has none of that fingerprint. */
  signer(fingerprint: string | undefined): Signer | null;
  /** Why it cannot be used; null where it can, or there is none. */
  readonly problem: string | null;
}

async function openAgent(env: NodeJS.ProcessEnv): Promise<Agent> {
  const agent = SshAgent.find(env);
  let keys: readonly AgentKey[] = [];
  let problem: string | null = null;
  try {
    keys = (await agent?.keys()) ?? [];
  } catch (error) {
    if (!(error instanceof SharingError) && !(error instanceof KeyError)) throw error;
    problem = error.message;
  }
  return {
    keys,
    problem,
    signer(fingerprint) {
      const key = keys.find((candidate) => candidate.fingerprint === fingerprint);
      return agent === null || key === undefined ? null : agentSigner(agent, key);
    },
  };
}

const agentSigner = (agent: SshAgent, publicKey: AgentKey): Signer => ({
  publicKey,
  async sign(namespace, message) {
    const answer = await agent.sign(publicKey, signedData({ namespace, message }));
    try {
      const signature = assembleSignature({ publicKey: publicKey.blob, namespace, signature: answer });
      verifySignature(signature, { namespace, message });
      return armorSignature(signature);
    } catch (cause) {
      if (!(cause instanceof KeyError)) throw cause;
      throw new KeyError("BAD_AGENT_ANSWER", "the SSH agent gave a signature that does not fit", {
        hint: "try again, or sign with the file of a private key",
        cause,
      });
    }
  },
  async unlock() {},
  lock() {},
});

type FindOptions = Pick<FindSignerOptions, "home" | "env" | "among" | "passphrase">;

function findDefault({ home, env = process.env, among, passphrase }: FindOptions, agent: Agent): Signer {
  const isAllowed = ({ fingerprint }: { fingerprint: string }): boolean => among?.includes(fingerprint) ?? true;
  const held = agent.signer(agent.keys.find(isAllowed)?.fingerprint);
  if (held !== null) return held;
  for (const { path, file, publicKey } of findIdentities({ home, ...configSource(env) })) {
    if (file !== null && publicKey !== null && isAllowed(publicKey)) {
      return keySigner(publicKey, () => unlock(path, file, passphrase));
    }
  }
  const whose = among === undefined ? "" : " that is among those of the signer";
  throw noSigningKey(`there is no key to sign with${whose}, neither in an SSH agent nor in ~/.ssh`, agent);
}

/** @param unlockKey is called once, when the key is needed first */
const keySigner = (publicKey: SigningKey, unlockKey: () => Promise<PrivateKey>): Signer => {
  let unlocked: Promise<PrivateKey> | undefined;
  return {
    publicKey,
    async sign(namespace, message) {
      unlocked ??= unlockKey();
      return armorSignature(await signMessage(await unlocked, { namespace, message }));
    },
    async unlock() {
      unlocked ??= unlockKey();
      await unlocked;
    },
    lock() {
      const forgotten = unlocked;
      unlocked = undefined;
      forgotten?.then(
        (key) => key.type === "ssh-ed25519" && key.seed.fill(0),
        () => {}, // it was never unlocked
      );
    },
  };
};

async function unlock(
  path: string,
  file: PrivateKeyFile,
  passphrase: FindSignerOptions["passphrase"],
): Promise<PrivateKey> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await file.unlock(file.encrypted ? await passphrase({ path, attempt }) : undefined);
    } catch (error) {
      const isWrong = error instanceof KeyError && error.code === "WRONG_PASSPHRASE";
      if (!isWrong || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function findNamed(key: string, { passphrase }: FindOptions, agent: Agent): Promise<Signer> {
  const literal = /^(?:key::)?((?:ssh|ecdsa|sk)-\S+ .*)$/.exec(key)?.[1];
  if (literal !== undefined) return signerOfPublicKey("the key", literal, agent);
  const bytes = readNamedFile(key) ?? readIfAny(`${key}.pub`);
  if (bytes === null) throw new SharingError("KEY_FILE_UNREADABLE", `${printable(key)}: there is no such file`);
  if (!isPublicText(bytes)) return signerOfPrivateKey(key, bytes, passphrase, agent);
  const privatePath = key.replace(/\.pub$/, "");
  const privateBytes = privatePath === key ? null : readIfAny(privatePath);
  if (privateBytes !== null) return signerOfPrivateKey(privatePath, privateBytes, passphrase, agent);
  return signerOfPublicKey(printable(key), bytes.toString(), agent);
}

const isPublicText = (bytes: Buffer): boolean =>
  /^\s*(?:ssh|ecdsa|sk)-\S+ /.test(bytes.subarray(0, 100).toString("latin1"));

/** The fingerprint of the first key in a text of public keys; none where there is none. */
const fingerprintIn = (text: string): string | undefined =>
  readPublicKeys(text).find(({ fingerprint }) => fingerprint !== null)?.fingerprint ?? undefined;

function signerOfPublicKey(title: string, text: string, agent: Agent): Signer {
  const signer = agent.signer(fingerprintIn(text));
  if (signer !== null) return signer;
  throw noSigningKey(`${title}: its private half is neither beside it nor in an SSH agent`, agent);
}

async function signerOfPrivateKey(
  path: string,
  bytes: Buffer,
  passphrase: FindSignerOptions["passphrase"],
  agent: Agent,
): Promise<Signer> {
  try {
    const file = readPrivateKey(bytes);
    if (file.publicKey !== null) {
      const { publicKey } = file;
      return agent.signer(publicKey.fingerprint) ?? keySigner(publicKey, () => unlock(path, file, passphrase));
    }
    // An encrypted PEM file tells only when it is unlocked whose it is.
    const key = await unlock(path, file, passphrase);
    return keySigner(key.publicKey, async () => key);
  } catch (error) {
    if (!(error instanceof KeyError) || error.code === "WRONG_PASSPHRASE") throw error;
    // An ECDSA or a FIDO key can sign all the same, in an agent.
    const publicHalf = error.code === "UNSUPPORTED_KEY" ? readIfAny(`${path}.pub`)?.toString() : undefined;
    const signer = publicHalf === undefined ? null : agent.signer(fingerprintIn(publicHalf));
    if (signer !== null) return signer;
    throw new KeyError(error.code, `${printable(path)}: ${error.message}`, {
      hint: error.code === "UNSUPPORTED_KEY" ? "an SSH agent can sign with it: add it with `ssh-add`" : error.hint,
      cause: error,
    });
  } finally {
    bytes.fill(0);
  }
}

const noSigningKey = (message: string, { problem }: Agent): SharingError =>
  new SharingError("NO_SIGNING_KEY", message, {
    hint: `${problem === null ? "" : `${problem}; start an agent and `}add the key with \`ssh-add\`, or name the file of a private key`,
  });
