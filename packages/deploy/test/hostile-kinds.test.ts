import { afterEach, beforeEach, expect, test } from "vitest";
import { Cluster } from "../src/index.ts";
import { makePlan, neededRights, planText, template } from "../src/releases/index.ts";
import { clusterWorld, type ClusterWorld, HELM_4, PASSWORD } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

/*
 * A chart says what an object is: its kind, its API and its namespace, too, may be made of a
 * secret, or be no name at all.
 */

let at: ClusterWorld;
beforeEach(async () => {
  at = await clusterWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

/** Of the secret, as the templates make it. */
const TITLE = "Canary-Password-7261";
const templates = `apiVersion: example.org/v1
kind: {{ .Values.password | title }}
metadata: {name: a}
---
apiVersion: {{ .Values.password }}.example.org/v1
kind: Other
metadata: {name: b}
`;

const inClear = (text: string): string[] => [PASSWORD, TITLE].filter((form) => text.includes(form));

async function commit(text: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  at.repository.write("app/templates/all.yaml", text);
  for (const [path, content] of Object.entries(more)) at.repository.write(path, content);
  await at.repository.commit("kinds");
}

test.each(HELM_4)("rights tell nothing that a chart makes of a secret, with $label", async ({ path }) => {
  at.env["HELM"] = path;
  const places = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: {{ .Values.password | swapcase | lower | trunc 18 }}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: x}
spec: {group: a.example.org, names: {kind: Made, plural: "{{ .Values.password }}"}}
---
apiVersion: a.example.org/v1
kind: Made
metadata: {name: d}
`;
  for (const refusal of ["", `{{ if ne .Values.password "${PASSWORD}" }}{{ fail "another" }}{{ end }}\n`]) {
    await commit(refusal + templates + places);
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const { rights, unknown } = await neededRights(project, cluster);
    expect(inClear(JSON.stringify([rights, unknown]))).toEqual([]);
    expect(JSON.stringify(rights)).not.toContain(PASSWORD.slice(0, 18));
    expect(unknown).not.toEqual([]);
    expect(rights).toContainEqual(expect.objectContaining({ namespace: "web", resource: "secrets" }));
  }
});

test.each(HELM_4)("an API that leads to another path is asked for nothing, with $label", async ({ path }) => {
  at.env["HELM"] = path;
  const odd = ["x/../../api/v1/namespaces/others/secrets", "v1/namespaces/others/services/evil:80/proxy", "..", "a?b"];
  await commit(odd.map((api) => `apiVersion: ${JSON.stringify(api)}\nkind: A\nmetadata: {name: a}\n`).join("---\n"));
  await using project = await at.open();
  await using cluster = await Cluster.connect(project, project.environment("staging"));
  await neededRights(project, cluster);
  const asked = at.kubernetes.requests.map(({ path: asking }) => asking);
  expect(asked.filter((asking) => /others|evil|^\/(?:api|apis)\/?$|\?b/.test(asking))).toEqual([]);
});

test.each(HELM_4)(
  "a plan and a template tell no kind that a chart makes of a secret, with $label",
  async ({ path }) => {
    at.env["HELM"] = path;
    const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: xs.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: X, plural: xs}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`;
    for (const refusal of ["", `{{ if ne .Values.password "${PASSWORD}" }}{{ fail "another" }}{{ end }}\n`]) {
      await commit(`${refusal + templates}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n`, {
        "app/crds/x.yaml": crd,
      });
      await using project = await at.open();
      await using cluster = await Cluster.connect(project, project.environment("staging"));
      const plan = await makePlan(project, cluster);
      expect(inClear(planText(plan) + JSON.stringify(plan))).toEqual([]);
      expect(plan.releases[0]?.changes.map(({ kind }) => kind)).toContain("ConfigMap");
      const shown = JSON.stringify(await template(project, project.environment("staging")));
      expect(inClear(shown)).toEqual([]);
      expect(shown).toContain("ConfigMap");
    }
  },
);

test("what nests without an end in the cluster is an error, in words", async () => {
  const data = `${"[".repeat(300)}${"]".repeat(300)}`;
  at.kubernetes.put({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "web", namespace: "web" },
    data: JSON.parse(data),
  });
  await using project = await at.open();
  await using cluster = await Cluster.connect(project, project.environment("staging"));
  expect(await errorOf(() => cluster.get("/api/v1/namespaces/web/configmaps/web"))).toMatchObject({
    code: "API_FAILED",
  });
});
