import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isVaultError } from "@git-vault/core";
import { isKeyFile, type KeyFile, KeyRing, parseKeyFile, readKeyRing, type Repository } from "@git-vault/git-crypt";
import type { ReceiveOptions } from "@git-vault/sharing";
import { DeployError } from "../errors.ts";

/** The variable that CI systems hold the key in. */
const KEY_VARIABLE = "GIT_CRYPT_KEY";

/** Where the git-crypt key comes from. The first that is there is taken. */
export interface KeySource {
  /** A key file's bytes, or its base64 text. */
  readonly bytes?: Uint8Array | undefined;
  /** A file that holds a key file, its base64 text, or a sealed message with either. */
  readonly file?: string | undefined;
  /**
   * Private keys that open a sealed message or a member's copy; where left out, that of
   * `$GIT_VAULT_IDENTITY`, else those in `~/.ssh`.
   */
  readonly identities?: readonly string[] | undefined;
  /** Gives the passphrase of a private key. Without it, one that is encrypted opens nothing. */
  readonly passphrase?: ReceiveOptions["passphrase"] | undefined;
}

/**
 * Finds the keys to read a repository with: what `source` names; else `$GIT_CRYPT_KEY` (base64
 * text, or a path); else the keys that unlocking left in the repository; else those that its
 * members log gives to a private key. None where there are none.
 *
 * @throws DeployError NOT_A_KEY; what opening a sealed message or the members log throws
 */
export async function findKeys(
  source: KeySource,
  env: NodeJS.ProcessEnv,
  repository: Repository,
): Promise<readonly KeyRing[]> {
  const given = await givenKey(source, env);
  if (given !== null) return [KeyRing.of(repository, given)];
  const names = repository.keyNames();
  if (names.length > 0) return names.map((name) => readKeyRing(repository, name));
  return (await membersKeys(source, env, repository)).map((key) => KeyRing.of(repository, key));
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

async function givenKey(source: KeySource, env: NodeJS.ProcessEnv): Promise<KeyFile | null> {
  if (source.bytes !== undefined) return parse(Buffer.from(source.bytes), "the key that was given");
  if (source.file !== undefined) return readKeyFile(source.file, source, env);
  const value = env[KEY_VARIABLE]?.trim() ?? "";
  if (value === "") return null;
  const key = bareKey(Buffer.from(value));
  if (key !== null) return key;
  if (!value.includes("\0") && existsSync(value)) return readKeyFile(value, source, env);
  throw notAKey(`$${KEY_VARIABLE}`);
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
