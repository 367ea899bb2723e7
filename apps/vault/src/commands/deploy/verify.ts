import { inspectFederation, type Verification, verifyEnvironment } from "@git-vault/deploy";
import { count } from "../../io/count.ts";
import { allLocked, certificateOptions, environmentsOf, findingOf, lookAtClusters } from "./clusters.ts";
import { interruptible, openProject } from "./project.ts";
import { tellOutcome } from "./findings.ts";
import { printable } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

export function run({ flags, args }: Invocation): Promise<void> {
  return interruptible(async (signal) => {
    const options = certificateOptions(flags, signal);
    await using project = await openProject(flags);
    const environments = environmentsOf(project, args);
    const [{ results, failures }, federation] = await Promise.all([
      lookAtClusters(project, environments, signal, (cluster) => verifyEnvironment(cluster, options)),
      inspectFederation(project.federation, options),
    ]);
    tellOutcome(
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
        findings: [...failures.map(findingOf), ...results.flatMap((result) => result.findings), ...federation.findings],
        isLocked: federation.members.length === 0 && allLocked(failures, environments.length),
      },
      flags,
    );
  });
}

const textOf = ({ environment, workloads, answers }: Verification): string => {
  const hosts = answers.map(
    ({ host, path, status }) => `  https://${printable(host + path)}  ${status ?? "no answer"}\n`,
  );
  return `${environment}  ${count(workloads, "workload")}\n${hosts.join("")}`;
};
