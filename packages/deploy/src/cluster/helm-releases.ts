import type { Api, KubernetesObject } from "./api.ts";
import { type HelmRecord, hooksText, readRecord, type ReleaseContent } from "./helm-record.ts";
import { DeployError } from "../errors.ts";
import type { ChartPlace, Helm } from "../helm/helm.ts";
import { documentsIn, isHook, readDocument } from "../helm/manifests.ts";
import { at, helmValues, listAt, readJson, type ValueMap } from "../values/value.ts";
import type { Release } from "../project/environment.ts";

/** A revision of a release in its cluster, as Helm's own record is labelled. */
export interface ReleaseRevision {
  readonly number: number;
  /** `deployed`, `superseded`, `failed`, `pending-upgrade`, … */
  readonly status: string;
  /** Of the record: a release that was removed and installed again has another. */
  readonly uid: string;
}

/** A revision, and what a run of ours found. */
export interface RecordedRevision extends ReleaseRevision {
  /** Whether all of it was once found ready. */
  readonly ready: boolean;
  /** What the run of ours that made it calls itself; null where none did. */
  readonly run: string | null;
}

/** Marks a revision that was found ready. Its value is the number, since labels inherit. */
export const READY_LABEL = "git-vault/ready";

/** Marks a revision of ours: `REVISION.RUN`, since later revisions inherit labels. */
const RUN_LABEL = "git-vault/run";

/** What Helm's record of a revision is labelled with tells of it. */
export function recordedRevision({ labels = {}, uid = "" }: KubernetesObject["metadata"]): RecordedRevision {
  const { version = "", status = "" } = labels;
  const made = labels[RUN_LABEL];
  return {
    number: Number(version),
    status,
    uid,
    ready: labels[READY_LABEL] !== undefined && labels[READY_LABEL] === version,
    run: made?.startsWith(`${version}.`) === true ? made.slice(version.length + 1) : null,
  };
}

/** The path of Helm's record of a revision, a Secret. Secrets are in it. */
export const recordPath = ({ name, namespace }: ReleaseName, revision: number): string =>
  `/api/v1/namespaces/${namespace}/secrets/sh.helm.release.v1.${name}.v${revision}`;

/** Where a release lies. */
export type ReleaseName = Pick<Release, "name" | "namespace">;

/** A release with its chart, and what stops Helm. */
export interface Rehearsal {
  readonly release: Release;
  readonly chart: ChartPlace;
  /** Instead of the release's own, over the chart's. */
  readonly values?: ValueMap | undefined;
  /** Whether templates find nothing in the cluster by `lookup`. */
  readonly blind?: boolean | undefined;
  /** Whether values need not be as the charts' JSON Schemas say. */
  readonly unjudged?: boolean | undefined;
  /** Whether objects need not be as the cluster's APIs say: that takes Helm most of its time. */
  readonly draft?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface UpgradeOptions extends Rehearsal {
  /** Tells in Helm's history where it comes from. */
  readonly description: string;
  /** What the run calls itself, and the number of the revision that it makes. */
  readonly run: string;
  readonly revision: number;
  /** In seconds, for each thing that Helm itself waits for, such as a hook. */
  readonly timeout: number;
  /** How many revisions Helm keeps. */
  readonly history: number;
  /** Whether Helm waits for the workloads, before it runs the hooks that come after. */
  readonly wait: boolean;
  readonly createNamespace: boolean;
}

interface RollbackOptions {
  readonly timeout: number;
  readonly history: number;
}

/**
 * Where Helm gets no values at all, it takes those of the release that runs, secrets among them,
 * unless it is told not to: what a commit gives is all that there is.
 */
const UPGRADE = ["upgrade", "--install", "--reset-values"];

/** The releases of a cluster, for who only reads. */
export class HelmReleases {
  protected readonly helm: Helm;
  readonly #api: Api;

  constructor(helm: Helm, api: Api) {
    this.helm = helm;
    this.#api = api;
  }

  /** @throws DeployError TOOL_MISSING, UNSUPPORTED_TOOL */
  version(): Promise<3 | 4> {
    return this.helm.version();
  }

  /** Ends what Helm still reads, and waits for it. */
  end(): Promise<void> {
    return this.helm.end();
  }

  /**
   * What Helm recorded of a revision. Helm is not started for it.
   *
   * @throws DeployError NO_SUCH_OBJECT where Helm has not kept it, TOOL_FAILED where it is none;
   * what reading from the cluster throws
   */
  async record(release: ReleaseName, revision: number, signal?: AbortSignal): Promise<HelmRecord> {
    const secret = await this.#api.get(recordPath(release, revision), { signal });
    if (secret !== null) return readRecord(secret);
    throw new DeployError("NO_SUCH_OBJECT", `Helm has no record of revision ${revision} of ${release.name}`);
  }

  /**
   * What Helm's history says of each revision that it has kept, such as `Rollback to 3`.
   *
   * @throws DeployError as {@link record} does
   */
  async descriptions({ name, namespace }: ReleaseName, signal?: AbortSignal): Promise<Map<number, string>> {
    const query = { labelSelector: `owner=helm,name=${name}` };
    const { items } = await this.#api.list(`/api/v1/namespaces/${namespace}/secrets`, { query, signal });
    return new Map(items.map((secret) => [recordedRevision(secret.metadata).number, readRecord(secret).description]));
  }

  /**
   * What an upgrade would make of a release, rehearsed against the cluster, which is not changed.
   * Where Helm refuses an upgrade, a first installation is rehearsed: with the cluster, where a
   * release is pending; without it, where the chart has kinds that another release is yet to bring.
   *
   * @throws DeployError TOOL_FAILED with Helm's reason, INTERRUPTED
   */
  async rehearse(
    { release, chart, values, blind = false, unjudged = false, draft = false, signal }: Rehearsal,
    as: "upgrade" | "install" | "install without cluster" = "upgrade",
  ): Promise<ReleaseContent> {
    const skip = unjudged && (await this.helm.skipsSchemas()) ? ["--skip-schema-validation"] : [];
    const what = [...this.what(release, chart), ...skip, ...(draft ? ["--disable-openapi-validation"] : [])];
    const input = helmValues(values ?? release.values().overrides);
    const run = (...args: readonly string[]): Promise<string> =>
      this.helm.run(args, `the release ${release.name} cannot be rehearsed`, { input, chart, meanwhile: true, signal });
    const withoutCluster = as === "install without cluster";
    // What Helm 3 installs must be of kinds that the cluster has, even in a dry run of the client.
    if (withoutCluster && (await this.version()) === 3) return contentOfTemplate(await run("template", ...what));
    const dryRun = `--dry-run=${blind || withoutCluster ? "client" : "server"}`;
    const command = as === "upgrade" ? UPGRADE : ["install"];
    return contentOf(parseJson(await run(...command, ...what, dryRun, "--output", "json")));
  }

  protected what({ name, namespace }: Release, chart: ChartPlace): string[] {
    return [name, chart.path, "--namespace", namespace, "--values", "-"];
  }
}

/** The releases of a cluster, for who changes them. */
export class WritableHelmReleases extends HelmReleases {
  /**
   * Installs or upgrades. Told to stop, Helm ends what it is at, records that it failed, and is
   * waited for.
   *
   * @throws DeployError TOOL_FAILED, INTERRUPTED
   */
  async upgrade(options: UpgradeOptions): Promise<void> {
    const { release, chart, description, timeout, history, wait, createNamespace, signal } = options;
    const args = [
      ...UPGRADE,
      ...this.what(release, chart),
      `--history-max=${history}`,
      `--timeout=${timeout}s`,
      `--description=${description}`,
      `--labels=${RUN_LABEL}=${options.revision}.${options.run}`,
      ...(wait ? ["--wait"] : []),
      ...(createNamespace ? ["--create-namespace"] : []),
      ...(await this.#takingBack()),
      // What it prints is not shown, and a chart's notes may hold secrets.
      "--output=json",
    ];
    const input = helmValues(release.values().overrides);
    await this.helm.run(args, `the release ${release.name} was not upgraded`, { input, chart, changes: true, signal });
  }

  /**
   * Makes an earlier revision the current one. It cannot be told to stop: Helm would die of it, and
   * leave the release half-way.
   *
   * @throws DeployError TOOL_FAILED
   */
  async rollBack(
    { name, namespace }: ReleaseName,
    revision: number,
    { timeout, history }: RollbackOptions,
  ): Promise<void> {
    const limits = ["--timeout", `${timeout}s`, "--history-max", `${history}`];
    const args = ["rollback", name, `${revision}`, "--namespace", namespace, ...limits, ...(await this.#takingBack())];
    await this.helm.run(args, `the release ${name} cannot be rolled back to revision ${revision}`, { changes: true });
  }

  /**
   * What was changed by hand becomes again what the chart says. Helm 3 does so by itself; Helm 4
   * refuses to change a field that somebody else has set since, and would stay refused for ever. A
   * release of Helm 3's is taken over by it.
   */
  async #takingBack(): Promise<string[]> {
    return (await this.version()) === 3 ? [] : ["--server-side=true", "--force-conflicts"];
  }

  /**
   * Removes a release and all that it made. It cannot be told to stop either. @throws DeployError
   * TOOL_FAILED
   */
  async remove({ name, namespace }: ReleaseName, { timeout }: Omit<RollbackOptions, "history">): Promise<void> {
    const args = ["uninstall", name, "--namespace", namespace, "--timeout", `${timeout}s`];
    await this.helm.run(args, `the release ${name} cannot be removed`, { changes: true });
  }
}

function parseJson(text: string): unknown {
  const printed = readJson(text);
  if (printed !== undefined) return printed;
  throw new DeployError("TOOL_FAILED", "expected JSON from Helm, got something else");
}

function contentOf(printed: unknown): ReleaseContent {
  const manifest = at(printed, "manifest");
  if (typeof manifest !== "string")
    throw new DeployError("TOOL_FAILED", "expected a release from Helm, got something else");
  return { manifest, hooks: hooksText(listAt(printed, "hooks")) };
}

/** What `helm template` prints has the hooks among the other objects. */
function contentOfTemplate(printed: string): ReleaseContent {
  const documents = documentsIn(printed).filter((document) => document.trim() !== "");
  const areHooks = documents.map((document) => readDocument(document).some(isHook));
  const text = (hooks: boolean): string =>
    documents
      .filter((_, index) => areHooks[index] === hooks)
      .map((document) => `---${document}`)
      .join("");
  return { manifest: text(false), hooks: text(true) };
}
