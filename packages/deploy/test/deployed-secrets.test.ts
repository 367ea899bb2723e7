import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { apply, AuditLog, makePlan, planMarkdown, planText } from "../src/releases/index.ts";
import { verifyEnvironment } from "../src/verify/index.ts";
import { applyWorld, type ApplyWorld, outcomeOf } from "./apply-world.ts";
import { HELM_3, PASSWORD } from "./cluster-world.ts";

let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

describe.each(HELM_3)("$label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("a deployment", () => {
    beforeEach(() => {
      at.env["HELM"] = helm;
    });

    test("tells no secret of an earlier revision, by whichever way it comes back to be told of", async () => {
      // What each pod says: the password that it was deployed with.
      at.kubernetes.podRules.push(
        ...[1, 2, 3].map((number) => ({
          image: new RegExp(`^web:${number}$`),
          becomes: "CrashLoopBackOff" as const,
          message: `cannot connect with canary-rotated-${number}`,
          logs: [`I have canary-rotated-${number}`],
        })),
      );
      const rotate = async (number: number): Promise<void> => {
        at.encrypt("secrets/config/staging.yaml", `password: canary-rotated-${number}\n`);
        await at.commitImage(`web:${number}`);
      };
      for (const number of [1, 2]) {
        await rotate(number);
        expect((await at.deploy({ timeout: 1, onFailure: "leave" })).error).toMatchObject({ code: "ROLLOUT_FAILED" });
      }
      const back = await at.rollBack(1, { timeout: 1 });
      expect(back.error).toMatchObject({ code: "ROLLOUT_FAILED" });
      const verified = await at.within((_, cluster) => verifyEnvironment(cluster));
      expect(verified.findings[0]?.message).toMatch(/^Deployment web: /);
      // By a run that did not make the plan: the pods of the revision that runs are told of as
      // well.
      await rotate(3);
      const plan = await at.within(makePlan);
      const late = await at.within((project, cluster) => outcomeOf(apply(project, cluster, plan, { timeout: 1 })));
      expect(late.error).toMatchObject({ code: "ROLLOUT_FAILED" });
      for (const told of [back, verified, late]) {
        const text = JSON.stringify(told);
        expect(text).toContain("cannot connect with [secret]");
        expect(text).not.toContain("canary");
      }
    });

    test("tells no secret that a chart puts into a name or makes itself", async () => {
      at.kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "canary-tenant-77" } });
      at.encrypt("secrets/config/staging.yaml", `password: ${PASSWORD}\ntenant: canary-tenant-77\n`);
      at.repository.write("app/templates/tenant.yaml", TENANT);
      await at.repository.commit("a tenant");
      at.kubernetes.podRules.push({ becomes: "CrashLoopBackOff", logs: ["starting with made by the chart, canary"] });
      const file = join(at.repository.folder, "audit.ndjson");
      const log = new AuditLog(file);
      const plan = await at.within(makePlan);
      expect(planText(plan)).toMatch(/^\+ Deployment \[secret [0-9a-f]{8}\]\/w-\[secret /m);
      const failed = await at.deploy({ timeout: 1, onFailure: "leave" }, (event) => log.write(event));
      expect(failed.error?.message).toContain("Deployment w-[secret]");
      const verified = await at.within((_, cluster) => verifyEnvironment(cluster));
      const said = [
        planText(plan),
        planMarkdown(plan),
        JSON.stringify([plan, failed, failed.error?.message, verified]),
      ];
      for (const text of [...said, readFileSync(file, "utf8")]) expect(text).not.toContain("canary");
      expect(readFileSync(file, "utf8")).toContain("starting with [secret]");
    });
  });
});

/** A workload in a namespace of a secret name, and a Secret that the values know nothing of. */
const TENANT = `apiVersion: v1
kind: Secret
metadata: {name: made}
stringData: {made: "made by the chart, canary"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "w-{{ .Values.tenant }}", namespace: {{ .Values.tenant }}}
spec:
  selector: {matchLabels: {app: tenant}}
  template:
    metadata: {labels: {app: tenant}}
    spec: {containers: [{name: web, image: "tenant:1"}]}
`;
