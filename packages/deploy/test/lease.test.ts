import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReleaseLease } from "../src/cluster/lease.ts";
import { Cluster, type WritableCluster } from "../src/index.ts";
import { type ClusterWorld, clusterWorld } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

const RELEASE = { name: "app", namespace: "web" };

let at: ClusterWorld;
beforeEach(async () => {
  at = await clusterWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

/** A lease that somebody has, or that nobody has where the holder is empty. */
function put(holderIdentity: string, annotation = ""): void {
  const renewTime = new Date().toISOString();
  at.kubernetes.put({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "default", name: "git-vault.web.app", annotations: { "git-vault/holder": annotation } },
    spec: { holderIdentity, leaseDurationSeconds: 30, acquireTime: renewTime, renewTime },
  });
}
const lease = () => at.kubernetes.get("coordination.k8s.io/v1", "Lease", "default", "git-vault.web.app");

async function within<T>(job: (cluster: WritableCluster) => Promise<T>): Promise<T> {
  await using project = await at.open();
  await using cluster = await Cluster.connectToChange(project, project.environment("staging"));
  return await job(cluster);
}
const take = (cluster: WritableCluster): Promise<ReleaseLease | null> =>
  ReleaseLease.take(cluster, RELEASE, { revision: 1, most: 60_000, onWait: () => {} });

describe("a lease", () => {
  test("is made, seen by others, and removed", async () => {
    await within(async (cluster) => {
      expect(await ReleaseLease.look(cluster, RELEASE)).toEqual({ held: false, holder: null });
      const own = await take(cluster);
      expect(await ReleaseLease.look(cluster, RELEASE)).toMatchObject({ held: true, holder: { revision: 1 } });
      await own?.assertHeld();
      await own?.release();
      expect(lease()).toBeUndefined();
    });
  });

  test.each(["PUT", "POST"])("is not taken where another run is quicker (%s)", async (method) => {
    if (method === "PUT") put("");
    at.kubernetes.faults.push({ fault: "interfere", on: /leases/, method, times: 1, act: () => put("other") });
    await within(async (cluster) => {
      expect(await errorOf(() => take(cluster))).toMatchObject({ code: "RELEASE_BUSY" });
    });
    expect(lease()).toMatchObject({ spec: { holderIdentity: "other" } });
  });

  test("that another run took is neither renewed nor given back", async () => {
    await within(async (cluster) => {
      const own = await take(cluster);
      put("other");
      expect(await errorOf(() => own?.assertHeld())).toMatchObject({ code: "RELEASE_LOST" });
      await own?.release();
      await own?.restore();
    });
    expect(lease()).toMatchObject({ spec: { holderIdentity: "other" } });
  });

  test("is not removed where it is another one by then", async () => {
    await within(async (cluster) => {
      const own = await take(cluster);
      const act = (): void => {
        const made = lease();
        if (made !== undefined) at.kubernetes.remove(made);
        put("other");
      };
      at.kubernetes.faults.push({ fault: "interfere", on: /leases/, method: "DELETE", times: 1, act });
      await own?.release();
    });
    expect(lease()).toMatchObject({ spec: { holderIdentity: "other" } });
  });

  test("that was removed is lost", async () => {
    await within(async (cluster) => {
      const own = await take(cluster);
      await cluster.send(`/apis/coordination.k8s.io/v1/namespaces/default/leases/git-vault.web.app`, {
        method: "DELETE",
      });
      const error = await errorOf(() => own?.assertHeld());
      expect(error).toMatchObject({ code: "RELEASE_LOST" });
      expect(error.message).toContain("its Lease was removed");
      expect(own?.lost.aborted).toBe(true);
    });
    expect(lease()).toBeUndefined();
  });

  test("given back as it was found tells of the run before, and is nobody's", async () => {
    const before = JSON.stringify({ revision: 4, end: 1_700_000_000_000 });
    put("", before);
    await within(async (cluster) => {
      const own = await take(cluster);
      expect(own?.previous).toEqual({ revision: 4, end: 1_700_000_000_000 });
      await own?.restore();
      expect(await ReleaseLease.look(cluster, RELEASE)).toEqual({ held: false, holder: JSON.parse(before) });
    });
    expect(lease()).toMatchObject({ spec: { holderIdentity: "" } });
  });

  test.each(["", "no JSON", "{}", '{"revision":"1","end":2}'])(
    "with the holder %j tells of none",
    async (annotation) => {
      put("", annotation);
      await within(async (cluster) => {
        expect(await ReleaseLease.look(cluster, RELEASE)).toEqual({ held: false, holder: null });
      });
    },
  );

  test("is done without where the user may have none", async () => {
    at.kubernetes.faults.push({ fault: "status", code: 403, on: /leases/ });
    await within(async (cluster) => {
      expect(await take(cluster)).toBeNull();
      expect(await ReleaseLease.look(cluster, RELEASE)).toEqual({ held: false, holder: null });
    });
  });
});
