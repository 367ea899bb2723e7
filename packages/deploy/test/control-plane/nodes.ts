import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { cordon, drain, type DrainEvent, uncordon } from "../../src/nodes/index.ts";
import { HELM_4 } from "../cluster-world.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

/** What closes and empties a node. */
export function nodeTests(shared: () => ControlPlane): void {
  let at: ControlPlaneWorld;
  let plane: ControlPlane;
  beforeEach(() => void (plane = shared()));
  afterEach(() => at[Symbol.dispose]());

  describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
    beforeEach(async () => void (at = await controlPlaneWorld(plane, helm)));

    test.skipIf(missing)(
      "keeps to a disruption budget, goes on once there is room, and opens the node again",
      async () => {
        const path = "/api/v1/nodes/two";
        await plane.make("/api/v1/nodes", { metadata: { name: "two", labels: { pool: "two" } } });
        try {
          await at.commitTemplate("templates/pinned.yaml", PINNED);
          expect((await at.deploy()).error).toBeNull();
          const events: DrainEvent[] = [];
          await at.within(async (_, cluster) => {
            for await (const event of drain(cluster, "two", { interval: 200, timeout: 60_000 })) {
              events.push(event);
              // The one who set the budget makes room.
              if (event.type === "blocked")
                await plane.ask("DELETE", `/apis/policy/v1/namespaces/${at.namespace}/poddisruptionbudgets/pinned`);
            }
          });
          expect([...new Set(events.map(({ type }) => type))]).toEqual(["cordoned", "blocked", "evicted", "drained"]);
          expect(events.find((event) => event.type === "blocked")?.reason).toMatch(/budget.*pinned/);
          expect((await plane.ask("GET", path)).body.spec.unschedulable).toBe(true);
          await at.within((_, cluster) => cordon(cluster, "two"));
          await at.within((_, cluster) => uncordon(cluster, "two"));
          expect((await plane.ask("GET", path)).body.spec.unschedulable).toBeUndefined();
        } finally {
          await plane.ask("DELETE", path);
        }
      },
    );
  });
}

const PINNED = `apiVersion: apps/v1
kind: Deployment
metadata: {name: pinned}
spec:
  selector: {matchLabels: {app: pinned}}
  template:
    metadata: {labels: {app: pinned}}
    spec: {nodeSelector: {pool: two}, containers: [{name: main, image: "pinned:1"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: pinned}
spec: {minAvailable: 1, selector: {matchLabels: {app: pinned}}}
`;
