import { plural, printable } from "@git-vault/core";
import { Cluster, type Project, WritableCluster } from "@git-vault/deploy";
import {
  cordon,
  drain,
  type DrainEvent,
  inspectNodes,
  type NodeReport,
  type NodeState,
  uncordon,
} from "@git-vault/deploy/nodes";
import { interruptible, openProject } from "./project.ts";
import { usageError } from "../../errors.ts";
import { reportOutcome } from "./findings.ts";
import type { Options, Run } from "../../cli/command.ts";
import { coloured } from "../../io/colour.ts";
import { reportResult, say } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

type Nodes = (typeof DEPLOY_COMMANDS)["deploy nodes"];
type NodesOptions = Options<Nodes["flags"]>;

export const run: Run<Nodes> = (options, [name, action, node]) => {
  const act = action === undefined ? null : actionOf(action, node);
  return interruptible(async (signal) => {
    await using project = await openProject(options, { environments: [name], signal });
    const environment = project.environment(name);
    if (act === null) {
      await using cluster = await Cluster.connect(project, environment, { signal });
      return reportNodes(project, name, await inspectNodes(cluster, signal), options);
    }
    await using cluster = await WritableCluster.connectToChange(project, environment, { signal });
    await act(cluster, options, signal);
  });
};

type Act = (cluster: WritableCluster, options: NodesOptions, signal: AbortSignal) => Promise<void>;

function actionOf(action: string, node: string | undefined): Act {
  if (node === undefined) throw usageError(`expected a node after ${printable(action)}`);
  const done = (state: string, options: NodesOptions): void =>
    reportResult(options, { node, state }, [`vault: ${printable(node)} is ${state}`]);
  switch (action) {
    case "cordon":
      return async (cluster, options, signal) => {
        await cordon(cluster, node, { force: options.force, signal });
        done("cordoned", options);
      };
    case "uncordon":
      return async (cluster, options, signal) => {
        await uncordon(cluster, node, signal);
        done("open", options);
      };
    case "drain":
      return async (cluster, options, signal) => {
        const { force, evictAll, timeout = 600, quiet } = options;
        const draining = { force, evictAll, timeout: timeout * 1000, signal };
        for await (const event of drain(cluster, node, draining)) if (!quiet) reportEvent(event);
        done("empty", options);
      };
    default:
      throw usageError("expected cordon, uncordon or drain after the environment");
  }
}

function reportEvent(event: DrainEvent): void {
  if (!("pod" in event)) return;
  const pod = printable(`${event.pod.namespace}/${event.pod.name}`);
  const isKept = event.type === "left" && event.pod.fate !== "ends";
  const reason = "reason" in event ? `: ${event.reason}${isKept ? ": evict it by hand, or with --evict-all" : ""}` : "";
  say(`vault: ${event.type} ${pod}${reason}`);
}

function reportNodes(project: Project, environment: string, report: NodeReport, options: NodesOptions): void {
  const { pools, strays, findings } = report;
  const groups = [...pools, ...(strays.length === 0 ? [] : [{ name: "(no pool)", nodes: strays }])];
  reportOutcome(
    `vault deploy nodes ${environment}`,
    {
      json: { commit: project.commit, environment, pools, strays },
      text: groups
        .map(({ name, nodes }) => `${coloured("title", printable(name))}\n${nodes.map(lineOf).join("")}`)
        .join(""),
      findings,
    },
    options,
  );
}

const percent = (share: number): string => `${Math.round(share * 100)}%`;

function lineOf({ name, ready, cordoned, full, used, pods }: NodeState): string {
  const state = [
    ready ? coloured("good", "ready") : coloured("bad", "not ready"),
    ...(cordoned ? [coloured("warning", "cordoned")] : []),
    ...(full ? [coloured("warning", "full")] : []),
  ].join(", ");
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
    (ending === 0 ? "" : `    ${plural(ending, "pod")} ${ending === 1 ? "ends by itself" : "end by themselves"}\n`)
  );
}
