import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { apply, type ApplyOptions, type DeployEvent, makePlan, planRollback, rollBack } from "../src/releases/index.ts";
import { Cluster, type Project, type WritableCluster } from "../src/index.ts";
import type { RollbackOptions, RollbackPlanOptions } from "../src/releases/rollback.ts";
import { clusterWorld, type ClusterWorld, TOKEN } from "./cluster-world.ts";

/** What came of a run. */
export interface Outcome {
  readonly events: readonly DeployEvent[];
  readonly error: (Error & { code?: string; hint?: string }) | null;
}

type OnEvent = (event: DeployEvent) => void;

/** Listens to all that happens. */
export async function outcomeOf(run: AsyncIterable<DeployEvent>, onEvent?: OnEvent): Promise<Outcome> {
  const events: DeployEvent[] = [];
  try {
    for await (const event of run) {
      events.push(event);
      onEvent?.(event);
    }
    return { events, error: null };
  } catch (error) {
    return { events, error: error as Error };
  }
}

/** What happened, in short. */
export const names = ({ events }: Outcome): string[] =>
  events.map(({ event }) => event).filter((event) => event !== "progress");

/** A cluster world that is deployed to. */
export interface ApplyWorld extends ClusterWorld {
  within<T>(job: (project: Project, cluster: WritableCluster) => Promise<T>): Promise<T>;
  /** Plans and applies what is committed. */
  deploy(options?: ApplyOptions, onEvent?: OnEvent): Promise<Outcome>;
  rollBack(revision?: number, options?: RollbackOptions & RollbackPlanOptions, onEvent?: OnEvent): Promise<Outcome>;
  /** Helm's own revisions of the release: number and status. */
  history(): string[];
  /** Commits another image for the one Deployment. */
  commitImage(image: string): Promise<void>;
  /** The image of the one Deployment in the cluster. */
  image(): string | undefined;
  /**
   * The right to deploy as another run holds it that renewed it `age` seconds ago by its own clock,
   * for so many seconds (30).
   */
  putLease(holder: object, options: { readonly age: number; readonly seconds?: number }): void;
  /** What somebody else's Helm is started with. */
  readonly foreign: { readonly cwd: string; readonly env: NodeJS.ProcessEnv };
}

export async function applyWorld(): Promise<ApplyWorld> {
  const at = await clusterWorld();
  const within: ApplyWorld["within"] = async (job) => {
    await using project = await at.open();
    await using cluster = await Cluster.connectToChange(project, project.environment("staging"));
    return await job(project, cluster);
  };
  const kubeconfig = join(at.repository.folder, "kubeconfig");
  writeFileSync(kubeconfig, at.kubernetes.kubeconfig({ token: TOKEN }));
  const more: Omit<ApplyWorld, keyof ClusterWorld> = {
    within,
    foreign: { cwd: at.repository.path, env: { ...at.repository.env, KUBECONFIG: kubeconfig } },
    deploy: (options, onEvent) =>
      within(async (project, cluster) => {
        const plan = await makePlan(project, cluster);
        return await outcomeOf(apply(project, cluster, plan, { timeout: 20, ...options }), onEvent);
      }),
    rollBack: (revision, options = {}, onEvent = () => {}) =>
      within(async (project, cluster) => {
        async function* run(): AsyncGenerator<DeployEvent, void, undefined> {
          const plan = await planRollback(cluster, revision, { release: options.release });
          yield* rollBack(project, cluster, plan, options);
        }
        return await outcomeOf(run(), onEvent);
      }),
    history: () =>
      at.kubernetes
        .list("v1", "Secret", "web")
        .filter(({ type }) => type === "helm.sh/release.v1")
        .map(({ metadata }) => metadata.labels as Record<string, string>)
        .toSorted((a, b) => Number(a["version"]) - Number(b["version"]))
        .map(({ version, status }) => `${version} ${status}`),
    async commitImage(image) {
      at.repository.write("config/staging.yaml", `replicas: 1\nimage: ${image}\n`);
      await at.repository.commit(image);
    },
    putLease(holder, { age, seconds = 30 }) {
      const time = `${new Date(Date.now() - age * 1000).toISOString().slice(0, -1)}000Z`;
      at.kubernetes.put({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: {
          namespace: "default",
          name: "git-vault.web.app",
          annotations: { "git-vault/holder": JSON.stringify(holder) },
        },
        spec: { holderIdentity: "other", leaseDurationSeconds: seconds, acquireTime: time, renewTime: time },
      });
    },
    image: () =>
      /"image":"(?<image>[^"]*)"/.exec(JSON.stringify(at.kubernetes.get("apps/v1", "Deployment", "web", "web")) ?? "")
        ?.groups?.["image"],
  };
  return Object.assign(at, more);
}
