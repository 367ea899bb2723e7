import type { Repository } from "@git-vault/git-crypt";
import type { OpenPgpKeyEntry } from "@git-vault/keys";
import type { Identifier, MemberKey, SealedCopy } from "@git-vault/members";
import { seal, SealingError, type Recipient } from "@git-vault/sealing";
import { parsePluginKey } from "@git-vault/sealing/plugins";
import type { PluginDialog } from "../identities/plugin-process.ts";
import { sealOpenPgpCopies } from "./openpgp-copies.ts";
import { copiesIn, isPluginKey, isSealable, sealKey, type GenerationName } from "./sealed-keys.ts";

/** Which keys of members a key is sealed to, and with what. */
export interface CopyRecipients {
  readonly keys: readonly MemberKey[];
  /** The public keys of the OpenPGP keys among them, as far as they are at hand. */
  readonly openPgp: readonly OpenPgpKeyEntry[];
  /** What `tryPlugins` found; undefined to run no plugin. */
  readonly plugins: TriedPlugins | undefined;
}

/** The age plugins that the user named, and the keys that they cannot seal to. */
export interface TriedPlugins {
  readonly dialog: PluginDialog;
  /** Why a plugin cannot seal to a key, by the key's id. */
  readonly failing: ReadonlyMap<Identifier, SealingError>;
}

/** A key that no copy is sealed to. */
export interface UnsealedKey {
  readonly key: MemberKey;
  /** What its plugin failed with; null where the user named no plugin, or gpg lacks the key. */
  readonly problem: string | null;
}

/** Copies of a key that were made. */
export interface MadeCopies {
  /** To commit, by their paths from the top folder. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What an entry says of them. */
  readonly copies: readonly SealedCopy[];
}

/**
 * Whether this user can make a copy for a key, as far as is known before: an OpenPGP key must be at
 * hand, and a plugin be one that they named, since the log must not choose what runs here, and
 * work with the key.
 */
export const canSealTo = (
  key: MemberKey,
  { openPgp, plugins }: { readonly openPgp: ReadonlySet<string>; readonly plugins: TriedPlugins | undefined },
): boolean => {
  if (isPluginKey(key)) return plugins?.dialog.named.has(pluginOf(key)) === true && !plugins.failing.has(key.id);
  return isSealable(key) || openPgp.has(key.id);
};

const NONE: ReadonlySet<string> = new Set();

/** The name of the plugin of a plugin's key. */
export const pluginOf = ({ type }: MemberKey): string => type.slice("age-plugin-".length);

/** Seals to the key of a plugin that the user named. */
async function recipientFor({ text }: MemberKey, dialog: PluginDialog): Promise<Recipient> {
  const { pluginRecipient } = await import("../identities/plugin-process.ts");
  return pluginRecipient(parsePluginKey(text), dialog);
}

/**
 * Seals something to each key of a plugin that the user named. Only the form of such a key was
 * looked at when it came into the log: one that its plugin refuses must not keep others from
 * getting a copy, nor an admin from being removed.
 */
export async function tryPlugins(
  keys: readonly MemberKey[],
  dialog: PluginDialog | undefined,
): Promise<TriedPlugins | undefined> {
  if (dialog === undefined) return undefined;
  const failing = new Map<Identifier, SealingError>();
  const named = keys.filter((key) => isPluginKey(key) && dialog.named.has(pluginOf(key)));
  for (const key of new Map(named.map((one) => [one.id, one])).values()) {
    try {
      await seal(Buffer.alloc(1), [await recipientFor(key, dialog)]);
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      failing.set(key.id, error);
    }
  }
  return { dialog, failing };
}

/** Those keys of OpenPGP and of plugins that get no copy, with why. */
export const unsealedAmong = (keys: readonly MemberKey[], reach: Parameters<typeof canSealTo>[1]): UnsealedKey[] =>
  keys
    .filter((key) => (key.type === "openpgp" || isPluginKey(key)) && !canSealTo(key, reach))
    .map((key) => ({ key, problem: reach.plugins?.failing.get(key.id)?.message ?? null }));

/**
 * Seals a key file to keys of members: one copy for all keys of SSH and age, and one for each of
 * the others. Those that cannot be sealed to are passed over.
 *
 * @throws SealingError `UNUSABLE_RECIPIENT`, `PLUGIN_MISSING`, `PLUGIN_FAILED`; SharingError
 * `NO_USABLE_KEY` as `sealOpenPgpCopies` does
 */
export async function sealCopies(
  repository: Repository,
  generation: GenerationName,
  key: Uint8Array,
  { keys, openPgp, plugins }: CopyRecipients,
): Promise<MadeCopies> {
  const shared = await sealKey(generation, key, keys.filter(isSealable));
  const files = new Map([...shared, ...(await sealOpenPgpCopies(repository, generation.keyName, key, openPgp))]);
  const copies = copiesIn(generation.id, files);
  if (plugins === undefined) return { files, copies };
  const reached = keys.filter((one) => isPluginKey(one) && canSealTo(one, { openPgp: NONE, plugins }));
  for (const one of reached) {
    const made = await sealKey(generation, key, [await recipientFor(one, plugins.dialog)]);
    for (const [path, content] of made) files.set(path, content);
    copies.push(...copiesIn(generation.id, made, one.id));
  }
  return { files, copies };
}
