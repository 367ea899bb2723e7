import { readFileSync } from "node:fs";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { peer, type Repository, switchValue, throwawayRepository } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, type DeployError, Project } from "../src/index.ts";
import { inspectCertificates, inspectCredential, verifyEnvironment } from "../src/verify/index.ts";
import { inspectNodes } from "../src/nodes/index.ts";
import { makePlan } from "../src/releases/index.ts";
import { errorOf } from "./world.ts";

/** The path of a kubeconfig that names no other file. The cluster is only read from. */
const kubeconfig = switchValue("GIT_VAULT_CLUSTER") ?? "";
const helm = peer("helm4");
const NAMESPACE = switchValue("GIT_VAULT_CLUSTER_NAMESPACE") ?? "default";

/** Nobody has it. */
const RELEASE = "git-vault-is-only-tried";
const GREETING =
  "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: git-vault-greeting }\ndata: { greeting: {{ .Values.greeting }} }\n";

describe.skipIf(kubeconfig === "")("a real cluster, that of $GIT_VAULT_CLUSTER", () => {
  let repository: Repository;
  let project: Project;
  let cluster: Cluster;

  const settings = (pin: object): string =>
    JSON.stringify({
      chart: "app",
      environments: {
        real: { kubeconfig: "secrets/real-kubeconfig.yaml", namespace: NAMESPACE, release: RELEASE, ...pin },
      },
    });

  beforeAll(async () => {
    repository = await throwawayRepository();
    const key = generateKeyFile();
    const open = (): Promise<Project> =>
      Project.open({
        root: repository.path,
        key: { bytes: encodeKeyFile(key) },
        env: { HELM: helm.path, ...process.env },
      });
    repository.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
    repository.write("app/values.yaml", "greeting: hello\n");
    repository.write("app/templates/greeting.yaml", GREETING);
    repository.write("config/real.yaml", "greeting: good day\n");
    repository.write("secrets/real-kubeconfig.yaml", encryptBlob(key, readFileSync(kubeconfig)));
    repository.write("deploy.yaml", settings({}));
    await repository.commit("not pinned");
    const unpinned = await open();
    const error = await errorOf(() => Cluster.connect(unpinned, unpinned.environment("real")));
    await unpinned.close();
    const uid = /uid: ([\w-]+)/.exec((error as DeployError).hint ?? "")?.[1];
    if (uid === undefined) throw error;
    repository.write("deploy.yaml", settings({ cluster: { uid } }));
    await repository.commit("pinned");
    project = await open();
    cluster = await Cluster.connect(project, project.environment("real"));
  });
  afterAll(async () => {
    await cluster.close();
    await project.close();
    repository.remove();
  });

  test("has nodes, each of a pool or told as a stray", async () => {
    const { pools, strays } = await inspectNodes(cluster);
    const nodes = [...pools.flatMap((pool) => pool.nodes), ...strays];
    expect(nodes.length).toBeGreaterThan(0);
    for (const { used } of nodes) expect(used.pods).toBeGreaterThanOrEqual(0);
  });

  test("lets somebody in with a credential that has not ended", () => {
    const found = inspectCredential(project, project.environment("real"));
    expect(found?.findings.filter(({ message }) => message.includes("expired"))).toEqual([]);
  });

  test("has certificates and workloads that can be judged", async () => {
    for (const { host } of await inspectCertificates(cluster)) expect(host.namespace).toBe(NAMESPACE);
    const { environment, findings } = await verifyEnvironment(cluster);
    expect(environment).toBe("real");
    for (const finding of findings) expect(finding).toMatchObject({ environment: "real" });
  });

  test.skipIf(helm.missing && process.env["HELM"] === undefined)("can be planned for, and stays as it is", async () => {
    const plan = async (): Promise<unknown> => {
      const { releases } = await makePlan(project, cluster);
      return releases.map(({ revision, changes }) => [revision, changes.map(({ action, name }) => [action, name])]);
    };
    expect(await plan()).toEqual([[null, [["add", "git-vault-greeting"]]]]);
    expect(await plan()).toEqual([[null, [["add", "git-vault-greeting"]]]]);
  });
});
