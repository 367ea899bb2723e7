import { driftIn, makePlan } from "@git-vault/deploy/releases";
import { allLocked, environmentsOf, findingOfFailure, forEachCluster } from "./clusters.ts";
import { interruptible, openToRead } from "./project.ts";
import { reportOutcome } from "./findings.ts";
import type { Run } from "../../cli/command.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy drift"]> = (options, names) =>
  interruptible(async (signal) => {
    await using project = await openToRead(options, { environments: names, needsHelm: true, signal });
    const environments = environmentsOf(project, names);
    const { results, failures } = await forEachCluster(project, environments, signal, async (cluster) => {
      const findings = driftIn(await makePlan(project, cluster, { signal }));
      return { environment: cluster.environment.name, findings };
    });
    reportOutcome(
      "vault deploy drift",
      {
        json: {
          commit: project.commit,
          environments: results.map(({ environment, findings }) => ({ environment, drifted: findings.length > 0 })),
        },
        text: results.map(textOf).join(""),
        findings: [...failures.map(findingOfFailure), ...results.flatMap(({ findings }) => findings)],
        isLocked: allLocked(failures, environments.length),
      },
      options,
    );
  });

const textOf = ({
  environment,
  findings,
}: {
  readonly environment: string;
  readonly findings: readonly unknown[];
}): string => (findings.length === 0 ? `${environment}  runs what the commit says\n` : "");
