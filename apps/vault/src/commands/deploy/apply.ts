import { apply, checkPlan, isUnchanged, makePlan, type Plan, planMarkdown, readPlan } from "@git-vault/deploy/releases";
import { Cluster, type Project } from "@git-vault/deploy";
import { applyOptionsOf, followEvents } from "./follow-events.ts";
import { PLAN_WORDS, reportPlan } from "./deployment-summary.ts";
import { shownPlan } from "./shown-plan.ts";
import { interruptible, openCommitted } from "./project.ts";
import { readOperand } from "../../io/input.ts";
import type { Run } from "../../cli/command.ts";
import { writeJson, writeLong } from "../../io/streams.ts";
import { confirmChange } from "./confirm-change.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy apply"]> = (options, [name]) =>
  interruptible(async (signal, cleanUp) => {
    const applying = { ...applyOptionsOf(options), signal };
    await using project = await openCommitted(options, { environments: [name], needsHelm: true, signal });
    const environment = project.environment(name);
    if (options.dryRun) {
      await using reader = await Cluster.connect(project, environment, { signal });
      const plan = await planOf(project, reader, options.plan, signal);
      reportPlan(plan, { summary: true });
      await checkPlan(project, reader, plan, applying);
      if (options.json) writeJson(plan);
      else writeLong(`${shownPlan(plan, 1).join("\n")}\n`);
      return;
    }
    await using cluster = await Cluster.connectToChange(project, environment, { signal });
    const plan = await planOf(project, cluster, options.plan, signal);
    reportPlan(plan, { summary: false });
    if (options.plan === undefined) {
      const same = options.redeploy ? `deploy to ${name} all the same` : `look whether all is ready on ${name}`;
      const question = isUnchanged(plan) ? same : `deploy this to ${name}`;
      await confirmChange(shownPlan(plan, 2), question, options, signal);
    }
    const planned = planMarkdown(plan, PLAN_WORDS);
    const deployed = { title: `vault deploy apply ${name}`, release: environment.main.name, planned };
    await followEvents(apply(project, cluster, plan, applying), deployed, options, cleanUp);
  });

/** What the file says, else a new one. */
const planOf = async (
  project: Project,
  cluster: Cluster,
  file: string | undefined,
  signal: AbortSignal,
): Promise<Plan> =>
  file === undefined
    ? await makePlan(project, cluster, { signal })
    : readPlan(project, readOperand(file).data.toString());
