import { randomBytes } from "node:crypto";
import { isVaultError } from "@git-vault/core";
import { keyId, parseKeyFile, readTracked, VAULT_FOLDER, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { parsePublicKey } from "@git-vault/keys";
import type { MemberKey } from "@git-vault/members";
import {
  open,
  parseRecipient,
  PassphraseIdentity,
  seal,
  SealingError,
  SshRecipient,
  type Recipient,
} from "@git-vault/sealing";
import type { LocalIdentities, OpenedWith } from "../identities/local-identities.ts";

/*
 * The sealed copies of keys beside the log: `.git-vault/sealed/<name>/<generation>/<entry>.….age`.
 * They are containers, and prove nothing: what comes out must be the generation that the log names.
 */

/** The folder of the sealed copies, from the top folder. */
export const SEALED_FOLDER: string = `${VAULT_FOLDER}/sealed`;

/** Each recipient takes about 100 bytes, an RSA key 600; age takes 1024 of them. */
const MOST_RECIPIENTS = 500;
const MAX_SEALED_BYTES = 1024 * 1024;

/** A git-crypt key that the log names. */
export interface GenerationName {
  readonly keyName: string;
  /** Its id, which the log commits to. */
  readonly id: string;
}

const folderOf = ({ keyName, id }: GenerationName): string => `${SEALED_FOLDER}/${keyName}/${id}`;

/** What a copy is sealed to for a key; null where the key is unsound. */
async function recipientOf({ text }: MemberKey): Promise<Recipient | null> {
  try {
    if (text.startsWith("age1")) return await parseRecipient(text);
    return new SshRecipient(parsePublicKey(text), { allowWeak: true });
  } catch (error) {
    if (isVaultError(error)) return null;
    throw error;
  }
}

/** Whether a copy can be sealed to a key. To an OpenPGP key git-crypt's own form is. */
export const isSealable = ({ type }: MemberKey): boolean => /^(?:ssh-ed25519$|ssh-rsa$|age-)/.test(type);

/**
 * Those of some keys that a copy should be sealed to and cannot: only their form was looked at when
 * they came into the log. One of them keeps nobody else from getting a copy.
 */
export async function unsoundKeys(keys: readonly MemberKey[]): Promise<MemberKey[]> {
  const sealable = keys.filter(isSealable);
  const recipients = await Promise.all(sealable.map(recipientOf));
  return sealable.filter((_, at) => recipients[at] === null);
}

/**
 * Seals a key file to keys of members; those that are unsound are passed over.
 *
 * @param entry the id of the entry which says that they may have it
 * @returns files to commit, by their paths from the top folder
 * @throws SealingError UNUSABLE_RECIPIENT
 */
export async function sealKey(
  generation: GenerationName,
  key: Uint8Array,
  entry: string,
  keys: readonly MemberKey[],
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const found = await Promise.all(keys.filter(isSealable).map(recipientOf));
  const recipients = found.filter((one) => one !== null);
  for (let at = 0; at < recipients.length; at += MOST_RECIPIENTS) {
    const name = `${entry}.${randomBytes(4).toString("hex")}.age`;
    const sealed = await seal(key, recipients.slice(at, at + MOST_RECIPIENTS));
    files.set(`${folderOf(generation)}/${name}`, Buffer.from(sealed));
  }
  return files;
}

/** The paths of the copies of a key name that the index holds, of all generations. */
export const sealedPaths = (repository: Repository, keyName: string): string[] =>
  readTracked(repository, `${SEALED_FOLDER}/${keyName}`, 0).map(({ path }) => path);

/** The ids of the entries that copies of a generation belong to, in the index or in a commit. */
export const sealedFor = (repository: Repository, generation: GenerationName, commit?: string): Set<string> =>
  new Set(
    readTracked(repository, folderOf(generation), 0, commit).map(
      ({ path }) => path.slice(folderOf(generation).length + 1).split(".")[0] ?? "",
    ),
  );

/** A key that was opened. */
export interface OpenedKey extends GenerationName {
  /** The key file. Secret: overwrite it with zeros when done. */
  readonly key: Buffer;
  /** The file that held it, from the top folder. */
  readonly path: string;
  readonly openedWith: OpenedWith;
}

/** A copy that opens, and is not what its place says. */
export interface FalseCopy {
  readonly path: string;
  /** Why, as a phrase. */
  readonly problem: string;
}

/**
 * Opens the copies of generations with the private keys of this machine. All copies are tried.
 *
 * @param entries those that count: a copy that belongs to no such entry is not read
 * @param tips commits whose files are looked at after those of the index
 * @returns each generation at most once, and the copies that hold something else
 * @throws what unlocking a private key throws, as `receive` does
 */
export async function openSealedKeys(
  repository: Repository,
  wanted: readonly GenerationName[],
  local: LocalIdentities,
  { entries, tips }: { readonly entries: ReadonlySet<string>; readonly tips: readonly string[] },
): Promise<{ opened: OpenedKey[]; wrong: FalseCopy[] }> {
  const opened: OpenedKey[] = [];
  const wrong: FalseCopy[] = [];
  const identities = local.identities.filter((identity) => !(identity instanceof PassphraseIdentity));
  try {
    for (const generation of wanted) {
      for (const { path, content } of copiesOf(repository, generation, entries, tips)) {
        const result = await openCopy(content, generation, identities);
        if (result === null) continue;
        if ("problem" in result) {
          wrong.push({ path, problem: result.problem });
          continue;
        }
        opened.push({ ...generation, key: result.key, path, openedWith: await local.openedWith(result.identity) });
        break;
      }
    }
  } catch (error) {
    for (const { key } of opened) key.fill(0);
    throw error;
  }
  return { opened, wrong };
}

/** The copies that belong to an entry which counts, those of the index first. */
function* copiesOf(
  repository: Repository,
  generation: GenerationName,
  entries: ReadonlySet<string>,
  tips: readonly string[],
): Generator<{ path: string; content: Buffer }> {
  const seen = new Set<string>();
  const places = repository.topLevel === null ? ["HEAD", ...tips] : [undefined, ...tips];
  for (const tip of places) {
    for (const { path, content } of readTracked(repository, folderOf(generation), MAX_SEALED_BYTES, tip)) {
      const [entry = ""] = path.slice(folderOf(generation).length + 1).split(".");
      if (content === null || !entries.has(entry) || seen.has(path)) continue;
      seen.add(path);
      yield { path, content };
    }
  }
}

type Identities = LocalIdentities["identities"];

async function openCopy(
  content: Buffer,
  { keyName, id }: GenerationName,
  identities: Identities,
): Promise<{ key: Buffer; identity: Identities[number] } | { problem: string } | null> {
  let plaintext;
  let identity;
  try {
    ({ plaintext, identity } = await open(content, identities));
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    return error.code === "NO_IDENTITY_MATCHED" ? null : { problem: `it does not open: ${error.message}` };
  }
  const problem = problemOf(plaintext, keyName, id);
  if (problem === null) return { key: plaintext, identity };
  plaintext.fill(0);
  return { problem };
}

/** Why a plaintext is not the key file of a generation; null where it is. */
export function problemOf(plaintext: Buffer, keyName: string, id: string): string | null {
  try {
    const keyFile = parseKeyFile(plaintext);
    const isRight = (keyFile.name ?? "default") === keyName && keyId(keyFile) === id;
    wipeKeyFile(keyFile);
    return isRight ? null : "it holds another key than the members log names";
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return "it holds no git-crypt key";
  }
}
