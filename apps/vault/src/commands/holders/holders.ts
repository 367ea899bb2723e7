import { Directory } from "@git-vault/directory";
import { listHolders, memberFindings, openMembers } from "@git-vault/sharing/members";
import { usageError } from "../../errors.ts";
import type { Run } from "../../cli/command.ts";
import { writeJson, writeLong, writeStdout } from "../../io/streams.ts";
import { openHere } from "../open-here.ts";
import { attentionOf, holdersAsJson, holdersAsMarkdown, holdersAsText, type HoldersReport } from "./holders-report.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

export const run: Run<typeof HOLDER_COMMANDS.holders> = async ({ json, markdown, offline }) => {
  if (json && markdown) throw usageError("--json and --markdown were both given");
  const repository = openHere();
  const members = await openMembers(repository);
  // A clone that has no key yet has accepted nobody's word for whom to ask about.
  const isLocked = repository.keyNames().length === 0;
  const directory = offline || isLocked || members.rootState !== "accepted" ? null : new Directory();
  const list = await listHolders(members, directory);
  const findings = await memberFindings(members);
  const report: HoldersReport = { list, findings, root: members.root, state: members.rootState };
  if (json) writeJson(holdersAsJson(report));
  else if (markdown) writeStdout(holdersAsMarkdown(report));
  else writeLong(holdersAsText(report));
  if (findings.length > 0 || list.holders.some((one) => attentionOf(one).length > 0)) process.exitCode = 7;
};
