import { push } from "@git-vault/core";
import { usualKubeconfig } from "../project/settings.ts";
import { type Draft, labelOf } from "./draft.ts";
import { takeMainChart } from "./main-chart.ts";

const CONFIG = /^(secrets\/)?config\/([a-z0-9][a-z0-9-]*)\.ya?ml$/;
const COMMON = /^(?:secrets\/)?config\/common(?:\.ya?ml|\/[^/]+\.ya?ml)$/;
const SYSTEM = /^(?:secrets\/)?[a-z-]*system[a-z-]*\/([a-z0-9-]+)\/([a-z0-9-]+)\.ya?ml$/;
/** Where files of sops lie, whose names say in any way that they are secret. */
const OF_SOPS = /^(?:config|secrets|config\/secrets|secrets\/config)\/([^/]+)\.(?:ya?ml|json)$/;
const SECRET_WORD = /^(?:enc|encrypted|sops|secrets?)[._-]|[._-](?:enc|encrypted|sops|secrets?)$/;

/** Of the usual layout: what all environments have, and two of them. */
const USUAL_NAME = /^(?:common|staging|prod|production)$/;

/** `prod`, of `config/prod.enc.yaml` or `config/secrets.prod.yaml`; null for other files. */
function nameOfSops(draft: Draft, path: string): string | null {
  let name = OF_SOPS.exec(path)?.[1] ?? "";
  if (name === "" || !draft.isOfSops(path)) return null;
  while (SECRET_WORD.test(name)) name = name.replace(SECRET_WORD, "");
  return /^[a-z0-9][a-z0-9-]*$/.test(name) ? name : null;
}

/**
 * The files of each environment, by its name: those for all are under `common`. A file of sops is
 * one of an environment that something else speaks of, where anything does.
 */
function filesByName(draft: Draft): Map<string, string[]> {
  const named = new Map<string, string[]>();
  const ofSops: [string, string][] = [];
  for (const path of draft.paths) {
    const name = CONFIG.exec(path)?.[2];
    const secretName = nameOfSops(draft, path);
    if (secretName !== null) ofSops.push([secretName, path]);
    else if (name !== undefined) push(named, name, path);
  }
  const isKnown = (name: string): boolean =>
    named.has(name) || USUAL_NAME.test(name) || draft.has(usualKubeconfig(name));
  const areAlone = named.size === 0;
  for (const [name, path] of ofSops) if (areAlone || isKnown(name)) push(named, name, path);
  return named;
}

/**
 * `config/NAME.yaml` and `secrets/config/NAME.yaml` for each environment, as mybinder.org has them,
 * files of sops whose names speak of it, and `system-config/NAMESPACE/NAME.yaml` for charts beside
 * the main one. Whether there are any.
 */
export function draftUsual(draft: Draft): boolean {
  const named = filesByName(draft);
  const common = named.get("common") ?? [];
  named.delete("common");
  const atTop = draft.charts.filter((path) => !path.includes("/"));
  const charts = atTop.length > 0 ? atTop : draft.charts;
  if (named.size === 0 || charts.length === 0) return false;
  const shared = [...draft.paths].filter((path) => COMMON.test(path));
  draft.layers = [...shared, ...common.filter((path) => !shared.includes(path))];
  draft.chart = takeMainChart(draft, charts, [...draft.layers, ...[...named.values()].flat()]);
  if (draft.layers.length > 0) draft.take("shared layers", draft.layers.join(", "));
  const isTold = (name: string): boolean =>
    draft.has(usualKubeconfig(name)) ||
    named.get(name)?.some((path) => isSecret(draft, path)) === true ||
    USUAL_NAME.test(name);
  const anyTold = [...named.keys()].some(isTold);
  for (const [name, files] of [...named].toSorted(([a], [b]) => rank(a) - rank(b))) {
    if (anyTold && !isTold(name)) {
      draft.ask(
        `${files.join(", ")}: nothing secret and no kubeconfig goes with it, so that it was taken for no environment; where it is a release beside the main one, name its chart under releases`,
      );
      continue;
    }
    const layers = files.toSorted((a, b) => Number(isSecret(draft, a)) - Number(isSecret(draft, b)));
    const plain = [`${String(draft.chart)}/values.yaml`, ...draft.layers, ...layers].filter(
      (path) => !draft.isEncrypted(path),
    );
    const { kubeconfig } = draft.kubeconfigOf(name);
    const { nodePools } = draft.nodePoolsIn(plain);
    draft.environments.set(name, {
      layers,
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(nodePools === undefined ? {} : { nodePools }),
    });
    draft.take(`environment ${name}`, [...layers, ...(kubeconfig === undefined ? [] : [kubeconfig])].join(", "));
    if (nodePools !== undefined) draft.take(`node pools of ${name}`, `nodeSelector of ${plain.join(", ")}`);
  }
  draftSystem(draft, charts);
  return true;
}

const isSecret = (draft: Draft, path: string): boolean => path.startsWith("secrets/") || draft.isOfSops(path);

const rank = (name: string): number => (name === "staging" ? 1 : /^prod(?:uction)?$/.test(name) ? 2 : 0);

function draftSystem(draft: Draft, charts: readonly string[]): void {
  for (const path of draft.paths) {
    const [, namespace, name] = SYSTEM.exec(path) ?? [];
    if (namespace === undefined || name === undefined || charts.some((one) => path.startsWith(`${one}/`))) continue;
    const chart = charts.find((one) => one === namespace || one.endsWith(`-${namespace}`));
    if (chart === undefined) draft.ask(`${path}: no chart is called after ${namespace}`);
    else if (!draft.environments.has(name))
      draft.ask(`${path}: it is of ${name}, which is no environment; the chart ${chart} waits for one`);
    else {
      const key = labelOf(namespace);
      const others = draft.ownOf(key);
      const its = others[name]?.layers ?? [];
      const environments = { ...others, [name]: { release: name, layers: [...its, path] } };
      draft.releases.set(key, { chart, namespace, environments });
      draft.take(`release ${key} of ${name}`, `${chart} with ${path}`);
    }
  }
  const used = new Set([draft.chart, ...[...draft.releases.values()].map(({ chart }) => chart)]);
  for (const chart of charts)
    if (!used.has(chart)) draft.ask(`the chart ${chart}: no release was found that deploys it`);
}
