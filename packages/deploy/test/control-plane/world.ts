import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { type Repository, throwawayRepository } from "@git-vault/testkit";
import type { KubernetesCredentials } from "@git-vault/testkit/kubernetes";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { Cluster, Project, type WritableCluster } from "../../src/index.ts";
import {
  apply,
  type ApplyOptions,
  type DeployEvent,
  makePlan,
  planRollback,
  rollBack,
} from "../../src/releases/index.ts";
import type { RollbackOptions } from "../../src/releases/rollback.ts";
import { outcomeOf, type Outcome } from "../apply-world.ts";
import { CHART, PASSWORD } from "../cluster-world.ts";

/** A repository that deploys the release `app` to a namespace of its own of a control plane. */
export interface ControlPlaneWorld extends Disposable {
  readonly plane: ControlPlane;
  readonly repository: Repository;
  readonly namespace: string;
  readonly env: Record<string, string>;
  readonly key: { readonly bytes: Buffer };
  /** Deploys as another user from now on. */
  signIn(credentials: KubernetesCredentials): Promise<void>;
  open(): Promise<Project>;
  within<T>(job: (project: Project, cluster: WritableCluster) => Promise<T>): Promise<T>;
  /** Plans and applies what is committed. */
  deploy(options?: ApplyOptions, onEvent?: (event: DeployEvent) => void): Promise<Outcome>;
  rollBack(revision?: number, options?: RollbackOptions): Promise<Outcome>;
  /** Commits another image for the one Deployment. */
  commitImage(image: string): Promise<void>;
  /** Commits other values for the one Deployment and its ConfigMap. */
  commitValues(values: { readonly image: string; readonly greeting: string }): Promise<void>;
  /** Those that were committed last. */
  values(): { readonly image: string; readonly greeting: string };
  /** Writes the settings, with what the environment has beside the usual. */
  settings(more?: object): void;
  /** The text of the chart's template. */
  chart(): string;
  /** Commits a file more of the chart. */
  commitTemplate(name: string, text: string): Promise<void>;
  /** Helm's own revisions of the release: number and status. */
  history(): Promise<string[]>;
  /** What lies at a path in the namespace, such as `v1/secrets/web`; null for nothing. */
  // oxlint-disable-next-line typescript/no-explicit-any -- an object of Kubernetes
  get(path: string): Promise<any>;
  /** The image of the one Deployment, and how many of its pods are available. */
  running(): Promise<{ image: string; available: number }>;
}

let count = 0;

/** Who deploys may do everything there. */
export async function controlPlaneWorld(plane: ControlPlane, helm: string): Promise<ControlPlaneWorld> {
  const repository = await throwawayRepository();
  const keyFile = generateKeyFile();
  const key = { bytes: encodeKeyFile(keyFile) };
  let values = { image: "web:1", greeting: "hello" };
  const namespace = `web-${process.pid}-${++count}`;
  const env = { ...repository.env, HELM: helm };
  const pathOf = (path: string): string => {
    const [group, version, ...rest] = path.split("/");
    const isCore = group === "v1";
    const api = isCore ? "/api/v1" : `/apis/${group}/${version}`;
    return `${api}/namespaces/${namespace}/${(isCore ? [version, ...rest] : rest).join("/")}`;
  };
  const get: ControlPlaneWorld["get"] = async (path) => {
    const { status, body } = await plane.ask("GET", pathOf(path));
    return status === 404 ? null : body;
  };
  const open = (): Promise<Project> => Project.open({ root: repository.path, key, env });
  const within: ControlPlaneWorld["within"] = async (job) => {
    await using project = await open();
    await using cluster = await Cluster.connectToChange(project, project.environment("staging"));
    return await job(project, cluster);
  };
  for (const [path, content] of Object.entries(CHART)) repository.write(path, content);
  repository.write("config/staging.yaml", "replicas: 1\n");
  repository.write("secrets/config/staging.yaml", encryptBlob(keyFile, Buffer.from(`password: ${PASSWORD}\n`)));
  const useCredentials = (credentials: KubernetesCredentials): void => {
    const kubeconfig = encryptBlob(keyFile, Buffer.from(plane.kubeconfig(credentials)));
    repository.write("secrets/kubeconfig.yaml", kubeconfig);
  };
  useCredentials({ token: plane.token });
  const staging = {
    kubeconfig: "secrets/kubeconfig.yaml",
    layers: ["config/staging.yaml", "secrets/config/staging.yaml"],
    release: "app",
    namespace,
    cluster: { uid: plane.identity },
  };
  const settings: ControlPlaneWorld["settings"] = (more) => {
    const environments = { staging: { ...staging, ...more } };
    repository.write("deploy.yaml", JSON.stringify({ chart: "app", environments }));
  };
  settings();
  await repository.commit("all");
  const world: ControlPlaneWorld = {
    plane,
    repository,
    namespace,
    env,
    key,
    values: () => values,
    settings,
    chart: () => CHART["app/templates/all.yaml"] ?? "",
    async signIn(credentials) {
      useCredentials(credentials);
      await repository.commit("another user");
    },
    open,
    within,
    get,
    deploy: (options, onEvent) =>
      within(async (project, cluster) => {
        const plan = await makePlan(project, cluster);
        return await outcomeOf(apply(project, cluster, plan, { timeout: 60, ...options }), onEvent);
      }),
    rollBack: (revision, options = {}) =>
      within(async (project, cluster) => {
        async function* run(): AsyncGenerator<DeployEvent, void, undefined> {
          yield* rollBack(project, cluster, await planRollback(cluster, revision), { timeout: 60, ...options });
        }
        return await outcomeOf(run());
      }),
    async commitValues(others) {
      values = others;
      repository.write("config/staging.yaml", JSON.stringify({ replicas: 1, ...values }));
      await repository.commit(values.image);
    },
    commitImage: (image) => world.commitValues({ ...values, image }),
    async commitTemplate(name, text) {
      repository.write(`app/${name}`, text);
      await repository.commit(name);
    },
    async history() {
      const { items } = await get("v1/secrets?labelSelector=owner=helm");
      const labels: Record<string, string>[] = items.map(
        (one: { metadata: { labels: object } }) => one.metadata.labels,
      );
      return labels
        .toSorted((a, b) => Number(a["version"]) - Number(b["version"]))
        .map(({ version, status }) => `${version} ${status}`);
    },
    async running() {
      const deployment = await get("apps/v1/deployments/web");
      return {
        image: deployment.spec.template.spec.containers[0].image,
        available: deployment.status.availableReplicas ?? 0,
      };
    },
    [Symbol.dispose]: () => repository.remove(),
  };
  return world;
}
