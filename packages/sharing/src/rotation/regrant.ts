import type { Repository, StoredKey } from "@git-vault/git-crypt";
import type { OpenPgpKeyEntry } from "@git-vault/keys";
import type { GpgOptions } from "../identities/gpg.ts";
import type { Judgement } from "../grants/grant-review.ts";
import { openPgpGrantKey, type GrantKey } from "../grants/grant-file.ts";
import type { SignatureState } from "../grants/grant-signature.ts";
import type { BadGrant, Grant, Voucher } from "../grants/read-grants.ts";
import { makeGrant, type GrantedBy } from "../grants/make-grant.ts";
import type { TrackedOpenPgpGrant } from "../grants/openpgp-files.ts";
import { openPgpHolder } from "../grants/openpgp-unvouched.ts";
import { isSealedTo, publicKeysOfGpg, sealToOpenPgp } from "../grants/openpgp-seal.ts";

/** A grant that is to be made anew: the new key is sealed to exactly these keys. */
export interface PlannedGrant {
  readonly holder: string;
  /** Of the grant that is there, from the top folder. */
  readonly path: string;
  readonly keys: readonly GrantKey[];
  /** What an OpenPGP key says of its owner, which nobody has checked; null for others. */
  readonly userId: string | null;
  readonly grantedBy: string | null;
  /** Of the grant that is there; null for one of git-crypt's own that nobody vouches for. */
  readonly signature: SignatureState | null;
  /** Why somebody must say that it is right, as phrases; empty where nothing speaks against it. */
  readonly doubts: readonly string[];
}

/** A planned grant, and how it is made. */
export interface Step extends PlannedGrant {
  make(newKey: StoredKey): Promise<Iterable<readonly [path: string, content: Buffer]>>;
}

/** How the grants of one holder are made anew, as one: to the keys of the newest. */
export function ageStep(grants: readonly [Grant, ...Grant[]], judgement: Judgement, by: GrantedBy): Step {
  const [newest] = grants;
  const [since] = grants.map(({ statement }) => statement.since).toSorted();
  return {
    ...described(newest, judgement),
    userId: null,
    make: async (newKey) => [await makeGrant({ ...newest.statement, since }, newKey, by)],
  };
}

const described = (grant: Grant, judgement: Judgement): Omit<PlannedGrant, "userId"> => ({
  holder: grant.statement.holder,
  path: grant.path,
  keys: grant.statement.keys,
  grantedBy: grant.statement.grantedBy,
  signature: judgement.signatures.get(grant) ?? { state: "unsigned" },
  doubts: judgement.doubtsOf(grant),
});

/** What is renewed of the grants to OpenPGP keys. */
interface OpenPgpRenewal {
  readonly steps: readonly Step[];
  readonly dropped: readonly BadGrant[];
  /** The paths of statements and grants that others take the places of. */
  readonly superseded: readonly string[];
}

/**
 * How git-crypt's own grants are made anew: those that are vouched for, and, where somebody says
 * so, the others.
 */
export async function openPgpSteps(
  request: { readonly repository: Repository; readonly by: GrantedBy; readonly gpg?: GpgOptions },
  of: {
    readonly vouchers: readonly Voucher[];
    readonly files: readonly TrackedOpenPgpGrant[];
    readonly judgement: Judgement;
  },
): Promise<OpenPgpRenewal> {
  const { repository, by, gpg } = request;
  const steps: Step[] = [];
  const dropped: BadGrant[] = [];
  const superseded: string[] = [];
  const vouched = new Set(of.vouchers.map(({ file }) => file.fingerprint));
  const fingerprints = [...vouched, ...of.files.map((file) => file.fingerprint)];
  const known = await publicKeysOfGpg(repository, fingerprints, gpg);
  const keyOf = (fingerprint: string): OpenPgpKeyEntry | undefined => {
    const onForge = of.judgement.openPgpKeys.get(fingerprint);
    return onForge?.key ? onForge : known.get(fingerprint);
  };
  for (const fingerprint of vouched) {
    const theirs = of.vouchers.filter(({ file }) => file.fingerprint === fingerprint);
    const [newest] = theirs.toSorted((a, b) => (a.statement.granted < b.statement.granted ? 1 : -1));
    const entry = keyOf(fingerprint);
    if (newest === undefined) continue;
    if (!entry?.key) {
      const problem = whyNot(entry);
      dropped.push(...[newest.path, newest.file.path].map((path) => ({ path, problem })));
      continue;
    }
    const { key } = entry;
    const { holder, account } = newest.statement;
    const [since] = theirs.map(({ statement }) => statement.since).toSorted();
    superseded.push(...theirs.map(({ path }) => path), newest.file.path);
    steps.push({
      ...described(newest, of.judgement),
      userId: entry.comment,
      make: (newKey) => sealToOpenPgp(repository, { holder, account, since }, key, newKey, by),
    });
  }
  for (const { fingerprint, path, content } of of.files) {
    const entry = keyOf(fingerprint);
    const holder = openPgpHolder(fingerprint);
    if (!entry?.key || content === null || !isSealedTo(content, entry)) {
      const problem = entry?.key ? "it is no OpenPGP message to that key" : whyNot(entry);
      dropped.push({ path, problem: `${UNVOUCHED}, and ${problem}` });
      continue;
    }
    const { key } = entry;
    superseded.push(path);
    steps.push({
      holder,
      path,
      keys: [openPgpGrantKey(fingerprint)],
      userId: entry.comment,
      grantedBy: null,
      signature: null,
      doubts: [UNVOUCHED],
      make: (newKey) => sealToOpenPgp(repository, { holder, account: null }, key, newKey, by),
    });
  }
  return { steps, dropped, superseded };
}

const UNVOUCHED = "no holder of the key vouches for it";

const whyNot = (entry: OpenPgpKeyEntry | undefined): string =>
  entry === undefined
    ? "neither an account nor gpg has the public key"
    : `its key cannot be sealed to: ${entry.unusable ?? "it is unusable"}`;
