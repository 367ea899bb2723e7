import {
  apply,
  type ApplyOptions,
  checkPlan,
  Cluster,
  isUnchanged,
  makePlan,
  type Plan,
  planText,
  type Project,
  readPlan,
} from "@git-vault/deploy";
import { followEvents, timeoutOf } from "../deploy-events.ts";
import { interruptible, openCommitted } from "../deploy-project.ts";
import { usageError } from "../errors.ts";
import { readOperand } from "../input.ts";
import { printableText, writeJson, writeStdout } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";
import { confirmChange } from "../trust.ts";

export function run({ flags, args: [name] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as staging");
  const options = { ...timeoutOf(flags), ...onFailure(flags), repair: flags.repair === true };
  return interruptible(async (signal, cleanUp) => {
    await using project = await openCommitted(flags);
    const environment = project.environment(name);
    if (flags["dry-run"]) {
      await using reader = await Cluster.connect(project, environment, { signal });
      const plan = await planOf(project, reader, flags, signal);
      await checkPlan(project, reader, plan, { signal, repair: options.repair });
      if (flags.json) writeJson(plan);
      else writeStdout(printableText(planText(plan)));
      return;
    }
    await using cluster = await Cluster.connectToChange(project, environment, { signal });
    const plan = await planOf(project, cluster, flags, signal);
    if (flags.plan === undefined) {
      const question = isUnchanged(plan) ? `deploy to ${name} all the same` : `deploy this to ${name}`;
      await confirmChange(planText(plan), question, flags, signal);
    }
    await followEvents(apply(project, cluster, plan, { ...options, signal }), flags, cleanUp);
  });
}

const planOf = async (project: Project, cluster: Cluster, flags: FlagValues, signal: AbortSignal): Promise<Plan> =>
  flags.plan === undefined
    ? await makePlan(project, cluster, { signal })
    : readPlan(project, readOperand(flags.plan).data.toString());

function onFailure({ "on-failure": value }: FlagValues): Pick<ApplyOptions, "onFailure"> {
  if (value === undefined) return {};
  if (value === "rollback" || value === "leave") return { onFailure: value };
  throw usageError("--on-failure: expected rollback or leave");
}
