import { printable } from "@git-vault/core";
import {
  readRotations,
  readTracked,
  upstreamOf,
  VAULT_FOLDER,
  type KeyFile,
  type Repository,
  type Rotations,
  type TrackedFile,
} from "@git-vault/git-crypt";
import { readHeader, SealingError, type Stanza } from "@git-vault/sealing";
import { SharingError } from "../errors.ts";
import {
  digestLine,
  holderSlug,
  isVoucher,
  MAX_GRANT_BYTES,
  parseGrant,
  type GrantFile,
  type GrantKey,
} from "./grant-file.ts";
import { readOpenPgpGrants, type TrackedOpenPgpGrant } from "./openpgp-files.ts";

/** A grant in a repository. */
export interface Grant extends GrantFile {
  /** Of its file, from the top folder. */
  readonly path: string;
}

/**
 * A statement that vouches for a grant of git-crypt's own, to an OpenPGP key: who holds it, and
 * since when.
 */
export interface Voucher extends Grant {
  /** What it vouches for: the file's digest is that which the statement names. */
  readonly file: TrackedOpenPgpGrant;
}

/** A file among the grants that is none, or that contradicts itself. */
export interface BadGrant {
  /** Of the file, from the top folder. */
  readonly path: string;
  /** What is wrong with it, as a phrase. */
  readonly problem: string;
}

/** The grants of a repository. */
export interface Grants {
  /**
   * By path. Their form is sound, and each fits its place and the message that it holds; signatures
   * are not verified yet.
   */
  readonly grants: readonly Grant[];
  /** By path; of the same soundness. */
  readonly vouchers: readonly Voucher[];
  /** git-crypt's own grants, whether anybody vouches for them or not. */
  readonly openPgp: readonly TrackedOpenPgpGrant[];
  readonly bad: readonly BadGrant[];
  /** What rotations replaced, and with which keys, by key name. */
  readonly rotations: ReadonlyMap<string, Rotations>;
}

/** The folder of grants, from the top folder. */
export const GRANTS_FOLDER: string = `${VAULT_FOLDER}/grants`;

/** The path of a grant. */
export const grantPath = (keyName: string, holder: string, id: string, kind: "age" | "voucher"): string =>
  `${GRANTS_FOLDER}/${keyName}/${holderSlug(holder)}.${id}.${kind}`;

/** Whether a path is one of a statement that vouches for an OpenPGP grant of that holder's. */
export const isVoucherPath = (path: string, keyName: string, holder: string): boolean =>
  path.startsWith(`${GRANTS_FOLDER}/${keyName}/${holderSlug(holder)}.`) && path.endsWith(".voucher");

/**
 * Reads the grants of a repository, as its index holds them. Whatever is wrong with a file is told,
 * and stops nothing.
 *
 * @param commit whose grants are read instead of the index's
 * @throws GitCryptError GIT_FAILED
 */
export function readGrants(repository: Repository, commit?: string): Grants {
  const grants: Grant[] = [];
  const vouchers: Voucher[] = [];
  const bad: BadGrant[] = [];
  const openPgp = readOpenPgpGrants(repository, commit);
  for (const file of readTracked(repository, GRANTS_FOLDER, MAX_GRANT_BYTES, commit)) {
    const { path } = file;
    try {
      const grant = readGrant(file);
      if (isVoucher(grant)) vouchers.push({ ...grant, file: vouchedFor(grant, openPgp) });
      else grants.push(grant);
    } catch (error) {
      if (!(error instanceof SharingError)) throw error;
      bad.push({ path, problem: error.message });
    }
  }
  const rotations = readRotations(repository, commit);
  for (const path of [...rotations.values()].flatMap(({ falsehoods }) => falsehoods)) {
    bad.push({ path, problem: "it says that a key was replaced, and nobody wrote it who had that key" });
  }
  return { grants, vouchers, openPgp, bad, rotations };
}

/**
 * Reads the grants of a repository, and those that were fetched for its branch and are not merged
 * yet: after a rotation that somebody else made, the key is needed before git can merge what it
 * encrypted.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function readGrantsToCome(repository: Repository): Grants {
  const here = readGrants(repository);
  const upstream = upstreamOf(repository);
  if (upstream === null) return here;
  const there = readGrants(repository, upstream);
  const known = new Set(here.grants.map(({ mac }) => mac));
  const grants = [...here.grants, ...there.grants.filter(({ mac }) => !known.has(mac))];
  return { ...here, grants, rotations: together(here.rotations, there.rotations) };
}

const NOT_ROTATED: Rotations = { retired: new Set(), present: new Set(), falsehoods: [], retires: () => false };

/** What two commits tell: a key that is present in one may be retired in the other. */
function together(a: Grants["rotations"], b: Grants["rotations"]): Grants["rotations"] {
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((name) => {
      const [one, other] = [a.get(name) ?? NOT_ROTATED, b.get(name) ?? NOT_ROTATED];
      const retired = new Set([...one.retired, ...other.retired]);
      const present = [...one.present, ...other.present].filter((id) => !retired.has(id));
      const falsehoods = [...new Set([...one.falsehoods, ...other.falsehoods])];
      const retires = (key: KeyFile): boolean => one.retires(key) || other.retires(key);
      return [name, { retired, present: new Set(present), falsehoods, retires }];
    }),
  );
}

function readGrant({ path, bytes, content }: TrackedFile): Grant {
  if (content === null) {
    throw bad(bytes === 0 ? "it is no file" : `it has ${bytes} bytes, and grants have at most ${MAX_GRANT_BYTES}`);
  }
  const file = parseGrant(content);
  const { holder, keyName, keys } = file.statement;
  const [folder, name = "", ...rest] = path.slice(GRANTS_FOLDER.length + 1).split("/");
  if (rest.length > 0 || folder !== keyName) {
    throw bad(`it is for the key ${printable(keyName)}, and lies in another folder than that key's`);
  }
  const ending = isVoucher(file) ? /^\.[0-9a-f]{8}\.voucher$/ : /^\.[0-9a-f]{8}\.age$/;
  if (!ending.test(name.slice(holderSlug(holder).length)) || !name.startsWith(holderSlug(holder))) {
    throw bad(`it says that it is for ${printable(holder)}, which its file's name does not`);
  }
  if (!isVoucher(file)) assertSealedTo(file.message, keys);
  return { ...file, path };
}

/** The OpenPGP message that a statement vouches for. */
function vouchedFor({ message, statement }: Grant, files: readonly TrackedOpenPgpGrant[]): TrackedOpenPgpGrant {
  const [key] = statement.keys;
  const file = files.find((one) => one.keyName === statement.keyName && one.fingerprint === key?.fingerprint);
  if (file === undefined) throw bad("the OpenPGP grant that it vouches for is not there");
  if (file.content !== null && digestLine(file.content) === message) return file;
  throw bad("it vouches for another OpenPGP grant than the one that is there, which was swapped or changed");
}

const bad = (problem: string): SharingError => new SharingError("MISMATCHED_GRANT", problem);

/**
 * Whether the message is sealed to the keys that the statement names, as far as can be told without
 * opening it.
 */
function assertSealedTo(message: string, keys: readonly GrantKey[]): void {
  let stanzas;
  try {
    ({ stanzas } = readHeader(Buffer.from(message)));
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    throw bad("its message is malformed");
  }
  const sealed = stanzas.filter(({ type }) => !type.endsWith("-grease")).map(markOfStanza);
  const named = keys.map(markOfKey);
  if (sealed.toSorted().join("\n") !== named.toSorted().join("\n")) {
    throw bad("its message is sealed to other keys than those that it names: it was swapped or changed");
  }
}

const STANZAS: Readonly<Record<string, string>> = { "age-x25519": "X25519", "age-hybrid": "mlkem768x25519" };

/**
 * An SSH key's stanza tells the first four bytes of its fingerprint; one of age's own tells
 * nothing.
 */
const markOfStanza = ({ type, args }: Stanza): string =>
  Object.values(STANZAS).includes(type) ? type : `${type} ${args[0] ?? ""}`;

function markOfKey({ type, fingerprint }: GrantKey): string {
  const own = STANZAS[type];
  if (own !== undefined) return own;
  const hash = Buffer.from(fingerprint.slice("SHA256:".length), "base64");
  return `${type} ${hash.subarray(0, 4).toString("base64").replaceAll("=", "")}`;
}

/** Grants of one holder for one key, newest first. */
export interface HolderGrants<G extends Grant = Grant> {
  readonly holder: string;
  readonly keyName: string;
  readonly grants: readonly [G, ...G[]];
}

/**
 * Puts the grants together by key name and holder, and vouchers by OpenPGP key as well, in the
 * order of their names.
 */
export function byHolder<G extends Grant>(grants: readonly G[]): HolderGrants<G>[] {
  const groups = new Map<string, [G, ...G[]]>();
  for (const grant of grants.toSorted(newestFirst)) {
    const { keyName, holder, keys } = grant.statement;
    const id = `${keyName} ${holder} ${isVoucher(grant) ? keys[0]?.fingerprint : ""}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [grant]);
    else group.push(grant);
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => {
      const { holder, keyName } = group[0].statement;
      return { holder, keyName, grants: group };
    });
}

const newestFirst = (a: Grant, b: Grant): number =>
  a.statement.granted === b.statement.granted
    ? a.path.localeCompare(b.path, "en")
    : a.statement.granted < b.statement.granted
      ? 1
      : -1;
