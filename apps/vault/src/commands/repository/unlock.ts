import {
  guardKeys,
  openRepository,
  protectedKeyNames,
  tryKey,
  unlock,
  readKeyRing,
  renewHook,
  wipeKeyFile,
  type FileName,
  type Repository,
  type UnlockOptions as UnlockOptionsOfGitCrypt,
  type UnlockResult,
} from "@git-vault/git-crypt";
import { isVaultError, plural, printable } from "@git-vault/core";
import {
  branchName,
  isPullBrokenOff,
  lacksKeys,
  noteCopy,
  openKeys,
  openMembers,
  openOpenPgpCopies,
  readElsewhere,
  readOpenPgpCopies,
  removalText,
  unreadText,
  type KeyRemoval,
  type Members,
  type MembersKeys,
  type Waiting,
} from "@git-vault/sharing/members";
import type { Options, Run } from "../../cli/command.ts";
import { CliError, usageError } from "../../errors.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { readOperand, readStandardInput } from "../../io/input.ts";
import { progressLine } from "../../io/progress.ts";
import { leadsTo, say, writeJson } from "../../io/streams.ts";
import { openLog } from "../members/open-log.ts";
import { privateKeys } from "../message/private-keys.ts";
import type { SignatureReport } from "../message/signature-report.ts";
import { ASK_BACK } from "./advice.ts";
import { demandMaker } from "./demand-maker.ts";
import { filterCommands, hookCommands } from "./filter-command.ts";
import { keyOfEnvironment, openKey, type OpenedKey } from "./git-crypt-key.ts";
import { openHere } from "../open-here.ts";
import type { UNLOCK } from "./specs.ts";

type UnlockOptions = Options<typeof UNLOCK.flags>;

/** Where the keys came from, as --json names it. */
type Source = "file" | "stdin" | "repository" | "environment" | "members" | "openpgp" | "clipboard";

interface FoundKeys {
  readonly source: Source;
  readonly keys: readonly Buffer[];
  /** Who signed the message; null for nobody, left out if they came in none. */
  readonly signature?: SignatureReport | null;
  /** What the members log gave. */
  readonly given?: MembersKeys;
  /** How a key of this machine was taken out of the log. */
  readonly removal?: KeyRemoval | null;
}

export const run: Run<typeof UNLOCK> = async (options, [operand]) => {
  try {
    await unlockHere(options, operand);
  } catch (error) {
    guardHere(options);
    throw error;
  }
};

/** If nothing unlocks, git must at least refuse plaintext on the paths of missing keys. */
function guardHere(options: UnlockOptions): void {
  try {
    const repository = openRepository(process.cwd());
    const guarded = repository.topLevel === null ? [] : guardKeys(repository, filterCommands({ quiet: true }));
    if (guarded.length > 0 && !options.quiet)
      say(`vault: git refuses plaintext on the paths of the key ${guarded.join(", ")}, which is not here`);
  } catch (error) {
    // What kept it from unlocking is told, and mostly kept it from this as well.
    if (!isVaultError(error)) throw error;
  }
}

async function unlockHere(options: UnlockOptions, operand: string | undefined): Promise<void> {
  const { json, quiet } = options;
  const commands = filterCommands(options);
  const { repository, members } = await openBoth(options, operand);
  const found = await findKeys(members, options, operand);
  const { source, keys, signature, given = null } = found;
  await confirmFirstKey(members, found, options);
  const progress = progressLine({ done: "decrypted", unit: "files" }, options);
  try {
    const isHanded = ["file", "stdin", "environment", "clipboard"].includes(source);
    const result = unlockBy(members, repository, found, {
      ...commands,
      progress: progress.step,
      guard: members.branch.keyNames.map(({ name }) => name),
    });
    progress.end();
    const hook = renewHook(repository, hookCommands({ quiet: true }));
    if (hook !== null && !quiet && !json) say(`vault: ${printable(hook)} runs this program now`);
    // The one who handed it over has it.
    if (isHanded) for (const key of keys) noteCopy(repository, key, "given");
    const { waiting, unread } = await readElsewhere(members);
    if (json) writeJson({ ...describe(source, signature ?? null, result), ...describeGiven(given), waiting, unread });
    else if (!quiet)
      for (const line of [...report(result), ...reportGiven(given), ...reportWaiting(members, waiting, unread)])
        say(line);
    if (result.unopened.length + (given?.takenOff.length ?? 0) > 0) process.exitCode = 7;
  } finally {
    progress.end();
    for (const key of keys) key.fill(0);
  }
}

/**
 * The repository, and its members log as a person accepted it. Who hands a key over where nobody
 * can be asked, as in CI, may read with it: nothing is encrypted there until the log is accepted.
 */
async function openBoth(
  options: UnlockOptions,
  operand: string | undefined,
): Promise<{ readonly repository: Repository; readonly members: Members }> {
  const repository = openHere();
  try {
    return { repository, members: await openLog(repository, options) };
  } catch (error) {
    const isHandedOver = operand !== undefined || (process.env["GIT_CRYPT_KEY"] ?? "").trim() !== "";
    if (!isVaultError(error) || !READABLE.has(error.code) || !isHandedOver) throw error;
    if (!options.quiet) say(`vault: ${error.message}: nothing is encrypted here until then`);
    return { repository: openRepository(process.cwd()), members: await openMembers(repository) };
  }
}

/** What keeps nobody from reading with a key that they have. */
const READABLE: ReadonlySet<string> = new Set(["LOG_NOT_ACCEPTED", "HISTORY_NEEDED", "DISPUTED"]);

/**
 * Unlocks; where the key is an older one, it tells who makes a copy of the present one, or what CI
 * has to change that holds it in a variable.
 */
function unlockBy(
  { ahead }: Members,
  repository: Repository,
  { source, keys, given, removal = null }: FoundKeys,
  options: UnlockOptionsOfGitCrypt,
): UnlockResult {
  try {
    return unlock(repository, keys, options);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    const refused = (title: string, hint: string): CliError =>
      new CliError("NO_KEY_GIVEN", `${title}${error.message}`, { cause: error, hint });
    // A key of a rotation that was fetched is unknown to the branch, and one of before it is
    // replaced.
    if (ahead.size > 0 && (error.code === "WRONG_KEY" || error.code === "RETIRED_KEY"))
      throw refused("", "the branch is behind what was fetched for it: run `git pull` first");
    if (error.code !== "RETIRED_KEY") throw error;
    if (removal !== null) throw refused(`${removalText(removal)}: `, ASK_BACK);
    if (given !== undefined && given.lacking.length > 0) throw refused("", whyNone(given));
    if (source === "environment")
      throw refused(
        "$GIT_CRYPT_KEY: ",
        "set it to what `vault export-key | base64` prints now; or let CI in by `vault grant --ci`, and a rotation changes nothing for it",
      );
    if (source !== "file" && source !== "stdin" && source !== "clipboard") throw error;
    throw refused(
      "the key that was given is an old one: ",
      "a member runs `vault unlock` without it; others ask for the present one",
    );
  }
}

/**
 * A key that came in a message, into a repository with nothing encrypted that it could be tried on,
 * encrypts whatever is added from then on: for the one who sent it. Then a person says so, unless
 * the forge confirmed the signer.
 *
 * @throws CliError `NOT_CONFIRMED`, `USAGE`
 */
async function confirmFirstKey(
  { repository, rootState }: Members,
  { signature, keys }: FoundKeys,
  options: UnlockOptions,
): Promise<void> {
  if (signature === undefined || signature?.state === "confirmed" || options.yes || rootState !== "none") return;
  if (repository.keyNames().length > 0 || protectedKeyNames(repository).length > 0) return;
  const whose =
    signature === null
      ? "from somebody who did not sign it"
      : `signed by the key ${signature.fingerprint}, which nobody confirmed`;
  try {
    if (!canAsk(options)) {
      throw usageError(
        `nothing is encrypted here yet that the key could be tried on, and it came ${whose}`,
        "ask who sent it; then say --yes, or demand the signer with --signed-by",
      );
    }
    await confirm(`nothing is encrypted here yet; encrypt what is added with this key, ${whose}`);
  } catch (error) {
    for (const key of keys) key.fill(0);
    throw error;
  }
}

/** In the order that the command's help tells. */
async function findKeys(members: Members, options: UnlockOptions, operand: string | undefined): Promise<FoundKeys> {
  const { repository } = members;
  if (operand !== undefined) {
    return { source: operand === "-" ? "stdin" : "file", ...single(await openKey(readOperand(operand), options)) };
  }
  if (leadsTo(0) === "data") {
    const input = readStandardInput();
    // A CI system's stdin often is a pipe that nothing comes from.
    if (input.data.length > 0) return { source: "stdin", ...single(await openKey(input, options)) };
  }
  const isOpen = holdsAllKeys(repository);
  // A rotation that was made elsewhere has a key of its own, and a copy of it may be there.
  if (isOpen && !(await lacksKeys(members))) return keysHere(repository);
  const key = await keyOfEnvironment(options);
  if (key !== null) return { source: "environment", keys: [key] };
  const given = await openKeys(members, await privateKeys(options));
  await demandMaker(members, given, options);
  if (given.opened.length > 0) return { source: "members", keys: given.opened.map((one) => one.key), given };
  if (isOpen) {
    if (!options.quiet) say(`vault: a rotation made a key that is not here, and ${whyNone(given)}`);
    return { ...keysHere(repository), removal: given.removal ?? given.takenOff[0] ?? null };
  }
  if (members.rootState === "none") {
    const copies = await openOpenPgpCopies(repository, readOpenPgpCopies(repository), await privateKeys(options));
    if (copies.length > 0) return { source: "openpgp", keys: copies.map((one) => one.key) };
  }
  return { source: "clipboard", ...single(await keyOfClipboard(members, options, given)) };
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
  const here = repository.keyNames();
  if (here.length === 0 || !protectedKeyNames(repository).every((name) => here.includes(name))) return false;
  return here.every((name) => opensFiles(repository, name));
}

/** Whether the key of a name that is in this clone can be read, and is not a wrong one. */
function opensFiles(repository: Repository, name: string): boolean {
  try {
    const ring = readKeyRing(repository, name);
    try {
      return tryKey(repository, ring) !== "wrong";
    } finally {
      ring.wipe();
    }
  } catch (error) {
    if (isVaultError(error) && error.code === "MALFORMED_KEY_FILE") return false;
    throw error;
  }
}

async function keyOfClipboard(members: Members, options: UnlockOptions, given: MembersKeys): Promise<OpenedKey> {
  const { paste } = await import("../../io/clipboard.ts");
  try {
    const data = Buffer.from(await paste());
    if (data.length > 0) return await openKey({ data, title: "the clipboard" }, options);
  } catch (error) {
    if (!isVaultError(error) || error.code !== "CLIPBOARD_UNAVAILABLE") throw error;
  }
  const { removal } = given;
  if (removal !== null) throw new CliError("NO_KEY_GIVEN", removalText(removal), { hint: ASK_BACK });
  const others =
    members.rootState === "none" ? "" : `${whyNone(given)}: ask an admin of \`vault holders\` to let you in, or `;
  throw new CliError("NO_KEY_GIVEN", "there is nothing to unlock with, neither on stdin nor on a clipboard", {
    hint: `${others}name the sealed message or the key file: \`vault unlock message.txt\``,
  });
}

/** Why the members log gives nothing to the private keys of this machine. */
function whyNone({ me, lacking, refused, takenOff: [taken], removal }: MembersKeys): string {
  const [first, ...more] = refused;
  const others =
    first === undefined
      ? ""
      : ` (but ${printable(first.path)}: ${printable(first.problem)}${more.length === 0 ? "" : `, and ${more.length} more`})`;
  const taking = removal ?? taken;
  if (taking !== undefined) return `${removalText(taking)}${others}`;
  if (me === null) return `no private key here is a member's${others}`;
  return lacking.length === 0
    ? `no copy here is for a private key of yours${others}`
    : `no copy of the key ${lacking.join(", ")} is for ${printable(me)}: \`vault sync\` of an admin makes one${others}`;
}

const reportGiven = (given: MembersKeys | null): string[] =>
  given === null
    ? []
    : [
        `vault: as ${given.me === null ? "a member" : printable(given.me)} of the members log`,
        ...given.lacking.map((name) => `vault: no copy of the key ${name} is for you: ask an admin for \`vault sync\``),
        ...given.takenOff.flatMap((one) => [
          `vault: the key ${one.keyName} was replaced, and is not for you: ${removalText(one)}`,
          `vault: remove the old one with \`vault lock --key-name ${one.keyName}\`; or ${ASK_BACK}`,
        ]),
        ...given.refused.map(({ path, problem }) => `vault: not by ${printable(path)}: ${problem}`),
      ];

/** What other branches changed, and what to do first where git broke a pull of it off. */
const reportWaiting = (members: Members, waiting: readonly Waiting[], unread: readonly string[]): string[] => [
  ...new Set(waiting.map((one) => waitingText(one, members))),
  ...(unread.length === 0 ? [] : [`vault: ${unreadText(unread)}`]),
  ...(isPullBrokenOff(members)
    ? [
        "vault: a pull stopped halfway: run `git stash -u`, then `git pull`, then `vault unlock`; what you had changed is in the stash",
      ]
    : []),
];

/** What another branch changed. */
function waitingText({ reference, removed, keyNames, by }: Waiting, { branch }: Members): string {
  const where = printable(branchName(reference));
  const isNew = keyNames.every((keyName) => !branch.keyNames.some(({ name }) => name === keyName));
  if (removed.length === 0)
    return `vault: ${printable(by)} ${isNew ? "made" : "replaced"} the key ${keyNames.join(", ")} on ${where}: merge that branch, or run \`git pull\``;
  const names = removed.map((name) => printable(name)).join(", ");
  return `vault: ${printable(by)} removed ${names} on ${where}, who can read what is written here until that is merged`;
}

function report({ keys, decrypted, outside, clear, changed, unopened, irregular, guarded }: UnlockResult): string[] {
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
    ...(guarded.length > 0
      ? [`vault: not here, so that git refuses plaintext on its paths: the key ${guarded.join(", ")}`]
      : []),
  ];
}

const list = (title: string, files: readonly FileName[]): string[] =>
  files.length === 0 ? [] : [`vault: ${title}:`, ...files.map(({ path }) => `  ${path}`)];

const paths = (files: readonly FileName[]): string[] => files.map(({ path }) => path);

const describeGiven = (given: MembersKeys | null): object => ({
  member: given?.me ?? null,
  lacking: given?.lacking ?? [],
  takenOff: given?.takenOff.map(({ keyName, by, time }) => ({ keyName, by, time })) ?? [],
  refused: given?.refused ?? [],
});

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
  guarded: result.guarded,
});
