import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isVaultError, printable } from "@git-vault/core";
import { isKeyFile, type KeyFile, KeyRing, parseKeyFile, readKeyRing, type Repository } from "@git-vault/git-crypt";
import type { ReceiveOptions } from "@git-vault/sharing";
import { DeployError } from "../errors.ts";
import type { TitledKey } from "../files/tree.ts";

/** The variables that CI systems hold keys in: one, and one for each key with a name. */
const KEY_VARIABLE = /^GIT_CRYPT_KEY(?:_.+)?$/;

/** A key file that was read. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Where the git-crypt keys come from: the first way that is there is taken. A repository may have
 * several, one for each name.
 */
export interface KeySource {
  /** A key file's bytes, or its base64 text; or several, each with what errors call it. */
  readonly bytes?: Uint8Array | readonly NamedBytes[] | undefined;
  /** A file that holds a key file, its base64 text, or a sealed message with either; or several. */
  readonly file?: string | readonly string[] | undefined;
  /**
   * Private keys that open a sealed message or a member's copy; where left out, that of
   * `$GIT_VAULT_IDENTITY`, else those in `~/.ssh`.
   */
  readonly identities?: readonly string[] | undefined;
  /** Gives the passphrase of a private key. Without it, one that is encrypted opens nothing. */
  readonly passphrase?: ReceiveOptions["passphrase"] | undefined;
}

/**
 * Finds the keys to read a repository with: what `source` names; else `$GIT_CRYPT_KEY` and
 * `$GIT_CRYPT_KEY_NAME` for each other name (base64 text, or a path); beside them, those of other
 * names that unlocking left in the repository; where there is none of all these, those that its
 * members log gives to a private key. None where there are none.
 *
 * @throws DeployError NOT_A_KEY; what opening a sealed message or the members log throws
 */
export async function findKeys(
  source: KeySource,
  env: NodeJS.ProcessEnv,
  repository: Repository,
): Promise<readonly TitledKey[]> {
  const given = (await givenKeys(source, env)).map(({ title, key }) => ({ ring: KeyRing.of(repository, key), title }));
  const names = repository.keyNames().filter((name) => given.every(({ ring }) => ring.name !== name));
  const found = [...given, ...names.map((name) => ({ ring: readKeyRing(repository, name), title: null }))];
  if (found.length > 0) return found;
  const keys = await membersKeys(source, env, repository);
  return keys.map((key) => ({ ring: KeyRing.of(repository, key), title: null }));
}

/** Those that the members log gives to a private key: no log is taken that nobody accepted. */
async function membersKeys(source: KeySource, env: NodeJS.ProcessEnv, repository: Repository): Promise<KeyFile[]> {
  const { openKeys, openMembers, rootOfEnvironment } = await import("@git-vault/sharing/members");
  const members = await openMembers(repository, { root: rootOfEnvironment(env) });
  if (members.rootState === "new") {
    throw new DeployError("LOCKED", "the members log that would give the key was not accepted by anybody here", {
      hint: "demand its root by $GIT_VAULT_ROOT, or give the key itself",
    });
  }
  const { opened } = await openKeys(members, await privateKeys(source, env));
  const present = opened.filter(({ isCurrent }) => isCurrent);
  for (const { key, isCurrent } of opened) if (!isCurrent) key.fill(0);
  return present.map(({ key }) => {
    const keyFile = parseKeyFile(key);
    key.fill(0);
    return keyFile;
  });
}

/** With which private keys a message or a member's copy is opened. */
async function privateKeys(source: KeySource, env: NodeJS.ProcessEnv): Promise<ReceiveOptions> {
  const { identityOfEnvironment } = await import("@git-vault/sharing");
  return {
    home: env["HOME"] ?? homedir(),
    ...(source.identities === undefined ? identityOfEnvironment(env) : { keyFiles: source.identities }),
    passphrase: async (request) => {
      if (source.passphrase !== undefined) return source.passphrase(request);
      throw new DeployError("NOT_A_KEY", "the private key needs a passphrase, and none was given", {
        hint: "use a key without one in CI",
        remedy: "use-bare-key",
      });
    },
  };
}

interface GivenKey {
  readonly title: string;
  readonly key: KeyFile;
}

async function givenKeys(source: KeySource, env: NodeJS.ProcessEnv): Promise<GivenKey[]> {
  const { bytes, file } = source;
  if (bytes !== undefined) {
    const all = bytes instanceof Uint8Array ? [{ name: "the key that was given", bytes }] : bytes;
    return all.map((one) => ({ title: one.name, key: parse(Buffer.from(one.bytes), one.name) }));
  }
  const keys: GivenKey[] = [];
  if (file !== undefined) {
    for (const path of typeof file === "string" ? [file] : file)
      keys.push({ title: `the key file ${printable(path)}`, key: await readKeyFile(path, source, env) });
    return keys;
  }
  // In the order of their names, so that the default one is the first.
  for (const name of Object.keys(env).toSorted()) {
    const value = KEY_VARIABLE.test(name) ? (env[name]?.trim() ?? "") : "";
    if (value !== "") keys.push({ title: `$${name}`, key: await variableKey(name, value, source, env) });
  }
  return keys;
}

async function variableKey(name: string, value: string, source: KeySource, env: NodeJS.ProcessEnv): Promise<KeyFile> {
  const key = bareKey(Buffer.from(value));
  if (key !== null) return key;
  if (!value.includes("\0") && existsSync(value)) return readKeyFile(value, source, env);
  throw notAKey(`$${name}`);
}

function notAKey(title: string, cause?: unknown): DeployError {
  const message = `${title}: expected a git-crypt key file, its base64 text or a sealed one, got something else`;
  const hint = "set it to the base64 text of a key file";
  return new DeployError("NOT_A_KEY", message, { hint, remedy: "export-key", cause });
}

async function readKeyFile(path: string, source: KeySource, env: NodeJS.ProcessEnv): Promise<KeyFile> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new DeployError("NOT_A_KEY", "the key file cannot be read", {
      hint: "check its path and permissions",
      cause,
    });
  }
  const bare = bareKey(bytes);
  if (bare !== null) return bare;
  const { receive } = await import("@git-vault/sharing");
  try {
    const { plaintext } = await receive(bytes, await privateKeys(source, env));
    return parse(plaintext, "the sealed message");
  } catch (error) {
    if (isVaultError(error) && error.code === "UNKNOWN_FORMAT") throw notAKey("the key file", error);
    throw error;
  }
}

function parse(bytes: Buffer, title: string): KeyFile {
  const key = bareKey(bytes);
  if (key === null) throw notAKey(title);
  return key;
}

/** A key file that is not sealed, as it is or in base64; null for anything else. */
function bareKey(data: Buffer): KeyFile | null {
  if (isKeyFile(data)) return parseKeyFile(data);
  const text = data.length <= MOST_BASE64 ? data.toString("latin1").replaceAll(/\s/g, "") : "";
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  const decoded = Buffer.from(text, "base64");
  return isKeyFile(decoded) ? parseKeyFile(decoded) : null;
}

/** More than any key file needs. */
const MOST_BASE64 = 64 * 1024;
