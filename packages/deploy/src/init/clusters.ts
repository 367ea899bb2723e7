import { posix } from "node:path";
import type { EnvironmentSettings } from "../project/settings.ts";
import { at, listAt, textAt } from "../values/value.ts";
import { type Draft, labelOf } from "./draft.ts";

const CLUSTER = /^(.*\/)?([^/]+)\/cluster\.ya?ml$/;

/**
 * `CLUSTER/cluster.yaml` with a list of hubs, each with a chart and its files, as 2i2c's deployer
 * has them. Whether there are any.
 */
export function draftClusters(draft: Draft): boolean {
  const clusters = [...draft.paths].filter(
    (path) => CLUSTER.test(path) && listAt(draft.value(path), "hubs").some((hub) => textAt(hub, "helm_chart") !== ""),
  );
  for (const path of clusters) draftCluster(draft, path);
  const charts = [...draft.environments.values()].map(({ chart }) => chart);
  const [common] = [...new Set(charts)].toSorted((a, b) => count(charts, b) - count(charts, a));
  draft.chart = common;
  for (const [name, { chart, ...rest }] of draft.environments)
    draft.environments.set(name, chart === common ? rest : { ...rest, ...(chart === undefined ? {} : { chart }) });
  if (clusters.length > 0) draft.askForKubeconfigs("cluster.yaml");
  return clusters.length > 0;
}

const count = <T>(items: readonly T[], wanted: T): number => items.filter((item) => item === wanted).length;

function draftCluster(draft: Draft, path: string): void {
  const folder = posix.dirname(path);
  const value = draft.value(path);
  const cluster = textAt(value, "name") || posix.basename(folder);
  const filesOf = (of: unknown, whose: string): string[] =>
    draft.existing(
      listAt(of, "helm_chart_values_files").flatMap((file) =>
        typeof file === "string" ? posix.join(folder, file) : [],
      ),
      whose,
    );
  const names: string[] = [];
  for (const hub of listAt(value, "hubs")) {
    const name = textAt(hub, "name");
    const wanted = textAt(hub, "helm_chart");
    const chart = draft.charts.find((one) => posix.basename(one) === wanted);
    const key = labelOf(name.startsWith(cluster) ? name : `${cluster}-${name}`);
    if (name === "" || chart === undefined) {
      draft.ask(`${path}: the hub ${name} has the chart ${wanted}, which is not here`);
      continue;
    }
    const tier = /(?:^|-)staging$/.test(name) ? "staging" : /(?:^|-)prod(?:uction)?$/.test(name) ? "prod" : undefined;
    const settings: EnvironmentSettings = {
      ...(tier === undefined ? {} : { tier }),
      chart,
      namespace: labelOf(name),
      release: labelOf(name),
      layers: filesOf(hub, `the hub ${name} in ${path}`),
    };
    draft.environments.set(key, settings);
    names.push(key);
  }
  draft.take(`environments ${names.join(", ")}`, path);
  const support = draft.charts.find((one) => posix.basename(one) === "support");
  const files = filesOf(at(value, "support"), path);
  if (support === undefined || files.length === 0) return;
  // It is the cluster's, and no hub's.
  const key = labelOf(`${cluster}-support`);
  draft.environments.set(key, { chart: support, namespace: "support", release: "support", layers: files });
  draft.take(`environment ${key}`, `support in ${path}`);
}
