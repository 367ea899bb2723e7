import { forgeUserOf, type Directory } from "@git-vault/directory";
import {
  keyId,
  readKeyRing,
  rotate,
  wipeKeyFile,
  type FilterCommands,
  type Progress,
  type Repository,
} from "@git-vault/git-crypt";
import { isVaultError } from "@git-vault/core";
import { SharingError } from "../errors.ts";
import type { GpgOptions } from "../identities/gpg.ts";
import { judge, type Judgement } from "../grants/grant-review.ts";
import { isVoucher } from "../grants/grant-file.ts";
import { presentKey, standingOf } from "../grants/grant-validity.ts";
import {
  byHolder,
  GRANTS_FOLDER,
  readGrants,
  type BadGrant,
  type Grant,
  type Grants,
  type Voucher,
} from "../grants/read-grants.ts";
import type { GrantedBy } from "../grants/make-grant.ts";
import { openPgpHolder, unvouchedGrants } from "../grants/openpgp-unvouched.ts";
import type { Pins } from "../trust/pins.ts";
import { ageStep, openPgpSteps, type PlannedGrant, type Step } from "./regrant.ts";
import { findGrants, type Revocation } from "../grants/find-grants.ts";
import { withGrants, type RotatedKey } from "./result.ts";

/** Which key is replaced, and who is to be left out. */
export interface RotationRequest {
  readonly repository: Repository;
  /** `default` where it is left out. */
  readonly keyName?: string | undefined;
  /** Holders that are taken out, as `listHolders` names them. */
  readonly revoke?: readonly string[];
  /** Asks the forges; null to ask nobody. */
  readonly directory: Directory | null;
  readonly pins: Pins;
  /** Who grants the new key. */
  readonly by: GrantedBy;
  readonly gpg?: GpgOptions;
}

/** What a rotation will do with the grants of a key. Nothing is written yet. */
export interface RotationPlan {
  readonly keyName: string;
  /** Who is taken out, and their grants; null where nobody is. */
  readonly revoked: Revocation | null;
  /**
   * The grants that are made anew, and what speaks against it: that is to be confirmed by somebody.
   */
  readonly renewals: readonly PlannedGrant[];
  /** Grants that are removed, and why. */
  readonly dropped: readonly BadGrant[];
  /** Why the forges could not be asked; null where they were, or where that was not wanted. */
  readonly unasked: string | null;
  /**
   * Replaces the key, and grants the new one as planned, in one commit.
   *
   * @throws SharingError `GRANTS_CHANGED` where the grants are not those that were planned for any
   * more; what `rotate` of git-crypt's and signing do
   */
  apply(options: ApplyOptions): Promise<RotatedKey>;
}

/** How a rotation is carried out. */
export interface ApplyOptions extends FilterCommands {
  /** Is told how many files are encrypted anew, of how many. */
  readonly progress?: Progress | undefined;
}

/**
 * Plans the replacement of a repository's key: for whom the new one is sealed, and to which keys,
 * which are those that their grants name; what speaks against that, and is to be confirmed by
 * somebody; and which grants are removed, and why. Nothing is written until `apply`.
 *
 * Only what was made with the key that lies here is renewed, and nothing whose signature does not
 * fit. Something speaks against a grant that is not signed, or by a key that is not known to be the
 * signer's; that was made by who is taken out now; that names a key which the holder's account has
 * not, or had not when it was last seen; and that nobody vouches for, as is the case where
 * git-crypt itself granted to an OpenPGP key. What a forge does not tell since it cannot be asked
 * now is doubtful, and no failure. Where two branches were rotated and merged, each holder is one
 * of both, or was first granted a key after the other branch was rotated: whom one of them shut out
 * stays out.
 *
 * @throws SharingError `NO_SUCH_HOLDER`, `PINS_UNREADABLE`; GitCryptError RETIRED_KEY; what
 * `Repository.readKey` does
 */
export async function planRotation(request: RotationRequest): Promise<RotationPlan> {
  const { repository, keyName = "default", by, pins, directory } = request;
  const all = readGrants(repository);
  const branches = currentGrants(repository, keyName, all);
  const made = new Set(branches.flatMap(({ grants }) => [...grants]));
  const unvouched = unvouchedGrants(all, (one) => made.has(one)).filter((file) => file.keyName === keyName);
  const revoked = await revocationOf(request, unvouched);
  const gone = new Set(revoked?.paths);
  const every = [...all.grants, ...all.vouchers].filter(({ statement }) => statement.keyName === keyName);
  const left = every.filter(({ path }) => !gone.has(path));
  const judgement = await judge({
    grants: left.filter((one) => made.has(one)),
    directory,
    pins,
    ownKey: by.signer?.publicKey?.fingerprint ?? null,
    revoked: {
      holders: new Set(revoked?.holders),
      fingerprints: fingerprintsOf(every.filter(({ path }) => gone.has(path))),
    },
  });
  const problems = new Map(
    left.map((one) => [
      one,
      made.has(one) ? problemOf(one, branches, judgement) : "it was not made with a key that lies here",
    ]),
  );
  const sound = left.filter((one) => problems.get(one) === null);
  const openPgp = await openPgpSteps(request, {
    vouchers: sound.filter(isVouching),
    files: unvouched.filter(({ path }) => !gone.has(path)),
    judgement,
  });
  const ages = sound.filter((one) => !isVoucher(one));
  const steps = [...byHolder(ages).map(({ grants }) => ageStep(grants, judgement, by)), ...openPgp.steps];
  const dropped: BadGrant[] = [
    ...all.bad.filter(({ path }) => path.startsWith(`${GRANTS_FOLDER}/${keyName}/`)),
    ...left.flatMap((one) => {
      const problem = problems.get(one) ?? null;
      return problem === null ? [] : [{ path: one.path, problem }];
    }),
    ...openPgp.dropped,
  ];
  const removed = [...gone, ...ages.map(({ path }) => path), ...openPgp.superseded];
  const { unasked } = judgement;
  const state = stateOf(all);
  return {
    keyName,
    revoked,
    renewals: steps,
    dropped,
    unasked,
    apply: (options) => apply(request, { keyName, steps, dropped, removed, state }, options),
  };
}

/**
 * The grants that were made with one key: with the present one, or, where branches that were
 * rotated were merged, with that of one of them.
 */
interface Branch {
  readonly grants: ReadonlySet<Grant>;
}

function currentGrants(repository: Repository, keyName: string, all: Grants): Branch[] {
  const present = presentKey(repository, keyName, all);
  present.bytes.fill(0);
  wipeKeyFile(present.keyFile);
  const ids = all.rotations.get(keyName)?.present ?? new Set();
  const ring = readKeyRing(repository, keyName);
  try {
    const keys = ring.all.filter((key) => key === ring.current || ids.has(keyId(key)));
    const every = [...all.grants, ...all.vouchers].filter(({ statement }) => statement.keyName === keyName);
    return keys.map((key) => ({ grants: new Set(every.filter((one) => standingOf(one, key, all) === "current")) }));
  } finally {
    ring.wipe();
  }
}

/** Why a grant that was made by somebody who has the key is not renewed; null where it is. */
function problemOf(grant: Grant, branches: readonly Branch[], { signatures }: Judgement): string | null {
  if (signatures.get(grant)?.state === "invalid") return "its signature does not fit: it was changed since";
  return branches.every((branch) => mayHold([...branch.grants], grant, branches))
    ? null
    : "it is of one of two branches that were rotated, and may have been revoked on the other";
}

/**
 * Whether its holder holds a branch's key, or was first granted one after that branch was rotated,
 * so that it cannot have shut them out.
 */
function mayHold(branch: readonly Grant[], { statement: { holder } }: Grant, branches: readonly Branch[]): boolean {
  if (branch.some(({ statement }) => statement.holder === holder)) return true;
  const [rotated] = branch.map(({ statement }) => statement.granted).toSorted();
  const theirs = branches.flatMap(({ grants }) => [...grants]).filter(({ statement }) => statement.holder === holder);
  return rotated !== undefined && theirs.every(({ statement }) => statement.since > rotated);
}

const isVouching = (grant: Grant | Voucher): grant is Voucher => "file" in grant;

const fingerprintsOf = (grants: readonly Grant[]): Set<string> =>
  new Set(grants.flatMap(({ statement }) => statement.keys.map(({ fingerprint }) => fingerprint)));

/**
 * Who is taken out: with their OpenPGP keys on the forge, to which git-crypt itself may have
 * granted.
 */
async function revocationOf(
  { repository, keyName = "default", revoke = [], directory }: RotationRequest,
  unvouched: Grants["openPgp"],
): Promise<Revocation | null> {
  if (revoke.length === 0) return null;
  const found = findGrants(repository, keyName, revoke);
  const theirs = new Set<string>();
  for (const name of unvouched.length === 0 || directory === null ? [] : found.holders) {
    if (forgeUserOf(name) === null) continue;
    try {
      for (const entry of (await directory?.resolve(name, "openpgp")) ?? [])
        for (const { fingerprint } of entry.keys) if (fingerprint !== null) theirs.add(fingerprint);
    } catch (error) {
      // They have none, or nobody tells: what is left is shown before it is renewed.
      if (!isVaultError(error)) throw error;
    }
  }
  const more = unvouched.filter(({ fingerprint, path }) => theirs.has(fingerprint) && !found.paths.includes(path));
  return {
    ...found,
    holders: [...new Set([...found.holders, ...more.map(({ fingerprint }) => openPgpHolder(fingerprint))])].toSorted(),
    paths: [...found.paths, ...more.map(({ path }) => path)],
  };
}

/** All that a plan was made from. */
const stateOf = ({ grants, vouchers, openPgp, bad }: Grants): string =>
  JSON.stringify([
    [...grants, ...vouchers].map(({ path, mac, signature }) => [path, mac, signature]),
    openPgp.map(({ path, content }) => [path, content?.toString("base64")]),
    bad.map(({ path }) => path),
  ]);

interface Planned {
  readonly keyName: string;
  readonly steps: readonly Step[];
  readonly dropped: readonly BadGrant[];
  /** The paths of grants that are renewed or revoked. */
  readonly removed: readonly string[];
  readonly state: string;
}

async function apply(
  { repository }: RotationRequest,
  { keyName, steps, dropped, removed, state }: Planned,
  options: ApplyOptions,
): Promise<RotatedKey> {
  const result = await rotate(repository, {
    ...options,
    keyName,
    filesFor: async (newKey) => {
      if (stateOf(readGrants(repository)) !== state) {
        throw new SharingError("GRANTS_CHANGED", "the grants were changed meanwhile, and nothing was done", {
          hint: "run it again",
        });
      }
      const files = new Map<string, Buffer | null>(removed.map((path) => [path, null]));
      for (const step of steps) for (const [path, content] of await step.make(newKey)) files.set(path, content);
      return files;
    },
  });
  return withGrants(repository, result, dropped);
}
