import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isLong } from "@git-vault/testkit";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { neededRights, rbacManifests, type Right } from "../../src/releases/index.ts";
import type { DeployError } from "../../src/index.ts";
import { names } from "../apply-world.ts";
import { HELM_4 } from "../cluster-world.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** What the user may do who deploys, and what is told where that is not enough. */
export function rightsTests(shared: () => ControlPlane): void {
  let at: ControlPlaneWorld;
  let plane: ControlPlane;
  beforeEach(() => void (plane = shared()));
  afterEach(() => at[Symbol.dispose]());

  /** Gives the user `deployer` rights, and waits until they count. */
  async function grant(rights: readonly Right[]): Promise<void> {
    const subject = { kind: "User", name: "deployer" } as const;
    for (const object of rbacManifests(rights, at.namespace, subject)) await put(object as RbacObject);
    await untilAllowed(rights.at(-1), true);
  }

  interface RbacObject {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  }

  async function put(object: RbacObject): Promise<void> {
    const { namespace, name } = object.metadata;
    const place = namespace === undefined ? "" : `/namespaces/${namespace}`;
    const path = `${RBAC}${place}/${object.kind.toLowerCase()}s`;
    const { status, body } = await plane.ask("PUT", `${path}/${name}`, object);
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(body)}`);
  }

  async function untilAllowed(right: Right | undefined, isAllowed: boolean): Promise<void> {
    const { namespace, group, resource = "", verbs = [], names: [name] = [] } = right ?? {};
    const [kind, subresource] = resource.split("/");
    const resourceAttributes = {
      namespace: namespace ?? "",
      group,
      resource: kind,
      subresource,
      verb: verbs.at(-1),
      name,
    };
    for (;;) {
      const { body } = await plane.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        spec: { user: "deployer", resourceAttributes },
      });
      if (body.status.allowed === isAllowed) return;
    }
  }

  describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
    beforeEach(async () => {
      at = await controlPlaneWorld(plane, helm);
      await plane.make("/api/v1/namespaces", { metadata: { name: at.namespace } });
    });

    test.skipIf(missing)("deploys and goes back with the least rights; without one, names it first", async () => {
      const { rights, unknown } = await at.within((project, cluster) => neededRights(project, cluster));
      expect(unknown).toEqual([]);
      await at.signIn({ token: plane.deployer });
      await grant(rights);
      expect((await at.deploy()).error).toBeNull();
      await at.commitImage("web:crashes");
      expect(names(await at.deploy({ timeout: 5 })).slice(-4)).toEqual([
        "rolling-back",
        "ready",
        "rolled-back",
        "failed",
      ]);
      expect((await at.rollBack(2, { timeout: 5 })).error).toMatchObject({ code: "ROLLOUT_FAILED" });
      expect((await at.rollBack()).error).toBeNull();

      const history = await at.history();
      const needed = rights.flatMap((right) => (isTested(right) ? right.verbs.map((verb) => ({ right, verb })) : []));
      const few = needed.filter(({ verb, right: { resource } }) =>
        ["delete deployments", "update secrets"].includes(`${verb} ${resource}`),
      );
      for (const { right, verb } of isLong() ? needed : few) {
        const less = { ...right, verbs: right.verbs.filter((one) => one !== verb) };
        await grant(rights.map((one) => (one === right ? less : one)));
        await untilAllowed({ ...right, verbs: [verb] }, false);
        // A plan is refused as well as its deployment.
        const { error } = await at.deploy({ redeploy: true }).catch((refused: DeployError) => ({ error: refused }));
        expect(error?.code, `${verb} ${right.resource}`).toMatch(/FORBIDDEN|TOOL_FAILED/);
        expect(error?.message).toContain(verb);
        expect(error?.message).toContain(right.resource);
        expect(await at.history()).toEqual(history);
      }
    });
  });
}

/** What a deployment must have, rather than what it can do without. */
const isTested = ({ group, resource }: Right): boolean =>
  ["secrets", "configmaps"].includes(resource) || (group === "apps" && resource === "deployments");
