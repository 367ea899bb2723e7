import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runChecks } from "../src/checks/index.ts";
import { makePlan, planText } from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld, type Outcome } from "./apply-world.ts";
import { HELM_3, HELM_4 } from "./cluster-world.ts";
import { commitForms, CONFIG_MAP, said, SECRETS } from "./taint-world.ts";
import { errorOf } from "./world.ts";

/*
 * What the cluster says in a deployment: it refuses, its events and logs quote what the chart made
 * of secrets. Nothing of that is told, whatever the templates made of it.
 */

/** That of an object with a part of the secret in it. */
const OWN_NAME = /\/configmaps\/named-canaryhor$/;

/** Whose own name, and image, are made of a secret. */
const WORKLOAD = `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-{{ .Values.plain | sha256sum | trunc 8 }}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {greeting: {{ .Values.greeting }}}}
    spec: {containers: [{name: web, image: {{ .Values.image }}, args: [{{ .Values.plain | snakecase | swapcase }}]}]}
`;

let at: ApplyWorld;
let forms: string[];
/** Some of them, in the words of a cluster. */
let quoted: string[];

beforeEach(async () => {
  at = await applyWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

async function begin(helm: string): Promise<void> {
  at.env["HELM"] = helm;
  // What a hook waits for is not what this is about.
  await commitForms(at, CONFIG_MAP.replace(/---\napiVersion: batch\/v1[\s\S]*?(?=\{\{ if)/, "") + WORKLOAD);
  const all = await said(at);
  // Made at random, at each rendering again.
  all.delete("shuffled");
  forms = [...all.values()].flatMap((text) => text.split("\n").map((line) => line.trim())).filter(isTelling);
  quoted = [];
  for (let from = 0; from < forms.length; from += 8) quoted.push(forms.slice(from, from + 8).join(" | "));
}

/** What is shorter cannot be told from other words. */
const isTelling = (text: string): boolean => text.length >= 4;

const inClear = (told: string): string[] => forms.filter((form) => told.includes(form));

const toldBy = ({ events, error }: Outcome): string => JSON.stringify(events) + String(error?.message) + error?.hint;

describe.each([...HELM_3, ...HELM_4])("with $label", ({ path: helm, missing }) => {
  test.skipIf(missing)("what a cluster refuses is told in its words, without what depends on a secret", async () => {
    await begin(helm);
    const refuse = (message: string, on: RegExp, ...methods: readonly string[]): void => {
      at.kubernetes.faults.length = 0;
      for (const method of methods)
        at.kubernetes.faults.push({
          fault: "status",
          code: 422,
          reason: "Invalid",
          message: `says the cluster: ConfigMap "forms" is invalid: data.a: Invalid value: ${JSON.stringify(message)}: must be open`,
          on,
          method,
        });
    };
    const message = quoted.join(" | ").slice(0, 1500);
    // A rehearsal asks for what is there already.
    refuse(message, OWN_NAME, "GET");
    const planned = await errorOf(() =>
      at.within(async (project, cluster) => planText(await makePlan(project, cluster))),
    );
    expect(inClear(planned.message)).toEqual([]);
    // Helm 3 asks the same without its cluster, and so fails again.
    expect(planned.message).toMatch(/says the cluster|depends on a secret/);
    at.kubernetes.faults.length = 0;
    const outcome = await at.deploy({}, (event) => {
      if (event.event === "upgrading") refuse(message, /\/configmaps/, "POST", "PATCH");
    });
    expect(inClear(toldBy(outcome))).toEqual([]);
    expect(outcome.error?.message).toContain("says the cluster");
  });

  test.skipIf(missing)("what pods say is told, without what depends on a secret, in a rollback as well", async () => {
    await begin(helm);
    const good = await at.deploy();
    expect(good.error).toBeNull();
    expect(inClear(toldBy(good))).toEqual([]);
    at.repository.write("config/staging.yaml", "greeting: good-day\nimage: web:2\n");
    at.encrypt("secrets/config/staging.yaml", JSON.stringify({ ...SECRETS, plain: "anothersecrettext" }));
    await at.repository.commit("another");
    expect((await at.deploy()).error).toBeNull();
    const logs = [...quoted.slice(0, 4), "the last line"];
    at.kubernetes.podRules.push({ becomes: "CrashLoopBackOff", message: quoted.slice(4).join(" "), logs });
    const back = await at.rollBack(1, { timeout: 3 });
    expect(back.error).toMatchObject({ code: "ROLLOUT_FAILED" });
    const told = toldBy(back);
    expect(told).toContain("the last line");
    expect(inClear(told)).toEqual([]);
    // The first revision's name was made of its secret.
    expect(told).not.toMatch(/web-[0-9a-f]{8}\b/);
  });
});

test.each(HELM_4)("what check finds is told without what depends on a secret, with $label", async ({ path: helm }) => {
  await begin(helm);
  at.repository.write(
    "app/templates/more.yaml",
    `apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: "{{ .Values.plain | b64enc | lower | trunc 12 }}"}
spec: {tls: [{hosts: ["{{ .Values.plain | upper | lower | trunc 11 }}.example.org"]}], rules: []}
---
apiVersion: v1
kind: Pod
metadata: {name: "pod-{{ .Values.plain | sha256sum | trunc 9 }}"}
spec: {containers: [{name: "{{ .Values.plain | trunc 9 }}", image: "{{ .Values.password }}/web"}]}
`,
  );
  await at.repository.commit("more");
  const findings = await at.within(async (project) => {
    const all = [];
    for await (const finding of runChecks(project)) all.push(finding);
    return all;
  });
  const told = JSON.stringify(findings.map(({ message, hint }) => `${message} ${hint}`));
  expect(told).toMatch(/Pod pod-\[secret\]/);
  expect(inClear(told)).toEqual([]);
  for (const name of [/canaryhor/i, /y2fuyxj5/i, /pod-[0-9a-f]{9}/]) expect(told).not.toMatch(name);
});
