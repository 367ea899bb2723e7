import { printable } from "@git-vault/core";
import { isPluginEntry, type DirectoryEntry } from "@git-vault/directory";
import {
  grant,
  memberKeyOf,
  peopleOf,
  rootText,
  takenAlone,
  takingText,
  type GrantResult,
  type Members,
  type People,
  type Person,
} from "@git-vault/sharing/members";
import { usageError } from "../../errors.ts";
import type { Options, Run } from "../../cli/command.ts";
import { canAsk } from "../../io/confirm.ts";
import { assertNewFile, writeOutput } from "../../io/output.ts";
import { say, writeJson } from "../../io/streams.ts";
import { trustedRecipients } from "../message/check-recipients.ts";
import { describeKey, keyToJson } from "../message/recipients.ts";
import { openHere } from "../open-here.ts";
import { namedPlugins } from "../named-plugins.ts";
import { findAuthor, findStarter } from "../members/author.ts";
import { keyId } from "../members/member-name.ts";
import { openLog } from "../members/open-log.ts";
import { describeUnsealed, keysText, notSealedText } from "../members/admit.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

type Grant = typeof HOLDER_COMMANDS.grant;
type GrantOptions = Options<Grant["flags"]>;
type PassedOver = People["passedOver"];

export const run: Run<Grant> = async (options, queries) => {
  const { ci, output, gpg, allowWeak, noCommit, reader, readmit, key } = options;
  if (queries.length === 0 && ci === undefined) throw usageError("expected a recipient, or --ci");
  if (output !== undefined && ci === undefined) throw usageError("--output is for the private key that --ci makes");
  if (gpg && ci !== undefined) throw usageError("--gpg and --ci were both given: a CI system's key is an age key");
  if (ci !== undefined) assertNewFile(output);
  const repository = openHere();
  const members = await openLog(repository, options);
  const machine = ci === undefined ? null : await newMachine(ci);
  const found = await trustedRecipients(queries, options, gpg ? "openpgp" : "ssh", members);
  const namedKeys = key.map(keyId);
  assertOwned(namedKeys, found.entries);
  const format = gpg ? "openpgp" : "age";
  const plugins = namedPlugins(options);
  const named: People =
    queries.length === 0
      ? { people: [], passedOver: [] }
      : await peopleOf(found.entries, found.directory, { allowWeak, format, plugins });
  const readmitKeys = [...namedKeys, ...(await askedKeys(members, named.people, namedKeys, options))];
  const isNew = members.rootState === "none";
  const starter = isNew ? await findStarter(options) : null;
  const author = starter?.author ?? (await findAuthor(members, options));
  // Who names a plugin's key names the plugin.
  const theirs = found.entries.flatMap(({ keys }) => keys.filter(isPluginEntry));
  const ready = theirs.flatMap((entry) => (entry.unusable === null ? entry.key.plugin : []));
  const all = { ...plugins, named: new Set([...plugins.named, ...ready]) };
  const self = starter?.person ?? NOBODY;
  const common = { members, author, self, readmit, readmitKeys, stageOnly: noCommit, plugins: all };
  let result: GrantResult;
  try {
    const keyNames = keyNamesFor(members, options);
    const people = [...named.people, ...(machine === null ? [] : [machine.person])];
    const readers = new Set(machine === null ? [] : [machine.person]);
    result = await grant({ ...common, people, keyNames, isReader: (person) => reader || readers.has(person) });
  } finally {
    author.lock();
  }
  found.remember();
  if (result.granted.some(({ notHere }) => notHere.length > 0)) process.exitCode = 7;
  await report(result, [...named.passedOver, ...leftOutOf(result, found.entries)], machine, options);
};

/** Keys that did not come back with their member, as the directory found them. */
const leftOutOf = ({ leftOut }: GrantResult, entries: readonly DirectoryEntry[]): PassedOver =>
  entries.flatMap(({ name: recipient, source, keys }) =>
    keys
      .filter(({ fingerprint }) => leftOut.some((left) => left.keys.some(({ id }) => id === fingerprint)))
      .map((entry) => ({ recipient, source, entry, reason: TAKEN })),
  );

const TAKEN = "it was taken out before; to let it in again, name it by --key";

/** A key that nobody of those has who are named lets nobody in. */
function assertOwned(keys: readonly string[], entries: readonly DirectoryEntry[]): void {
  const owned = new Set(entries.flatMap((entry) => entry.keys.map(({ fingerprint }) => fingerprint)));
  const strange = keys.find((key) => !owned.has(key));
  if (strange !== undefined) throw usageError(`--key: no recipient has the key ${printable(strange)}`);
}

/** On a terminal each key that was taken out is asked for: --yes is no such thing. */
async function askedKeys(
  members: Members,
  people: readonly Person[],
  named: readonly string[],
  options: GrantOptions,
): Promise<string[]> {
  const asked: string[] = [];
  if (!options.readmit || !canAsk(options)) return asked;
  const { askYes } = await import("../../io/terminal.ts");
  for (const { label, keys } of people) {
    for (const { id } of keys) {
      const taking = named.includes(id) ? null : takenAlone(id, members);
      if (taking === null) continue;
      const question = `${id} of ${printable(label)}: ${takingText(taking)}; let this key back in`;
      if (await askYes(question, `say --key ${id}`)) asked.push(id);
    }
  }
  return asked;
}

const NOBODY: Person = { label: "", account: null, keys: [], openPgp: [] };

/** Those that were named; else `default`, or the only one that there is. */
function keyNamesFor({ branch, repository }: Members, { keyName }: GrantOptions): readonly string[] {
  if (keyName.length > 0) return keyName;
  const names = branch.keyNames.length > 0 ? branch.keyNames.map(({ name }) => name) : repository.keyNames();
  const [only, ...others] = names;
  if (names.includes("default") || only === undefined) return ["default"];
  if (others.length === 0) return [only];
  throw usageError(`expected --key-name: the repository has the keys ${names.join(", ")}`);
}

/** A CI system that a key was made for. */
interface Machine {
  readonly person: Person;
  readonly identity: string;
}

async function newMachine(name: string | true): Promise<Machine> {
  const { generateIdentity } = await import("@git-vault/sealing");
  if (name !== true && !/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw usageError("--ci: expected a name of up to 64 letters, digits, dots, - and _");
  }
  const { identity, recipient } = await generateIdentity();
  const label = name === true ? "ci" : `ci:${name}`;
  return { person: { label, account: null, keys: [memberKeyOf(recipient)], openPgp: [] }, identity };
}

async function report(
  result: GrantResult,
  passedOver: PassedOver,
  machine: Machine | null,
  options: GrantOptions,
): Promise<void> {
  const { output = "-", passphraseFile, json, quiet } = options;
  if (!json && !quiet) for (const line of linesOf(result, passedOver)) say(line);
  let identity = machine === null ? null : identityText(machine, result);
  if (identity !== null && !(json && output === "-")) {
    const inUse = [passphraseFile];
    await writeOutput(Buffer.from(identity), { output }, { input: null, secret: true, inUse });
    identity = null;
    if (!quiet) say("vault: keep that private key in a secret named GIT_VAULT_IDENTITY: it is kept nowhere else");
  }
  if (json) writeJson({ ...describe(result, passedOver), identity });
}

/** The private key, with the log that it belongs to, so that CI takes no other. */
const identityText = ({ identity }: Machine, { root }: GrantResult): string =>
  `# members log: ${rootText(root)}\n${identity}\n`;

function linesOf(
  { started, granted, unchanged, sameAs, commit, keyNames }: GrantResult,
  passedOver: PassedOver,
): string[] {
  const keys = `the ${keysText(keyNames)}`;
  return [
    ...(started === null ? [] : [`vault: started the members log with you; its root is ${rootText(started)}`]),
    ...unchanged.map((name) => `vault: ${printable(name)} has ${keys} already`),
    ...sameAs.map(sameAsText),
    ...granted.flatMap(({ name, role, wasMember, keys: theirs, notSealedTo, also, notHere }) => [
      `vault: granted ${keys} to ${printable(name)}${wasMember ? "" : `, as ${role === "admin" ? "an admin" : "a reader"}`}`,
      ...theirs.map(({ type, id }) => `  ${type.padEnd(12)}  ${id}`),
      ...notSealedTo.map((key) => `vault: ${notSealedText(key)}`),
      ...(also.length === 0 ? [] : [`vault: their new keys open what they could open before, too: ${also.join(", ")}`]),
      ...notHere.map(
        (one) =>
          `vault: their new keys have no copy of the key ${one}, which is not here: somebody who has it runs \`vault sync\``,
      ),
    ]),
    ...passedOver.map(
      ({ recipient, entry, reason }) =>
        `vault: not to a key of ${printable(recipient)}: ${describeKey(entry)}: ${reason}`,
    ),
    ...reportCommit(granted.length, commit),
  ];
}

/** Who came in by a key file has no account in the log: a login names nobody there. */
const sameAsText = ({ name, member }: GrantResult["sameAs"][number]): string =>
  `vault: the log calls them ${printable(member)}, who has the same key: take them out by that name; to have them by their account, \`vault revoke ${printable(member)}\`, then grant to ${printable(name)} again`;

function reportCommit(granted: number, commit: string | null): string[] {
  if (granted === 0) return [];
  if (commit === null) return ["vault: the changes are staged; commit and push them"];
  return [`vault: committed as ${commit.slice(0, 10)}; push it, and they can run \`vault unlock\` in a clone`];
}

const describe = (
  { root, started, keyNames, granted, unchanged, commit }: GrantResult,
  passedOver: PassedOver,
): object => ({
  root: rootText(root),
  started: started !== null,
  keyNames,
  commit,
  granted: granted.map(({ name, role, wasMember, keys, notSealedTo, also, notHere }) => ({
    holder: name,
    role,
    wasMember,
    also,
    notHere,
    keys: keys.map(({ type, id }) => ({ type, fingerprint: id })),
    notSealedTo: describeUnsealed(notSealedTo),
  })),
  unchanged,
  notSealedTo: passedOver.map(({ recipient, source, entry, reason }) =>
    Object.assign({ recipient, source, reason }, keyToJson(entry)),
  ),
});
