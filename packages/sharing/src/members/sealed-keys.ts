import { hash } from "node:crypto";
import { isVaultError } from "@git-vault/core";
import { keyId, parseKeyFile, readTracked, VAULT_FOLDER, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { parsePublicKey } from "@git-vault/keys";
import type { Identifier, MemberKey, SealedCopy } from "@git-vault/members";
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
 * The sealed copies of keys beside the log: `.git-vault/sealed/<name>/<generation>/<digest>.age`.
 * An entry of who sealed a copy commits to its bytes; no other is opened. What comes out must be
 * the generation that the log names.
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

/** The path of a copy: from the top folder, by its key and the digest of its bytes. */
const COPY = new RegExp(`^${SEALED_FOLDER}/([A-Za-z0-9_-]+)/([0-9a-f]{64})/([0-9a-f]{64})\\.age$`);

/** That of a copy in git-crypt's form. */
const OPENPGP_COPY = /\/([0-9A-F]{40})\.gpg$/;

/** The digest of a copy, which an entry commits to. */
export const digestOf = (content: Uint8Array): string => hash("sha256", content, "hex");

const folderOf = ({ keyName, id }: GenerationName): string => `${SEALED_FOLDER}/${keyName}/${id}`;

/** What a copy is sealed to for a key; null where the key is unsound, as far as can be told. */
async function recipientOf({ text }: MemberKey): Promise<Recipient | null> {
  try {
    if (text.startsWith("age1")) return await usable(await parseRecipient(text));
    return new SshRecipient(parsePublicKey(text), { allowWeak: true });
  } catch (error) {
    if (isVaultError(error)) return null;
    throw error;
  }
}

/** The recipient, where it can be sealed to: the point in an age key may be on no curve. */
async function usable(recipient: Recipient): Promise<Recipient> {
  await recipient.wrapFileKey(Buffer.alloc(FILE_KEY_BYTES));
  return recipient;
}

const FILE_KEY_BYTES = 16;

const isPostQuantum = ({ labels = [] }: Recipient): boolean => labels.includes("postquantum");

/** Whether everybody can seal to a key: an OpenPGP key or a plugin's gets a copy of its own. */
export const isSealable = ({ type }: MemberKey): boolean =>
  ["ssh-ed25519", "ssh-rsa"].includes(type) || /^age-(?!plugin-)/.test(type);

/** Whether a key is an age plugin's. */
export const isPluginKey = ({ type }: MemberKey): boolean => type.startsWith("age-plugin-");

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
 * Seals a key file to keys of members; those that are unsound are passed over. A recipient may
 * stand for a key.
 *
 * @returns files to commit, by their paths from the top folder; an entry must commit to them: see
 * `copiesIn`
 * @throws SealingError UNUSABLE_RECIPIENT
 */
export async function sealKey(
  generation: GenerationName,
  key: Uint8Array,
  keys: readonly (MemberKey | Recipient)[],
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const found = await Promise.all(keys.map(async (one) => ("wrapFileKey" in one ? one : recipientOf(one))));
  const all = found.filter((one) => one !== null);
  // A message has recipients of one strength: one member's post-quantum key must not keep the
  // others from getting a copy.
  for (const recipients of [all.filter((one) => !isPostQuantum(one)), all.filter(isPostQuantum)]) {
    for (let at = 0; at < recipients.length; at += MOST_RECIPIENTS) {
      const sealed = Buffer.from(await seal(key, recipients.slice(at, at + MOST_RECIPIENTS)));
      files.set(`${folderOf(generation)}/${digestOf(sealed)}.age`, sealed);
    }
  }
  return files;
}

/**
 * What an entry says of those among some files that are copies of a key, in either form.
 *
 * @param recipient the id of the one key that those of age are for; null where they are for several
 */
export const copiesIn = (
  id: string,
  files: ReadonlyMap<string, Buffer>,
  recipient: Identifier | null = null,
): SealedCopy[] =>
  [...files].flatMap(([path, content]) => {
    const openPgp = OPENPGP_COPY.exec(path)?.[1];
    if (openPgp === undefined && COPY.exec(path)?.[2] !== id) return [];
    return [{ commitment: id, digest: digestOf(content), recipient: openPgp ?? recipient }];
  });

/** The paths of the copies of a key name that the index holds, of all generations. */
export const sealedPaths = (repository: Repository, keyName: string): string[] =>
  readTracked(repository, `${SEALED_FOLDER}/${keyName}`, { most: 0 }).map(({ path }) => path);

/** The copies in the index that entries commit to, and what else lies there. */
export interface Copies {
  /** The digests of those that are what was sealed. */
  readonly intact: ReadonlySet<string>;
  /** The paths of all others: no entry that counts is for them, or they were changed since. */
  readonly strange: readonly string[];
  /** Those of these that lie where a copy would. */
  readonly replaced: readonly string[];
}

const placeOf = (path: string): string => COPY.exec(path)?.slice(2, 4).join(" ") ?? "";

/** Whom the age copies are for, by their commitments and digests. */
const placesOf = (copies: readonly SealedCopy[]): Map<string, SealedCopy["recipient"]> =>
  new Map(
    copies.flatMap(({ commitment, digest, recipient }) =>
      recipient === null || recipient.startsWith("age1") ? [[`${commitment} ${digest}`, recipient] as const] : [],
    ),
  );

/** Looks at the copies in the index, or in a commit; what no entry commits to is not read. */
export function lookAtCopies(repository: Repository, attested: readonly SealedCopy[], commit?: string): Copies {
  const sealed = placesOf(attested);
  const all = readTracked(repository, SEALED_FOLDER, { most: 0, commit });
  const isWanted = (path: string): boolean => sealed.has(placeOf(path));
  const known = readTracked(repository, SEALED_FOLDER, { most: MAX_SEALED_BYTES, commit, isWanted });
  const sound = known.filter(({ path, content }) => content !== null && digestOf(content) === COPY.exec(path)?.[3]);
  const intact = new Set(sound.map(({ path }) => path));
  return {
    intact: new Set(sound.map(({ path }) => placeOf(path))),
    strange: all.flatMap(({ path }) => (intact.has(path) ? [] : path)),
    replaced: all.flatMap(({ path, bytes }) => (bytes > 0 && COPY.test(path) && !intact.has(path) ? path : [])),
  };
}

/** A key that was opened. */
export interface OpenedKey extends GenerationName {
  /** The key file. Secret: overwrite it with zeros when done. */
  readonly key: Buffer;
  /** The file that held it, from the top folder. */
  readonly path: string;
  readonly openedWith: OpenedWith;
  /** The one key that the copy is for, where it is for one. */
  readonly recipient: Identifier | null;
}

/** A copy that opens, and is not what its place says. */
export interface FalseCopy {
  readonly path: string;
  /** Why, as a phrase. */
  readonly problem: string;
}

/**
 * Opens the copies of generations with the private keys of this machine. All copies are tried,
 * plugins last. A plugin that fails, as where its card is not plugged in,
 * says nothing of a copy.
 *
 * @param attested those that entries which count commit to; no other is read
 * @param tips commits whose files are looked at after those of the index
 * @returns each generation at most once, the copies that hold something else, and what the first
 * plugin failed with; null where none did
 * @throws what unlocking a private key throws, as `receive` does
 */
export async function openSealedKeys(
  repository: Repository,
  wanted: readonly GenerationName[],
  local: LocalIdentities,
  { attested, tips }: { readonly attested: readonly SealedCopy[]; readonly tips: readonly string[] },
): Promise<{ opened: OpenedKey[]; wrong: FalseCopy[]; failed: SealingError | null }> {
  let failed: SealingError | null = null;
  const opened: OpenedKey[] = [];
  const wrong = new Map<string, string>();
  const identities = local.identities.filter((identity) => !(identity instanceof PassphraseIdentity));
  const sealed = placesOf(attested);
  // A plugin may have to be touched: it is asked once nothing else opened a copy.
  const rounds = [identities.filter((one) => !isPlugin(one)), identities.filter(isPlugin)];
  const openGeneration = async (generation: GenerationName): Promise<OpenedKey | null> => {
    for (const round of rounds.filter(({ length }) => length > 0)) {
      for (const { path, content } of copiesOf(repository, generation, sealed, tips)) {
        const recipient = sealed.get(placeOf(path)) ?? null;
        const fit = recipient === null ? round : round.filter((one) => isOfPlugin(one, recipient));
        if (fit.length === 0) continue;
        const isIntact = digestOf(content) === COPY.exec(path)?.[3];
        const result = isIntact ? await openCopy(content, generation, fit) : CHANGED;
        if (result === null) continue;
        if (result instanceof SealingError) failed ??= result;
        else if ("problem" in result) wrong.set(path, result.problem);
        else {
          const openedWith = await local.openedWith(result.identity);
          return { ...generation, key: result.key, path, openedWith, recipient };
        }
      }
    }
    return null;
  };
  try {
    for (const generation of wanted) {
      const key = await openGeneration(generation);
      if (key !== null) opened.push(key);
    }
  } catch (error) {
    for (const { key } of opened) key.fill(0);
    throw error;
  }
  return { opened, wrong: [...wrong].map(([path, problem]) => ({ path, problem })), failed };
}

const isPlugin = (identity: Identities[number]): boolean => "plugin" in identity;

/** Whether an identity is of the plugin that a recipient names: no other is asked. */
const isOfPlugin = (identity: Identities[number], recipient: Identifier): boolean =>
  "plugin" in identity && recipient.startsWith(`age1${String(identity.plugin)}1`);

const CHANGED = { problem: "it was changed after it was sealed" };

/** The copies that entries commit to: of the index first, and those for one key before others. */
function* copiesOf(
  repository: Repository,
  generation: GenerationName,
  sealed: ReadonlyMap<string, Identifier | null>,
  tips: readonly string[],
): Generator<{ path: string; content: Buffer }> {
  const places = repository.topLevel === null ? ["HEAD", ...tips] : [undefined, ...tips];
  const isWanted = (path: string): boolean => sealed.has(placeOf(path));
  const orderOf = ({ path }: { readonly path: string }): number => Number(sealed.get(placeOf(path)) === null);
  for (const tip of places) {
    const reading = { most: MAX_SEALED_BYTES, commit: tip, isWanted };
    const found = readTracked(repository, folderOf(generation), reading);
    for (const { path, content } of found.toSorted((a, b) => orderOf(a) - orderOf(b))) {
      if (content !== null) yield { path, content };
    }
  }
}

type Identities = LocalIdentities["identities"];

async function openCopy(
  content: Buffer,
  { keyName, id }: GenerationName,
  identities: Identities,
): Promise<{ key: Buffer; identity: Identities[number] } | { problem: string } | SealingError | null> {
  let plaintext;
  let identity;
  try {
    ({ plaintext, identity } = await open(content, identities));
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    if (error.code === "PLUGIN_FAILED" || error.code === "PLUGIN_MISSING") return error;
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
