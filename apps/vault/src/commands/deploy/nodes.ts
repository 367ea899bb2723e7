import {
  Cluster,
  cordon,
  drain,
  type DrainEvent,
  inspectNodes,
  type NodeReport,
  type NodeState,
  type Project,
  uncordon,
  WritableCluster,
} from "@git-vault/deploy";
import { count } from "../../io/count.ts";
import { timeoutOf } from "./follow-events.ts";
import { interruptible, openProject } from "./project.ts";
import { usageError } from "../../cli/errors.ts";
import { tellOutcome } from "./findings.ts";
import { printable, say, writeJson } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

export function run({ flags, args: [name, action, node] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as prod");
  const act = action === undefined ? null : actionOf(action, node);
  const { timeout = 600 } = timeoutOf(flags);
  return interruptible(async (signal) => {
    await using project = await openProject(flags);
    const environment = project.environment(name);
    if (act === null) {
      await using cluster = await Cluster.connect(project, environment, { signal });
      return tellNodes(project, name, await inspectNodes(cluster, signal), flags);
    }
    await using cluster = await WritableCluster.connectToChange(project, environment, { signal });
    await act(cluster, flags, { timeout: timeout * 1000, signal });
  });
}

type Act = (
  cluster: WritableCluster,
  flags: FlagValues,
  options: { readonly timeout: number; readonly signal: AbortSignal },
) => Promise<void>;

function actionOf(action: string, node: string | undefined): Act {
  if (node === undefined) throw usageError(`expected a node after ${printable(action)}`);
  const done = (what: string, flags: FlagValues): void => {
    if (flags.json) writeJson({ node, state: what });
    else if (!flags.quiet) say(`vault: ${printable(node)} is ${what}`);
  };
  switch (action) {
    case "cordon":
      return async (cluster, flags, { signal }) => {
        await cordon(cluster, node, { force: flags.force === true, signal });
        done("cordoned", flags);
      };
    case "uncordon":
      return async (cluster, flags, { signal }) => {
        await uncordon(cluster, node, signal);
        done("open", flags);
      };
    case "drain":
      return async (cluster, flags, { timeout, signal }) => {
        const options = { force: flags.force === true, evictAll: flags["evict-all"] === true, timeout, signal };
        for await (const event of drain(cluster, node, options)) if (!flags.quiet) tellEvent(event);
        done("empty", flags);
      };
    default:
      throw usageError("expected cordon, uncordon or drain after the environment");
  }
}

function tellEvent(event: DrainEvent): void {
  if (!("pod" in event)) return;
  const pod = printable(`${event.pod.namespace}/${event.pod.name}`);
  say(`vault: ${event.type} ${pod}${"reason" in event ? `: ${event.reason}` : ""}`);
}

function tellNodes(project: Project, environment: string, report: NodeReport, flags: FlagValues): void {
  const { pools, strays, findings } = report;
  const groups = [...pools, ...(strays.length === 0 ? [] : [{ name: "(no pool)", nodes: strays }])];
  tellOutcome(
    `vault deploy nodes ${environment}`,
    {
      json: { commit: project.commit, environment, pools, strays },
      text: groups.map(({ name, nodes }) => `${printable(name)}\n${nodes.map(lineOf).join("")}`).join(""),
      findings,
    },
    flags,
  );
}

const percent = (share: number): string => `${Math.round(share * 100)}%`;

function lineOf({ name, ready, cordoned, full, used, pods }: NodeState): string {
  const state = [ready ? "ready" : "not ready", ...(cordoned ? ["cordoned"] : []), ...(full ? ["full"] : [])].join(
    ", ",
  );
  const head = `  ${printable(name)}  ${state}  pods ${percent(used.pods)}, cpu ${percent(used.cpu)}, memory ${percent(used.memory)}\n`;
  const ending = pods.filter(({ fate }) => fate === "ends").length;
  if (!cordoned) return head;
  const holding = pods
    .filter(({ fate }) => fate === "moves")
    .map((pod) => {
      const why = pod.obstacles.length === 0 ? "" : `: ${printable(pod.obstacles.join("; "))}`;
      return `    held by ${printable(`${pod.namespace}/${pod.name} (${pod.owner ?? ""})`)}${why}\n`;
    });
  return (
    head +
    holding.join("") +
    (ending === 0 ? "" : `    ${count(ending, "pod")} ${ending === 1 ? "ends by itself" : "end by themselves"}\n`)
  );
}
