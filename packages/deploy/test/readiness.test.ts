import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DeployEvent } from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld } from "./apply-world.ts";
import { HELM_3 } from "./cluster-world.ts";

/*
 * When the workloads of a release count as ready, and what is told where they are not: through a
 * deployment of a chart that has one of each kind and way to be updated.
 */
let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
  at.repository.write("app/templates/workloads.yaml", WORKLOADS);
  at.kubernetes.podRules.push({ image: /bad/, becomes: "CrashLoopBackOff", logs: ["no such file"] });
});
afterEach(() => at[Symbol.asyncDispose]());

const template = (name: string, image: string): string =>
  `{metadata: {labels: {app: ${name}}}, spec: {containers: [{name: main, image: "${image}"}]}}`;

const set = (kind: string, name: string, more: string): string => `apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template: ${template(name, "{{ .Values.image }}")}
  ${more}
`;

const job = (name: string, image: string, more: string): string => `apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: "${image}"}]}}
  ${more}
`;

const WORKLOADS = [
  set("StatefulSet", "db", "replicas: 2"),
  set("StatefulSet", "db-part", "replicas: 3\n  updateStrategy: {rollingUpdate: {partition: 2}}"),
  set("StatefulSet", "db-held", "updateStrategy: {type: OnDelete}"),
  set("DaemonSet", "agent", "updateStrategy: {rollingUpdate: {maxUnavailable: 2}}"),
  set("DaemonSet", "agent-held", "updateStrategy: {type: OnDelete}"),
  job("task", "task:1", "completions: 2"),
  job("task-off", "task:bad", "suspend: true"),
].join("---\n");

/** The images of a workload's pods. */
const images = (app: string): string[] =>
  at.kubernetes
    .list("v1", "Pod", "web")
    .filter(({ metadata }) => metadata.labels?.["app"] === app)
    .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))
    .map((pod) => (pod["spec"] as { containers: { image: string }[] }).containers[0]?.image ?? "");

type Unready = DeployEvent & { event: "unready" };

/**
 * What is told of each workload that is not ready: the state, the message, and the reasons in one
 * text.
 */
const told = (events: readonly DeployEvent[]): Record<string, [state: string, message: string, reasons: string]> =>
  Object.fromEntries(
    events
      .filter((event): event is Unready => event.event === "unready")
      .map(({ workload, state, message, reasons }) => [
        `${workload.kind} ${workload.name}`,
        [state, message, reasons.join("\n")],
      ]),
  );

/** Commits a Job that is added to the chart, and deploys it. */
async function deployJob(text: string, timeout: number): ReturnType<ApplyWorld["deploy"]> {
  at.repository.write("app/templates/workloads.yaml", text);
  await at.repository.commit("a job");
  return at.deploy({ timeout });
}

describe.each(HELM_3)("$label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("a deployment", () => {
    beforeEach(() => {
      at.env["HELM"] = helm;
    });

    test("is ready once StatefulSets, DaemonSets and Jobs are, each as it is updated", async () => {
      const nodes = at.kubernetes.list("v1", "Node").length;
      await at.commitImage("web:1");
      const first = await at.deploy({ timeout: 60 });
      expect(first.error).toBeNull();
      expect(first.events.find(({ event }) => event === "ready")).toMatchObject({ workloads: 8 });
      expect(images("db")).toEqual(["web:1", "web:1"]);
      expect(images("agent")).toHaveLength(nodes);
      expect(at.kubernetes.get("batch/v1", "Job", "web", "task")).toMatchObject({ status: { succeeded: 2 } });
      await at.commitImage("web:2");
      expect((await at.deploy({ timeout: 60 })).error).toBeNull();
      expect(images("db")).toEqual(["web:2", "web:2"]);
      // The partition keeps those below it as they are, and OnDelete keeps all.
      expect(images("db-part")).toEqual(["web:1", "web:1", "web:2"]);
      expect(images("db-held")).toEqual(["web:1"]);
      expect(new Set(images("agent"))).toEqual(new Set(["web:2"]));
      expect(new Set(images("agent-held"))).toEqual(new Set(["web:1"]));
    });

    test("tells why an update of a StatefulSet or a DaemonSet is stuck", async () => {
      const nodes = at.kubernetes.list("v1", "Node").length;
      await at.commitImage("web:1");
      await at.deploy({ timeout: 60 });
      await at.commitImage("web:bad");
      const { events, error } = await at.deploy({ timeout: 8, onFailure: "leave" });
      expect(error).toMatchObject({ code: "ROLLOUT_FAILED" });
      const crashed = (pod: string): unknown =>
        expect.stringMatching(
          new RegExp(`^pod ${pod}, container main: CrashLoopBackOff: .*\nlog of main: no such file\n`),
        );
      expect(told(events)).toEqual({
        "Deployment web": ["waiting", expect.any(String), expect.stringContaining("CrashLoopBackOff")],
        "StatefulSet db": ["waiting", "1 of 2 pods are updated", crashed("db-1")],
        "StatefulSet db-part": ["waiting", "2 of 3 pods are ready", crashed("db-part-2")],
        // Two may be away at a time.
        "DaemonSet agent": ["waiting", `2 of ${nodes} pods are updated`, crashed(String.raw`agent-\w+`)],
      });
    });

    test("tells why a first installation is stuck, also of what is updated by hand", async () => {
      await at.commitImage("web:bad");
      const { events, error } = await at.deploy({ timeout: 8, onFailure: "leave" });
      expect(error).toMatchObject({ code: "ROLLOUT_FAILED" });
      expect(told(events)).toMatchObject({
        "StatefulSet db": ["waiting", "0 of 2 pods are ready", expect.stringContaining("pod db-0, container main")],
        "StatefulSet db-held": ["waiting", "0 of 1 pods are ready", expect.stringContaining("pod db-held-0")],
        "DaemonSet agent": ["waiting", expect.stringMatching(/^0 of \d+ pods are available$/), expect.any(String)],
        "DaemonSet agent-held": [
          "waiting",
          expect.stringMatching(/^0 of \d+/),
          expect.stringContaining("no such file"),
        ],
      });
    });

    test("fails as soon as a Job has failed, and tells why; a Job that does not come to its end is waited for", async () => {
      at.kubernetes.podRules.push(
        { image: /broken/, becomes: "failed", logs: ["cannot migrate"] },
        { image: /absent/, becomes: "ImagePullBackOff" },
      );
      // It ends long before the time is over.
      const failed = await deployJob(job("migrate", "task:broken", "backoffLimit: 2"), 200);
      expect(failed.error?.message).toContain("Job migrate of the release app");
      expect(told(failed.events)["Job migrate"]).toEqual([
        "failed",
        "it failed: Job has reached the specified backoff limit",
        expect.stringMatching(
          /^pod migrate-\w+, container main: it ended with 1 \(Error\)\nlog of main: cannot migrate/,
        ),
      ]);
      const stuck = await deployJob(job("other", "task:absent", "backoffLimit: 0"), 8);
      expect(told(stuck.events)["Job other"]).toEqual([
        "waiting",
        "0 of its pods are done",
        expect.stringMatching(/^pod other-\w+, container main: ImagePullBackOff: /),
      ]);
    });
  });
});
