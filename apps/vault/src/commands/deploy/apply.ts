import {
  apply,
  checkPlan,
  Cluster,
  isUnchanged,
  makePlan,
  type Plan,
  planMarkdown,
  planText,
  type Project,
  readPlan,
} from "@git-vault/deploy";
import { applyOptionsOf, followEvents } from "./follow-events.ts";
import { tellPlan } from "./deployment-summary.ts";
import { interruptible, openCommitted } from "./project.ts";
import { usageError } from "../../cli/errors.ts";
import { readOperand } from "../../io/input.ts";
import { printableText, writeJson, writeStdout } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";
import { confirmChange } from "../message/check-recipients.ts";

export function run({ flags, args: [name] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as staging");
  const options = applyOptionsOf(flags);
  return interruptible(async (signal, cleanUp) => {
    await using project = await openCommitted(flags);
    const environment = project.environment(name);
    if (flags["dry-run"]) {
      await using reader = await Cluster.connect(project, environment, { signal });
      const plan = await planOf(project, reader, flags, signal);
      tellPlan(plan, { summary: true });
      await checkPlan(project, reader, plan, { ...options, signal });
      if (flags.json) writeJson(plan);
      else writeStdout(printableText(planText(plan)));
      return;
    }
    await using cluster = await Cluster.connectToChange(project, environment, { signal });
    const plan = await planOf(project, cluster, flags, signal);
    tellPlan(plan, { summary: false });
    if (flags.plan === undefined) {
      const question = isUnchanged(plan) ? `deploy to ${name} all the same` : `deploy this to ${name}`;
      await confirmChange(planText(plan), question, flags, signal);
    }
    const planned = planMarkdown(plan);
    const deployed = { title: `vault deploy apply ${name}`, release: environment.release, planned };
    await followEvents(apply(project, cluster, plan, { ...options, signal }), deployed, flags, cleanUp);
  });
}

const planOf = async (project: Project, cluster: Cluster, flags: FlagValues, signal: AbortSignal): Promise<Plan> =>
  flags.plan === undefined
    ? await makePlan(project, cluster, { signal })
    : readPlan(project, readOperand(flags.plan).data.toString());
