import { blockInMarkdown, Cluster, planRollback, rollBack, rollbackText } from "@git-vault/deploy";
import { followEvents, limitsOf } from "./follow-events.ts";
import { interruptible, openProject } from "./project.ts";
import { usageError } from "../../cli/errors.ts";
import type { Invocation } from "../../cli/command-table.ts";
import { confirmChange } from "../message/check-recipients.ts";

export function run({ flags, args: [name, revision] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as staging");
  if (revision !== undefined && !/^[1-9]\d{0,8}$/.test(revision))
    throw usageError("expected the number of a revision, such as 12");
  const options = { ...limitsOf(flags), repair: flags.repair === true };
  return interruptible(async (signal, cleanUp) => {
    await using project = await openProject(flags);
    await using cluster = await Cluster.connectToChange(project, project.environment(name), { signal });
    const asked = revision === undefined ? undefined : Number(revision);
    const plan = await planRollback(cluster, asked, { release: flags.release, signal });
    const question = `go back to revision ${plan.to.number} of ${plan.release} in ${name}`;
    await confirmChange(rollbackText(plan), question, flags, signal);
    const planned = blockInMarkdown(rollbackText(plan));
    const deployed = { title: `vault deploy rollback ${name}`, release: plan.release, planned };
    await followEvents(rollBack(project, cluster, plan, { ...options, signal }), deployed, flags, cleanUp);
  });
}
