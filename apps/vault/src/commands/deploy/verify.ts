import { plural, printable } from "@git-vault/core";
import { inspectFederation, type Verification, verifyEnvironment } from "@git-vault/deploy/verify";
import { allLocked, certificateOptions, environmentsOf, findingOfFailure, forEachCluster } from "./clusters.ts";
import { interruptible, openProject } from "./project.ts";
import { reportOutcome } from "./findings.ts";
import type { Run } from "../../cli/command.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy verify"]> = (options, names) =>
  interruptible(async (signal) => {
    const looking = certificateOptions(options, signal);
    await using project = await openProject(options, { environments: names, signal });
    const environments = environmentsOf(project, names);
    const [{ results, failures }, federation] = await Promise.all([
      forEachCluster(project, environments, signal, (cluster) => verifyEnvironment(cluster, looking)),
      inspectFederation(project, looking),
    ]);
    reportOutcome(
      "vault deploy verify",
      {
        json: {
          commit: project.commit,
          environments: results.map(({ environment, workloads, answers }) => ({ environment, workloads, answers })),
          federation: federation.members.map(({ member, versions }) => ({
            member,
            versions: versions === null ? null : Object.fromEntries(versions),
          })),
        },
        text: results.map(textOf).join(""),
        findings: [
          ...failures.map(findingOfFailure),
          ...results.flatMap((result) => result.findings),
          ...federation.findings,
        ],
        isLocked: federation.members.length === 0 && allLocked(failures, environments.length),
      },
      options,
    );
  });

const textOf = ({ environment, workloads, answers }: Verification): string => {
  const hosts = answers.map(
    ({ host, path, status }) => `  https://${printable(host + path)}  ${status ?? "no answer"}\n`,
  );
  return `${environment}  ${plural(workloads, "workload")}\n${hosts.join("")}`;
};
