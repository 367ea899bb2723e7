import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseKeyFile, encodeKeyFile, generateKeyFile } from "@git-vault/git-crypt";
import { peer, runOk } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PlannedRelease } from "../src/releases/plan.ts";
import { assertFresh } from "../src/releases/plan-binding.ts";
import { Cluster, Project } from "../src/index.ts";
import type { EnvironmentSettings } from "../src/project/settings.ts";
import {
  isUnchanged,
  makePlan,
  type Plan,
  planMarkdown,
  planText,
  readPlan,
  writePlan,
} from "../src/releases/index.ts";
import { changesOf, clusterWorld, type ClusterWorld, HELMS, PASSWORD, TOKEN } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

let at: ClusterWorld;
beforeEach(async () => {
  at = await clusterWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

/** Does something with the project at HEAD and its cluster. */
async function within<T>(job: (project: Project, cluster: Cluster) => Promise<T>): Promise<T> {
  await using project = await at.open();
  await using cluster = await Cluster.connect(project, project.environment("staging"));
  return await job(project, cluster);
}

const plan = (): Promise<Plan> => within(makePlan);

/** Deploys what is committed, with Helm alone, as somebody else would. */
async function deploy(helm: string, ...more: string[]): Promise<void> {
  const kubeconfig = `${at.repository.folder}/kubeconfig`;
  writeFileSync(kubeconfig, at.kubernetes.kubeconfig({ token: TOKEN }));
  const values = ["-f", "config/staging.yaml", "--set", `password=${PASSWORD}`, ...more];
  await runOk(helm, ["upgrade", "--install", "app", "app", "-n", "web", "--create-namespace", ...values], {
    cwd: at.repository.path,
    env: { ...at.repository.env, KUBECONFIG: kubeconfig },
  });
}

describe.each(HELMS)("a plan with $label", ({ path: helm, missing }) => {
  test.skipIf(missing).each([
    ["metadata:\n  name: hook\n  annotations:\n    helm.sh/hook: post-upgrade\n", true],
    ['metadata: {"name": "hook", "annotations": {"helm.sh/hook": "test,post-install"}}\n', true],
    ['metadata: {"name": "hook", "annotations": {"helm.sh/hook": "pre-upgrade"}}\n', false],
  ])("tells of a hook whether it comes after the upgrade, however it is written: %s", async (metadata, isAfter) => {
    at.env["HELM"] = helm;
    at.repository.write("app/templates/hook.yaml", `apiVersion: v1\nkind: ConfigMap\n${metadata}`);
    await at.repository.commit("a hook");
    const { releases } = await plan();
    expect(releases[0]).toMatchObject({ hooks: 1, hooksAfter: isAfter });
  });

  test.skipIf(missing)("tells what is added, what changes and what is removed, and no secret", async () => {
    at.env["HELM"] = helm;
    const first = await plan();
    expect(first.releases[0]).toMatchObject({
      name: "app",
      namespace: "web",
      revision: null,
      unchanged: 0,
      halfWay: null,
    });
    expect(first.releases[0]?.changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)).toEqual([
      "add Secret web",
      "add ConfigMap web",
      "add Deployment web",
    ]);
    expect(at.kubernetes.list("v1", "Secret")).toEqual([]);
    expect(changesOf(at.kubernetes)).toEqual([]);

    await deploy(helm);
    const none = await plan();
    expect(isUnchanged(none)).toBe(true);
    expect(none.releases[0]).toMatchObject({ revision: { number: 1, status: "deployed" }, unchanged: 3 });

    at.repository.write("config/staging.yaml", "replicas: 3\n");
    at.encrypt("secrets/config/staging.yaml", "password: canary-second-9910\n");
    at.repository.write("app/templates/more.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n");
    await at.repository.commit("changes");
    const changed = await plan();
    const text = planText(changed);
    expect(text).toContain("1 added, 3 changed, 0 removed, 0 unchanged");
    expect(text).toContain("  -  replicas: 1\n  +  replicas: 3\n");
    const [secret] = changed.releases[0]?.changes.filter(({ kind }) => kind === "Secret") ?? [];
    expect(secret?.diff).toMatch(/-  password: "?\[secret [0-9a-f]{8}\]"?\n\+  password: "?\[secret [0-9a-f]{8}\]/);
    expect(text).toMatch(/url: https:\/\/web:\[secret [0-9a-f]{8}\]@db/);
    for (const shown of [text, planMarkdown(changed), JSON.stringify(changed)]) {
      expect(shown).not.toContain("canary");
      expect(shown).not.toContain(Buffer.from(PASSWORD).toString("base64").slice(0, 20));
    }
  });
});

const MOTTO =
  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  greeting: {{ .Values.greeting }}\n  motto: {{ .Values.motto | quote }}\n";

describe.skipIf(peer("helm4").missing)("a plan", () => {
  test("hides what was secret where it was deployed, though no commit says so any more", async () => {
    await deploy(at.env["HELM"] ?? "", "--set", "token=canary-old-token");
    at.repository.write(
      "app/templates/old.yaml",
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\ndata: {a: {{ .Values.token | default "none" }}}\n',
    );
    await at.repository.commit("a template");
    await deploy(at.env["HELM"] ?? "", "--set", "token=canary-old-token");
    const { releases } = await plan();
    expect(releases[0]?.changes.map(({ name, action }) => `${action} ${name}`)).toEqual(["change old"]);
    expect(releases[0]?.changes[0]?.diff).toContain("[secret ");
    expect(JSON.stringify(releases)).not.toContain("canary");
  });

  test.each([
    ["the chart's own value", "app/values.yaml", "greeting: hello\nmotto: some default\n"],
    ["an empty value", "config/staging.yaml", 'greeting: good day\nmotto: ""\n'],
    ["a placeholder", "config/staging.yaml", "greeting: good day\nmotto: changeme\n"],
  ])("hides what a secret layer no longer sets, where %s stands in its place", async (_, path, content) => {
    at.repository.write("app/templates/all.yaml", MOTTO);
    at.repository.write("app/values.yaml", "greeting: hello\nmotto: some default\n");
    at.repository.write("config/staging.yaml", "greeting: good morning\n");
    at.encrypt("secrets/config/staging.yaml", "motto: canary in a coal mine\n");
    await at.repository.commit("a secret that does not look like one");
    await deploy(at.env["HELM"] ?? "", "--set", "motto=canary in a coal mine,greeting=good morning");
    at.encrypt("secrets/config/staging.yaml", "other: value\n");
    at.repository.write(path, content);
    await at.repository.commit("the secret is gone");
    const { releases } = await plan();
    const text = releases.flatMap(({ changes }) => changes.map(({ diff }) => diff)).join("\n");
    expect(text).not.toContain("canary");
    expect(text).toMatch(/-  motto: "?\[secret /);
    // What a plain layer sets is shown as it was.
    expect(text.includes("-  greeting: good morning")).toBe(path === "config/staging.yaml");
  });

  test("is a file that shows whether it was changed", async () => {
    await within(async (project, cluster) => {
      const made = await makePlan(project, cluster);
      const file = writePlan(project, made);
      expect(readPlan(project, file)).toEqual(made);
      for (const text of ["", "{}", file.replace('"app"', '"apq"'), file.replace(/"seal": "../, '"seal": "zz')])
        expect(await errorOf(() => readPlan(project, text))).toMatchObject({ code: "MALFORMED_PLAN" });
    });
  });

  test("is stale once the commit or the release is another", async () => {
    const made = await plan();
    const check = (): Promise<unknown> =>
      errorOf(() => within((project, cluster) => assertFresh(project, cluster, made)));
    await within((project, cluster) => assertFresh(project, cluster, made));
    await at.repository.git("commit", "--quiet", "--allow-empty", "--message", "other");
    expect(await check()).toMatchObject({ code: "STALE_PLAN", message: expect.stringContaining("commit") });
    await at.repository.git("reset", "--quiet", "--hard", "HEAD^");
    await within((project, cluster) => assertFresh(project, cluster, made));
    await deploy(at.env["HELM"] ?? "");
    expect(await check()).toMatchObject({ code: "STALE_PLAN", message: expect.stringContaining("somebody else") });
  });

  test("is stale wherever what it is bound to is another", async () => {
    const made = await plan();
    const [release] = made.releases;
    if (release === undefined) throw new Error("expected a release");
    const other = (part: Partial<PlannedRelease>): Partial<Plan> => ({ releases: [{ ...release, ...part }] });
    const chart = { ...release.chart, archives: { "app/charts/hub-1.0.0.tgz": "0".repeat(64) } };
    const others: [Partial<Plan>, string][] = [
      [{ environment: "prod" }, "it is for prod, and not for staging"],
      [{ cluster: "00000000-0000-0000-0000-000000000000" }, "it was made for another cluster"],
      [{ commit: "0".repeat(40) }, `it was made for the commit 000000000000, and this is ${made.commit.slice(0, 12)}`],
      [
        { helm: made.helm === 3 ? 4 : 3 },
        `it was made with Helm ${made.helm === 3 ? 4 : 3}, and this is Helm ${made.helm}`,
      ],
      [{ releases: [] }, "it has other releases"],
      [other({ namespace: "elsewhere" }), "it has other releases"],
      [
        other({ revision: { number: 1, status: "deployed", uid: "u" } }),
        "somebody else changed the release app: it was 1, and is not there",
      ],
      [other({ chart }), "the chart of app is another"],
      [other({ chart: { ...release.chart, version: "1.0.1" } }), "the chart of app is another"],
      [other({ values: "0".repeat(64) }), "the values of app are others"],
    ];
    await within(async (project, cluster) => {
      for (const [part, what] of others) {
        const error = await errorOf(() => assertFresh(project, cluster, { ...made, ...part }));
        expect(error).toMatchObject({ code: "STALE_PLAN", message: `the plan is stale: ${what}` });
      }
    });
  });

  test("is stale where a program of one's own gives the same commit other values, and tells no secret", async () => {
    // By the command, values come from the commit alone. A program may name the layers, as by a
    // variable of its environment.
    at.encrypt("secrets/config/blue.yaml", "password: canary-blue-4410\n");
    at.encrypt("secrets/config/green.yaml", "password: canary-green-8823\n");
    await at.repository.commit("two colours");
    const as = async <T>(colour: string, job: (project: Project, cluster: Cluster) => Promise<T>): Promise<T> => {
      const { environments } = JSON.parse(readFileSync(join(at.repository.path, "deploy.yaml"), "utf8")) as {
        environments: { staging: EnvironmentSettings };
      };
      const layers = ["config/staging.yaml", `secrets/config/${colour}.yaml`];
      await using project = await Project.open({
        root: at.repository.path,
        key: at.key,
        env: at.env,
        chart: "app",
        environments: { staging: { ...environments.staging, layers } },
      });
      await using cluster = await Cluster.connect(project, project.environment("staging"));
      return await job(project, cluster);
    };
    const file = await as("blue", async (project, cluster) => writePlan(project, await makePlan(project, cluster)));
    const check = (colour: string): Promise<unknown> =>
      as(colour, (project, cluster) => assertFresh(project, cluster, readPlan(project, file)));
    await check("blue");
    const error = await errorOf(() => check("green"));
    expect(error).toMatchObject({ code: "STALE_PLAN", message: "the plan is stale: the values of app are others" });
    expect(`${file} ${JSON.stringify(error)}`).not.toContain("canary");
  });

  test("is refused by who has another key, though that opens the same files", async () => {
    const file = await within(async (project, cluster) => writePlan(project, await makePlan(project, cluster)));
    const { name, entries, skipped, legacy } = parseKeyFile(at.key.bytes);
    const newer = generateKeyFile().entries.map((entry) => Object.assign(entry, { version: 1 }));
    const key = { bytes: encodeKeyFile({ name, skipped, legacy, entries: [...newer, ...entries] }) };
    await using project = await Project.open({ root: at.repository.path, key, env: at.env });
    expect(project.redactor.redact(PASSWORD)).toBe("[secret]");
    expect(await errorOf(() => readPlan(project, file))).toMatchObject({
      code: "MALFORMED_PLAN",
      message: "the plan was changed after it was made, or made with another key",
    });
  });

  test("has the releases beside the main one, in their order", async () => {
    at.repository.write("dns/Chart.yaml", "apiVersion: v2\nname: dns\nversion: 2.0.0\n");
    at.repository.write(
      "dns/templates/x.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dns}\ndata: {zone: {{ .Values.zone }}}\n",
    );
    at.repository.write("config/dns.yaml", "zone: example\n");
    const dns = { chart: "dns", layers: ["config/dns.yaml"], namespace: "kube-system" };
    at.settings(
      undefined,
      {},
      { releases: { dns, late: { ...dns, when: "after" }, other: { ...dns, environments: [] } } },
    );
    await at.repository.commit("dns");
    const { releases } = await plan();
    expect(releases.map(({ name, chart }) => `${name} ${chart.version}`)).toEqual([
      "dns 2.0.0",
      "app 1.0.0",
      "late 2.0.0",
    ]);
    expect(releases[0]?.changes[0]?.diff).toContain("zone: example");
  });

  test("of a chart that is refused asks the cluster nothing, so that no Helm outlives its kubeconfig", async () => {
    at.repository.write("app/values.schema.json", '{"$ref":"http://127.0.0.2:9/x"}');
    await at.repository.commit("a schema over the network");
    await within(async (project, cluster) => {
      const before = at.kubernetes.requests.length;
      expect(await errorOf(() => makePlan(project, cluster))).toMatchObject({ code: "FOREIGN_SCHEMA" });
      // Whatever was asked before is answered before this.
      await cluster.revisions({ name: "another", namespace: "web" });
      expect(at.kubernetes.requests.slice(before).map(({ path }) => path)).toEqual([
        expect.stringContaining("another"),
      ]);
    });
  });

  test("tells Helm's reason where the chart cannot be rendered, without secrets", async () => {
    at.repository.write("app/templates/bad.yaml", "{{ fail .Values.password }}\n");
    await at.repository.commit("bad");
    const error = await errorOf(plan);
    expect(error).toMatchObject({ code: "TOOL_FAILED" });
    expect(error.message).toContain("depends on a secret, and is not shown");
    expect(error.message).not.toContain("canary");
  });
});
