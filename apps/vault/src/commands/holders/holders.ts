import { Directory } from "@git-vault/directory";
import { openRepository } from "@git-vault/git-crypt";
import { listHolders, type Holder, type HolderList } from "@git-vault/sharing/grants";
import { usageError } from "../../errors.ts";
import { attentionOf, holdersAsMarkdown, holdersAsText } from "./holders-report.ts";
import { writeJson, writeStdout } from "../../io/streams.ts";
import type { Run } from "../../cli/command.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

export const run: Run<typeof HOLDER_COMMANDS.holders> = async ({ json, markdown, offline }) => {
  if (json && markdown) throw usageError("--json and --markdown were both given");
  const list = await listHolders(openRepository(process.cwd()), offline ? null : new Directory());
  if (json) writeJson(describe(list));
  else writeStdout(markdown ? holdersAsMarkdown(list) : holdersAsText(list));
  const wrong = list.stray.length + list.bad.length + list.unvouched.length;
  if (wrong > 0 || list.holders.some((one) => attentionOf(one).length > 0)) process.exitCode = 7;
};

const describe = ({ holders, unvouched, stray, bad }: HolderList): object => ({
  holders: holders.map((holder: Holder) => ({
    holder: holder.holder,
    account: holder.account,
    keyName: holder.keyName,
    format: holder.format,
    since: holder.since,
    granted: holder.granted,
    grantedBy: holder.grantedBy,
    signature: holder.signature,
    keys: holder.keys.map(({ type, fingerprint, state }) => ({ type, fingerprint, state })),
    newKeys: holder.newKeys.map(({ type, fingerprint }) => ({ type, fingerprint })),
    forge: holder.forge,
    renamedTo: holder.renamedTo,
    standing: holder.standing,
    paths: holder.paths,
    attention: attentionOf(holder),
  })),
  unvouched: unvouched.map(({ holder, keyName, fingerprint, path }) => ({ holder, keyName, fingerprint, path })),
  stray,
  bad,
});
