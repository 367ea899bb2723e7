import { blockInMarkdown } from "@git-vault/deploy/findings";
import { Cluster } from "@git-vault/deploy";
import { planRollback, rollBack, rollbackText } from "@git-vault/deploy/releases";
import { followEvents, limitsOf } from "./follow-events.ts";
import { interruptible, openProject } from "./project.ts";
import { usageError } from "../../errors.ts";
import { printableText } from "../../io/streams.ts";
import type { Run } from "../../cli/command.ts";
import { confirmChange } from "./confirm-change.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy rollback"]> = (options, [name, revision]) => {
  if (revision !== undefined && !/^[1-9]\d{0,8}$/.test(revision))
    throw usageError("expected the number of a revision, such as 12");
  return interruptible(async (signal, cleanUp) => {
    await using project = await openProject(options, { environments: [name], needsHelm: true, signal });
    await using cluster = await Cluster.connectToChange(project, project.environment(name), { signal });
    const asked = revision === undefined ? undefined : Number(revision);
    const plan = await planRollback(cluster, asked, { release: options.release, signal });
    const question = `go back to revision ${plan.to.number} of ${plan.release} in ${name}`;
    const lines = printableText(rollbackText(plan)).trimEnd().split("\n");
    await confirmChange(lines, question, options, signal);
    const planned = blockInMarkdown(rollbackText(plan));
    const deployed = { title: `vault deploy rollback ${name}`, release: plan.release, planned };
    const limits = { ...limitsOf(options), repair: options.repair, signal };
    await followEvents(rollBack(project, cluster, plan, limits), deployed, options, cleanUp);
  });
};
