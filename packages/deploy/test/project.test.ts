import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { peer, type Repository, throwawayRepository } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../src/index.ts";

const key = generateKeyFile();
const KEY = { bytes: encodeKeyFile(key) };
const helm4 = peer("helm4");
let repository: Repository;

beforeAll(async () => {
  repository = await throwawayRepository();
  repository.write("mybinder/Chart.yaml", "apiVersion: v2\nname: mybinder\nversion: 1.0.0\n");
  repository.write("mybinder/values.yaml", "hub:\n  replicas: 1\n  cookie: none\n");
  repository.write(
    "mybinder/templates/secret.yaml",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: hub\nstringData:\n  cookie: {{ .Values.hub.cookie }}\n",
  );
  repository.write("config/staging.yaml", "hub:\n  replicas: 2\n");
  repository.write("config/prod.yaml", "hub:\n  replicas: 5\n");
  repository.write("secrets/config/staging.yaml", encryptBlob(key, Buffer.from("hub:\n  cookie: canary-staging\n")));
  repository.write("secrets/config/prod.yaml", encryptBlob(key, Buffer.from("hub:\n  cookie: canary-prod\n")));
  await repository.commit("all");
});
afterAll(() => repository.remove());

describe("a project in the usual layout", () => {
  test("has its environments, staging first, and their layers", async () => {
    await using project = await Project.open({ root: repository.path, key: KEY, env: repository.env });
    expect(project.environments.map(({ name, tier }) => `${name} ${tier}`)).toEqual(["staging staging", "prod prod"]);
    expect(project.environment("prod").main.layers.map(({ path, secret }) => `${path} ${secret}`)).toEqual([
      "mybinder/values.yaml false",
      "config/prod.yaml false",
      "secrets/config/prod.yaml true",
    ]);
  });

  test("merges the layers, and knows where values come from", async () => {
    await using project = await Project.open({ root: repository.path, key: KEY, env: repository.env });
    const values = project.environment("prod").values();
    expect(values.value).toEqual({ hub: { replicas: 5, cookie: "canary-prod" } });
    expect(values.withoutSecrets).toEqual({ hub: { replicas: 5, cookie: "[secret]" } });
    const explained = values.explain(["hub", "replicas"]);
    expect(explained?.settings.map(({ layer, entry }) => `${layer.path}:${entry.position.line}`)).toEqual([
      "config/prod.yaml:2",
      "mybinder/values.yaml:2",
    ]);
  });

  test.skipIf(helm4.missing)(`is rendered by ${helm4.label}`, async () => {
    const env = { ...repository.env, HELM: helm4.path };
    await using project = await Project.open({ root: repository.path, key: KEY, env });
    const [secret] = await project.environment("staging").render();
    expect(secret).toMatchObject({ kind: "Secret", name: "hub", source: "mybinder/templates/secret.yaml" });
    expect(secret?.object["stringData"]).toEqual({ cookie: "canary-staging" });
  });
});
