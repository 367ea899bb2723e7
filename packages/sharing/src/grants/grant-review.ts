import type { Directory, KeyKind } from "@git-vault/directory";
import { isVaultError } from "@git-vault/core";
import { forgeStates, type ForgeState } from "./account-state.ts";
import { isVoucher } from "./grant-file.ts";
import { signatureStates, type SignatureState } from "./grant-signature.ts";
import type { Grant } from "./read-grants.ts";
import type { OpenPgpKeyEntry } from "@git-vault/keys";
import type { Pins } from "../trust/pins.ts";

/** What a grant is judged by before another key is sealed to the keys that it names. */
export interface Evidence {
  readonly grants: readonly Grant[];
  readonly directory: Directory | null;
  /** The recipients that were seen before. */
  readonly pins: Pins;
  /**
   * The fingerprint of the key that the one signs with who is asked; null where they do not sign.
   */
  readonly ownKey: string | null;
  /**
   * Holders that are taken out, and the fingerprints of their keys: what they granted is doubtful.
   */
  readonly revoked: { readonly holders: ReadonlySet<string>; readonly fingerprints: ReadonlySet<string> };
}

/** What is to be thought of grants. */
export interface Judgement {
  readonly signatures: ReadonlyMap<Grant, SignatureState>;
  /**
   * Phrases that say why a grant is not to be renewed without asking; none for one that nothing
   * speaks against.
   */
  doubtsOf(grant: Grant): string[];
  /** The OpenPGP keys that holders have on the forges, by fingerprint. */
  readonly openPgpKeys: ReadonlyMap<string, OpenPgpKeyEntry>;
  /** Why the forges could not be asked; null where they were, or where that was not wanted. */
  readonly unasked: string | null;
}

/** Judges grants by their signatures, by what the forges say now, and by what was seen before. */
export async function judge(evidence: Evidence): Promise<Judgement> {
  const { grants, directory } = evidence;
  let states = new Map<KeyKind, Map<string, ForgeState>>();
  let unasked: string | null = null;
  let signatures;
  try {
    signatures = await signatureStates(grants, directory);
    states = await statesOf(evidence);
  } catch (error) {
    // Nobody waits for a forge to take somebody out: what it would have told stays doubtful.
    if (!isVaultError(error)) throw error;
    unasked = error.message;
    signatures = await signatureStates(grants, null);
  }
  const doubtsOf = (grant: Grant): string[] => {
    const state = states.get(kindOf(grant))?.get(grant.statement.holder) ?? { kind: "not-asked" };
    return [
      ...doubtsOfSignature(grant, signatures.get(grant) ?? { state: "unsigned" }, evidence),
      ...doubtsOfKeys(grant, state, evidence),
    ];
  };
  return { signatures, doubtsOf, unasked, openPgpKeys: openPgpKeysIn([...(states.get("openpgp")?.values() ?? [])]) };
}

const openPgpKeysIn = (states: readonly ForgeState[]): Map<string, OpenPgpKeyEntry> =>
  new Map(
    states
      .flatMap((state) => (state.kind === "found" ? state.keys : []))
      .flatMap((key) => ("userIds" in key && key.fingerprint !== null ? [[key.fingerprint, key] as const] : [])),
  );

const kindOf = (grant: Grant): KeyKind => (isVoucher(grant) ? "openpgp" : "ssh");

async function statesOf({ grants, directory }: Evidence): Promise<Map<KeyKind, Map<string, ForgeState>>> {
  const states = new Map<KeyKind, Map<string, ForgeState>>();
  for (const kind of directory === null ? [] : (["ssh", "openpgp"] as const)) {
    const asked = grants.filter((one) => kindOf(one) === kind).map(({ statement }) => statement);
    if (directory !== null && asked.length > 0) states.set(kind, await forgeStates(asked, directory, kind));
  }
  return states;
}

/** What speaks against a grant by its signature, as phrases. */
export function doubtsOfSignature(
  { statement }: Grant,
  signature: SignatureState,
  { ownKey, revoked }: Pick<Evidence, "ownKey" | "revoked">,
): string[] {
  const by = statement.grantedBy;
  const { fingerprint } = signature;
  if ((by !== null && revoked.holders.has(by)) || (fingerprint !== undefined && revoked.fingerprints.has(fingerprint)))
    return ["it was granted by somebody who is taken out now"];
  if (fingerprint === undefined)
    return [signature.state === "invalid" ? "its signature does not fit" : "it is not signed"];
  if (fingerprint === ownKey || signature.state === "confirmed") return [];
  return signature.state === "denied"
    ? [`the key that signed it, ${fingerprint}, is none of ${by ?? "anybody"} now`]
    : [`it is not known whose key signed it, ${fingerprint}`];
}

function doubtsOfKeys({ statement, ...grant }: Grant, state: ForgeState, { pins }: Evidence): string[] {
  const { holder, keys } = statement;
  const without = (known: ReadonlySet<string | null>): string =>
    keys.flatMap(({ fingerprint }) => (known.has(fingerprint) ? [] : fingerprint)).join(", ");
  const pinned = pins.fingerprintsOf(holder, isVoucher(grant) ? "openpgp" : "ssh");
  const unpinned = pinned === null ? "" : without(pinned);
  const strange = state.kind === "found" ? without(new Set(state.keys.map(({ fingerprint }) => fingerprint))) : "";
  return [
    ...(state.kind === "gone" ? ["there is no such account any more"] : []),
    ...(state.kind === "other-account" ? ["another account has that name now"] : []),
    ...(strange === "" ? [] : [`not among their keys now: ${strange}`]),
    ...(unpinned === "" ? [] : [`not among their keys when you last saw them: ${unpinned}`]),
  ];
}
