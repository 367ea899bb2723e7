import { printable } from "@git-vault/core";
import { fetchOwnFiles, type Repository } from "@git-vault/git-crypt";
import { SharingError } from "@git-vault/sharing";
import {
  acceptRoot,
  assertOrder,
  assertWhole,
  openMembers,
  otherRoots,
  parseRoot,
  rememberedPlaces,
  rootText,
  start,
  starterOf,
  type Members,
} from "@git-vault/sharing/members";
import { CliError } from "../../errors.ts";
import type { DialogOptions } from "../../cli/flags.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { say } from "../../io/streams.ts";
import { findStarter, type AuthorOptions } from "./author.ts";

/** Which members log is taken for the repository's. */
export interface LogOptions extends DialogOptions {
  readonly root?: string | undefined;
  /** Of two entries in a dispute the one that came first: how its id begins. */
  readonly first?: string | undefined;
  readonly yes?: boolean;
}

/**
 * Opens the members log of a repository, as a person accepted it; a partial clone fetches it. The
 * first time it shows who started it, and asks.
 *
 * @returns members without a log too, where there is none
 * @throws CliError `OTHER_LOG`, `LOG_NOT_ACCEPTED`, `NOT_CONFIRMED`; SharingError `LOG_GONE`,
 * `HISTORY_NEEDED`, `DISPUTED`; what `openMembers` does
 */
export async function openLog(repository: Repository, options: LogOptions): Promise<Members> {
  const root = options.root === undefined ? undefined : parseRoot(options.root, "--root");
  fetchOwnFiles(repository);
  const members = await openMembers(repository, { root, first: options.first });
  assertWhole(members);
  switch (members.rootState) {
    case "none":
      if (root === undefined) return members;
      throw new CliError("OTHER_LOG", "the repository has no members log, and one was demanded by --root");
    case "accepted":
      assertOrder(members);
      return members;
    case "other":
      throw otherLog(members, root !== undefined);
    case "new":
  }
  const accepted = await accept(members, options);
  assertOrder(accepted);
  return accepted;
}

async function accept(members: Members, options: LogOptions): Promise<Members> {
  const root = members.whole.root ?? "";
  const starter = starterOf(members);
  const lines = [
    `vault: the members log of this repository is new here: started by ${printable(starter?.name ?? "")} on ${starter?.time.slice(0, 10) ?? ""}`,
    ...(starter?.keys ?? []).map(({ type, id }) => `  ${type.padEnd(12)}  ${id}`),
    `  root          ${rootText(root)}`,
    ...otherRoots(members).map(
      (id) => `vault: another log begins there later, and counts for nothing: ${rootText(id)}`,
    ),
  ];
  const asks = canAsk(options) && options.yes !== true;
  if (!options.quiet || asks) for (const line of lines) say(line);
  if (asks) await confirm("is this the log that you expect");
  else if (options.yes !== true) {
    throw new CliError("LOG_NOT_ACCEPTED", "this members log is not confirmed in this clone yet", {
      hint: `compare its root with a colleague's, and demand it by --root ${rootText(root)} or $GIT_VAULT_ROOT`,
    });
  }
  return acceptRoot(members, { first: options.first });
}

function otherLog(members: Members, isDemanded: boolean): CliError | SharingError {
  const { root, log } = members;
  const starts = [...log.entries.values()].filter((entry) => entry.root === null);
  const roots = starts.map(({ id }) => rootText(id)).join(", ");
  if (root !== null && log.entries.size === 0) {
    return new SharingError(
      "LOG_GONE",
      `there is no members log here, and one is known that begins with ${rootText(root)}`,
      {
        subject: isDemanded
          ? ""
          : rememberedPlaces(members)
              .map((place) => printable(place))
              .join(" and "),
      },
    );
  }
  if (isDemanded) {
    return new CliError("OTHER_LOG", `the members log is not the one that is demanded, ${rootText(root ?? "")}`, {
      hint: `nothing was done; compare it with a colleague's: here it is ${roots}`,
    });
  }
  if (root === null) {
    return new CliError("OTHER_LOG", "the repository has several members logs, and none is known to be the right one", {
      hint: `ask a colleague which it is, and demand it by --root: ${roots}`,
    });
  }
  return new CliError("OTHER_LOG", `the members log is another than the one that was accepted, ${rootText(root)}`, {
    hint: `nothing was done; find out who replaced it${roots === "" ? "" : `, and only if that is right demand it by --root: ${roots}`}`,
  });
}

/**
 * As `openLog`; where there is no log, it is started and committed first.
 *
 * @throws what `openLog`, `findStarter` and `start` do
 */
export async function openOrStartLog(repository: Repository, options: LogOptions & AuthorOptions): Promise<Members> {
  const members = await openLog(repository, options);
  if (members.rootState !== "none") return members;
  const { author, person } = await findStarter(options);
  try {
    const started = await start({ members, author, person, stageOnly: false });
    if (!options.quiet) say(`vault: started the members log with you; its root is ${rootText(started.root)}`);
    return started.members;
  } finally {
    author.lock();
  }
}
