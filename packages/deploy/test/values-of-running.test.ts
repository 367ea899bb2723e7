import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { peer } from "@git-vault/testkit";
import { Cluster, Project } from "../src/index.ts";
import { makePlan, planText } from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld } from "./apply-world.ts";

let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

/** Shows a value so that no other form of it is known. */
const LEAK = `apiVersion: v1
kind: ConfigMap
metadata: { name: leak }
data:
  e: {{ .Values.password | default "none" | splitList "" | join "." | quote }}
`;

describe.each(["helm4", "helm3"])("a commit without values, with %s", (name) => {
  const helm = peer(name);

  test.skipIf(helm.missing).each(["real", "stand-ins"] as const)(
    `gets none of the release that runs from ${helm.label}, with secrets %s`,
    async (secrets) => {
      at.env["HELM"] = helm.path;
      await at.deploy();
      at.settings({ uid: at.kubernetes.identity }, { layers: [] });
      at.repository.write("app/templates/leak.yaml", LEAK);
      await at.repository.commit("leak");
      await using project = await Project.open({ root: at.repository.path, key: at.key, env: at.env, secrets });
      await using cluster = await Cluster.connect(project, project.environment("staging"));
      expect(planText(await makePlan(project, cluster))).toContain("n.o.n.e");
    },
  );
});
