import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isOfPullRequest, secretsToMask } from "../src/ci/index.ts";
import { Cluster, Project, type ProjectOptions } from "../src/index.ts";
import { apply, isUnchanged, makePlan, type Plan, planMarkdown, planText } from "../src/releases/index.ts";
import { assertFresh } from "../src/releases/plan-binding.ts";
import type { EnvironmentSettings } from "../src/project/settings.ts";
import { StandIns } from "../src/secrets/stand-ins.ts";
import { applyWorld, type ApplyWorld, outcomeOf } from "./apply-world.ts";
import { HELM_4, PASSWORD, TOKEN } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

/*
 * A chart that is written to leak spends an object for each guess: whether it is there is a bit.
 * So a commit that nobody stands behind never gets the secrets.
 */

let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

interface Settings {
  readonly environments: { readonly staging: EnvironmentSettings };
}

/** Opens the project for the one who wrote the commit. */
const open = (secrets: ProjectOptions["secrets"] = "stand-ins"): Promise<Project> =>
  Project.open({ root: at.repository.path, key: at.key, env: at.env, secrets });

async function plan(secrets?: ProjectOptions["secrets"]): Promise<Plan> {
  await using project = await open(secrets);
  await using cluster = await Cluster.connect(project, project.environment("staging"));
  return await makePlan(project, cluster);
}

/** The names of what a plan makes. */
const made = ({ releases }: Plan): string[] => releases.flatMap(({ changes }) => changes.map(({ name }) => name));

const objectIf = (condition: string, name: string): string =>
  `{{ if ${condition} }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n{{ end }}\n`;

describe.each(HELM_4)("a plan with stand-ins alone, with $label", ({ path: helm, missing }) => {
  beforeEach(() => void (at.env["HELM"] = helm));

  test.skipIf(missing)("tells a chart that spends an object for each guess nothing", async () => {
    await at.deploy();
    // What somebody without the key can put beside the secret: a layer in plaintext.
    const layers = ["config/staging.yaml", "secrets/config/staging.yaml", "secrets/guess.yaml"];
    at.settings({ uid: at.kubernetes.identity }, { layers });
    at.repository.write("secrets/guess.yaml", `guess: ${PASSWORD}\n`);
    at.repository.write(
      "app/templates/guesses.yaml",
      [
        objectIf(`eq .Values.password "${PASSWORD}"`, "whole"),
        objectIf(".Values.password | eq .Values.guess", "beside"),
        objectIf('hasPrefix "canary" .Values.password', "start"),
        objectIf(`hasKey (lookup "v1" "Secret" "web" "web" | default dict) "data"`, "looked-up"),
        objectIf("eq (len .Values.password) 20", "shape"),
      ].join(""),
    );
    await at.repository.commit("guesses");
    // With the secrets, each guess is there, though its name is hidden where it depends on one.
    expect(made(await plan("real"))).toHaveLength(5);
    const alone = await plan();
    expect(made(alone)).toEqual(["shape"]);
    expect(planText(alone) + planMarkdown(alone) + JSON.stringify(alone)).not.toContain("canary");
  });

  test.skipIf(missing)("marks no guess as what runs", async () => {
    await at.deploy();
    const secret = (data: string): string =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData:\n${data}`;
    at.repository.write("app/templates/all.yaml", secret(`  password: ${PASSWORD}\n  other: other-guess-1234\n`));
    await at.repository.commit("a dictionary");
    const marks = (one: Plan): string[] => {
      const diff = one.releases[0]?.changes.find(({ kind }) => kind === "Secret")?.diff ?? "";
      return [...diff.matchAll(/^[ +-] +password: "?\[secret (\w+)\]/gm)].map(([line]) => line.trim().slice(-9));
    };
    // With the secrets, the guess is the same as what runs: nothing of it changes.
    expect(new Set(marks(await plan("real"))).size).toBe(1);
    expect(new Set(marks(await plan())).size).toBe(2);
  });

  test.skipIf(missing)("compares with what the running commit deploys, rendered in the same way", async () => {
    await at.deploy();
    const none = await plan();
    expect([isUnchanged(none), none.releases[0]?.unchanged, none.releases[0]?.hidden]).toEqual([true, 3, null]);
    at.repository.write("config/staging.yaml", "replicas: 7\n");
    await at.repository.commit("more");
    const changed = await plan();
    const text = planText(changed);
    expect(text).toContain("rendered with stand-ins for all secrets");
    expect(planMarkdown(changed)).toContain("rendered with stand-ins for all secrets");
    expect(text).toContain("0 added, 1 changed, 0 removed, 2 unchanged");
    expect(text).toContain("-  replicas: 1\n  +  replicas: 7\n");
    // A secret that the commit changes shows as changed, and as nothing else.
    at.encrypt("secrets/config/staging.yaml", "password: canary-second-99101\n");
    await at.repository.commit("another");
    const secret = await plan();
    expect(made(secret)).toEqual(["web", "web", "web"]);
    expect(planText(secret)).not.toMatch(/canary|99101/);
    const both = planText(secret);
    expect(both).toMatch(/-\s+url: https:\/\/web:\[secret \w+\]@db\n\s+\+\s+url: https:\/\/web:\[secret \w+\]@db/);
  });

  test.skipIf(missing)("is compared with what a rollback went back to", async () => {
    await at.deploy();
    await at.commitImage("web:2");
    await at.deploy();
    await at.rollBack(1);
    const back = await plan();
    expect(planText(back)).toMatch(/-\s+- image: web:1\n\s+\+\s+- image: web:2/);
  });

  test.skipIf(missing)("is compared by the settings that were given, which no commit has", async () => {
    const { environments } = JSON.parse(readFileSync(join(at.repository.path, "deploy.yaml"), "utf8")) as Settings;
    await at.repository.git("rm", "--quiet", "deploy.yaml");
    await at.repository.commit("no settings");
    const settings = { root: at.repository.path, key: at.key, env: at.env, chart: "app", environments };
    {
      await using real = await Project.open(settings);
      await using writable = await Cluster.connectToChange(real, real.environment("staging"));
      await outcomeOf(apply(real, writable, await makePlan(real, writable), { timeout: 20 }));
    }
    await using project = await Project.open({ ...settings, secrets: "stand-ins" });
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const [release] = (await makePlan(project, cluster)).releases;
    expect(release).toMatchObject({ changes: [], hidden: null });
  });

  test.skipIf(missing)("says where what runs cannot be rendered, and cannot be applied", async () => {
    await at.deploy();
    await at.repository.git("checkout", "--quiet", "--orphan", "other");
    await at.repository.commit("another history");
    await at.repository.git("branch", "-D", "main");
    await at.repository.git("reflog", "expire", "--expire=now", "--all");
    await at.repository.git("gc", "--quiet", "--prune=now");
    const alone = await plan();
    expect(alone.releases[0]?.hidden).toMatch(/^all is shown as new, .* its commit, \w{12}, is not here/);
    expect(planText(alone)).not.toContain("canary");
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    expect(await errorOf(() => assertFresh(project, cluster, alone))).toMatchObject({
      code: "STALE_PLAN",
      message: expect.stringContaining("stand-ins"),
    });
  });
});

describe("a project with stand-ins alone", () => {
  test("has no masks that tell what a file holds which the commit calls a kubeconfig", async () => {
    at.settings({ uid: at.kubernetes.identity }, { kubeconfig: "secrets/config/staging.yaml" });
    await at.repository.commit("an oracle");
    for (const secrets of ["real", "stand-ins"] as const) {
      await using project = await open(secrets);
      expect(secretsToMask(project).lines.has(PASSWORD)).toBe(secrets === "real");
    }
  });

  test("reads no encrypted file but kubeconfigs, whatever the commit takes it for", async () => {
    await at.repository.git("rm", "-q", "--cached", "secrets/config/staging.yaml");
    for (const place of ["app/values.yaml", "app/templates/x.yaml", "notes.txt", "schema.json"])
      at.encrypt(place, `password: ${PASSWORD}\nother:\n  - {token: "${PASSWORD}"}\n`);
    await at.repository.commit("copies");
    await using project = await open();
    const encrypted = [...project.files()].filter((file) => file.encrypted);
    expect(encrypted.length).toBeGreaterThanOrEqual(5);
    for (const file of encrypted) {
      expect(project.read(file).toString()).not.toMatch(/canary/);
      expect(project.readAuthentic(file).toString()).toMatch(/canary/);
    }
    for (const [, content] of project.readAll(encrypted)) expect(content.toString()).not.toContain("canary");
    for (const layer of project.layers()) for (const { text } of layer.scalars()) expect(text).not.toContain("canary");
    expect(JSON.stringify(project.environment("staging").values().value)).not.toContain("canary");
    expect(project.redactor.redact(`${PASSWORD} ${TOKEN}`)).toBe(`${PASSWORD} ${TOKEN}`);
  });

  test("gives equal secrets of two files different stand-ins, and of one file the same", async () => {
    at.encrypt("secrets/config/staging.yaml", `password: ${PASSWORD}\nagain: ${PASSWORD}\n`);
    at.encrypt("secrets/config/common.yaml", `common: ${PASSWORD}\n`);
    const layers = ["config/staging.yaml", "secrets/config/common.yaml", "secrets/config/staging.yaml"];
    at.settings({ uid: at.kubernetes.identity }, { layers });
    await at.repository.commit("equal");
    await using project = await open();
    const { password, again, common } = project.environment("staging").values().value;
    expect(again).toBe(password);
    expect(common).not.toBe(password);
  });
});

describe("a blind stand-in", () => {
  test.each([
    "c2VjcmV0IHRleHQgbnVtYmVyIG9uZQ==\ndG9wIHNlY3JldCB0ZXh0IG51bWJlciB0d28=\n",
    "-----BEGIN NOTE-----\nPassword: hunter2-is-real\n-----END NOTE-----\n",
    "a:hunter2-is-real\nb:hunter2-is-real\n",
  ])("keeps no value for a key or a header: %s", (text) => {
    const standIn = StandIns.blind().text(text);
    for (const word of text.match(/(?!-)[\w-]{12,}/g) ?? []) expect(standIn).not.toContain(word);
  });

  test("excludes nothing: in many runs each character of its kind comes, its own too", () => {
    const seen = new Set(Array.from({ length: 600 }, () => StandIns.blind().text("q")));
    expect([...seen].toSorted().join("")).toBe("abcdefghijklmnopqrstuvwxyz");
    const numbers = new Set(Array.from({ length: 300 }, () => StandIns.blind().number(7)));
    expect([...numbers].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const octets = new Set(Array.from({ length: 300 }, () => StandIns.blind().text("7.7.7.7").slice(0, 1)));
    expect(octets).toContain("7");
    expect(StandIns.blind().number(7e300)).toBe(1);
  });
});

describe("a job of CI", () => {
  test.each([
    [{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request" }, true],
    [{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request_target" }, true],
    [{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "issue_comment" }, true],
    [{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "workflow_run" }, true],
    [{ GITHUB_ACTIONS: "true" }, true],
    [{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push" }, false],
    [{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "schedule" }, false],
    [{ CI_MERGE_REQUEST_IID: "12" }, true],
    [{ TRAVIS_PULL_REQUEST: "false" }, false],
    [{ TRAVIS_PULL_REQUEST: "12" }, true],
    [{}, false],
  ])("%j is a pull request's: %j", (env, is) => {
    expect(isOfPullRequest(env)).toBe(is);
  });
});
