import { Directory } from "@git-vault/directory";
import {
  openRepository,
  readKeyRing,
  status,
  tryKey,
  unlock,
  wipeKeyFile,
  type FileName,
  type Repository,
  type UnlockResult,
} from "@git-vault/git-crypt";
import { isVaultError, plural, printable } from "@git-vault/core";
import {
  lacksPresentKey,
  listHolders,
  openGrants,
  openOpenPgpGrants,
  removalText,
  signatureStates,
  type Grant,
  type OpenedGrants,
  type SignatureState,
} from "@git-vault/sharing/grants";
import { demandSignatures } from "../message/demand-signatures.ts";
import type { Options, Run } from "../../cli/command.ts";
import { CliError } from "../../errors.ts";
import { wantsSignature } from "../../cli/flags.ts";
import { keyOfEnvironment, openKey, type OpenedKey } from "./git-crypt-key.ts";
import { readOperand, readStandardInput } from "../../io/input.ts";
import { filterCommands } from "./filter-command.ts";
import { progressLine } from "../../io/progress.ts";
import { privateKeys } from "../message/private-keys.ts";
import { signatureText } from "../message/signature-text.ts";
import type { SignatureReport } from "../message/signature-report.ts";
import { leadsTo, say, writeJson } from "../../io/streams.ts";
import type { UNLOCK } from "./specs.ts";

type UnlockOptions = Options<typeof UNLOCK.flags>;

/** Where the keys came from, as --json names it. */
type Source = "file" | "stdin" | "repository" | "environment" | "grant" | "openpgp" | "clipboard";

interface FoundKeys {
  readonly source: Source;
  readonly keys: readonly Buffer[];
  /** Who signed the message; null for nobody, left out if they came in none. */
  readonly signature?: SignatureReport | null;
  /** The grants that they came from. */
  readonly grants?: OpenedGrants;
  /** Whether they replace a key that was here, which somebody else rotated. */
  readonly isRotated?: boolean;
}

export const run: Run<typeof UNLOCK> = async (options, [operand]) => {
  const { json, quiet, force } = options;
  const repository = openRepository(process.cwd());
  const {
    source,
    keys,
    signature,
    grants = NO_GRANTS,
    isRotated = false,
  } = await findKeys(repository, options, operand);
  if (signature === null && !quiet) say("vault: the message is unsigned");
  const progress = progressLine("decrypted", options);
  try {
    const result = unlock(repository, keys, {
      ...filterCommands(),
      progress: progress.step,
      force,
    });
    progress.end();
    const told = quiet && !json ? [] : await checkGrants(grants, options);
    if (json) writeJson({ ...describe(source, signature ?? null, result), grants: told });
    else if (!quiet) for (const line of [...report(result), ...reportGrants(told, grants)]) say(line);
    if (!json && !quiet) for (const line of reportRotated(result, isRotated)) say(line);
    if (result.unopened.length > 0) process.exitCode = 7;
  } finally {
    progress.end();
    for (const key of keys) key.fill(0);
  }
};

/** In the order that the command's help tells. */
async function findKeys(
  repository: Repository,
  options: UnlockOptions,
  operand: string | undefined,
): Promise<FoundKeys> {
  if (operand !== undefined) {
    return { source: operand === "-" ? "stdin" : "file", ...single(await openKey(readOperand(operand), options)) };
  }
  if (leadsTo(0) === "data") {
    const input = readStandardInput();
    // A CI system's stdin often is a pipe that nothing comes from.
    if (input.data.length > 0) return { source: "stdin", ...single(await openKey(input, options)) };
  }
  const isOpen = holdsAllKeys(repository);
  // A rotation that was made elsewhere has a key of its own, and a grant may hold it.
  if (isOpen && !lacksPresentKey(repository)) return keysHere(repository);
  const key = await keyOfEnvironment(options);
  if (key !== null) return { source: "environment", keys: [key] };
  const grants = await openGrants(repository, await privateKeys(options));
  if (grants.opened.length > 0) {
    if (wantsSignature(options)) await demandSignatures(grants, options);
    return { source: "grant", keys: grants.opened.map((one) => one.key), grants, isRotated: isOpen };
  }
  if (isOpen) {
    if (!options.quiet) say(`vault: a rotation made a key that is not here, and ${whyNone(grants)}`);
    return keysHere(repository);
  }
  const keys = await openOpenPgpGrants(repository, await privateKeys(options));
  if (keys.length > 0) return { source: "openpgp", keys };
  return { source: "clipboard", ...single(await keyOfClipboard(repository, options, grants)) };
}

const single = ({ key, ...rest }: OpenedKey): Omit<FoundKeys, "source"> => ({ keys: [key], ...rest });

function keysHere(repository: Repository): FoundKeys {
  const keys = repository.keyNames().map((name) => {
    const { bytes, keyFile } = repository.readKey(name);
    wipeKeyFile(keyFile);
    return bytes;
  });
  return { source: "repository", keys };
}

function holdsAllKeys(repository: Repository): boolean {
  if (repository.keyNames().length === 0) return false;
  if (!status(repository).keys.every(({ stored, files }) => stored || files === 0)) return false;
  return repository.keyNames().every((name) => {
    const ring = readKeyRing(repository, name);
    try {
      return tryKey(repository, ring) !== "wrong";
    } finally {
      ring.wipe();
    }
  });
}

async function keyOfClipboard(
  repository: Repository,
  options: UnlockOptions,
  grants: OpenedGrants,
): Promise<OpenedKey> {
  const { paste } = await import("../../io/clipboard.ts");
  try {
    const data = Buffer.from(await paste());
    if (data.length > 0) return await openKey({ data, title: "the clipboard" }, options);
  } catch (error) {
    if (!isVaultError(error) || error.code !== "CLIPBOARD_UNAVAILABLE") throw error;
  }
  throw new CliError("NO_KEY_GIVEN", "there is nothing to unlock with, neither on stdin nor on a clipboard", {
    hint: `${await othersGrants(repository, grants)}name the sealed message or the key file: \`vault unlock message.txt\``,
  });
}

/** What the grants of others mean for somebody who has none. */
async function othersGrants(repository: Repository, grants: OpenedGrants): Promise<string> {
  const { holders } = await listHolders(repository, null);
  if (holders.length + grants.bad.length === 0) return "";
  return `${whyNone(grants)}: ask one of \`vault holders\` to grant you the key, or `;
}

function whyNone({ removed, bad }: OpenedGrants): string {
  const why = removed === null ? "no grant here is for a private key of yours" : printable(removalText(removed));
  const [first, ...more] = bad;
  if (first === undefined) return why;
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  return `${why} (but ${printable(first.path)} cannot be read: ${printable(first.problem)}${others})`;
}

function reportRotated({ keys }: UnlockResult, isRotated: boolean): string[] {
  if (keys.some(({ joined }) => joined)) {
    return [
      "vault: the key was rotated on another branch, too, and its key is here now, to read with: merge that branch, if it is not, and run `vault rotate`",
    ];
  }
  return isRotated ? ["vault: the key was replaced by a rotation: now `git pull`"] : [];
}

function report({ keys, decrypted, outside, clear, changed, unopened, irregular }: UnlockResult): string[] {
  const names = keys.map(({ name }) => name).join(", ");
  const isNew = decrypted > 0 || keys.some(({ wasUnlocked }) => !wasUnlocked);
  return [
    isNew
      ? `vault: unlocked with the key ${names}: ${plural(decrypted, "file")} decrypted`
      : `vault: already unlocked with the key ${names}: nothing was changed`,
    ...(isNew && keys.some(({ verified }) => !verified)
      ? ["vault: no file is encrypted yet, so the key could not be tried on any"]
      : []),
    ...(outside > 0 ? [`vault: ${plural(outside, "file")} outside of the sparse checkout`] : []),
    ...list("left as they are, since they have changes", changed),
    ...list("not encrypted in the repository, see `vault status`", clear),
    ...list("never encrypted, being links or submodules", irregular),
    ...list("not opened by the key: damaged, or encrypted with another", unopened),
  ];
}

const list = (title: string, files: readonly FileName[]): string[] =>
  files.length === 0 ? [] : [`vault: ${title}:`, ...files.map(({ path }) => `  ${path}`)];

const paths = (files: readonly FileName[]): string[] => files.map(({ path }) => path);

const NO_GRANTS: OpenedGrants = { opened: [], refused: [], bad: [], removed: null };

/** A grant that was opened, and what its signature proves. */
interface CheckedGrant {
  readonly path: string;
  readonly holder: string;
  readonly grantedBy: string | null;
  readonly granted: string;
  readonly signature: SignatureState;
}

async function checkGrants({ opened }: OpenedGrants, options: UnlockOptions): Promise<CheckedGrant[]> {
  const grants = opened.map(({ grant }) => grant);
  const signatures = options.offline ? await signatureStates(grants, null) : await checkSignatures(grants);
  return opened.map(({ grant }) => {
    const { holder, grantedBy, granted } = grant.statement;
    return { path: grant.path, holder, grantedBy, granted, signature: signatures.get(grant) ?? { state: "unsigned" } };
  });
}

/** Nobody waits long for a forge to unlock. */
async function checkSignatures(grants: readonly Grant[]): Promise<ReadonlyMap<Grant, SignatureState>> {
  try {
    return await signatureStates(grants, new Directory({ timeout: FORGE_TIMEOUT }));
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return signatureStates(grants, null);
  }
}

const FORGE_TIMEOUT = 3000;

const reportGrants = (told: readonly CheckedGrant[], { refused }: OpenedGrants): string[] => [
  ...told.map(({ holder, grantedBy, granted, signature }) => {
    const by = grantedBy === null ? "" : ` by ${printable(grantedBy)}`;
    return `vault: by the grant to ${printable(holder)} of ${granted.slice(0, 10)}${by}, ${signatureText(signature)}`;
  }),
  ...refused.map(({ path, problem }) => `vault: not by the grant ${printable(path)}: ${problem}`),
];

const describe = (source: Source, signature: SignatureReport | null, result: UnlockResult): object => ({
  source,
  signature,
  keys: result.keys.map(({ name, verified, wasUnlocked }) => ({ name, verified, wasUnlocked })),
  decrypted: result.decrypted,
  outside: result.outside,
  clear: paths(result.clear),
  changed: paths(result.changed),
  unopened: paths(result.unopened),
  irregular: paths(result.irregular),
});
