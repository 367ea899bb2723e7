import { posix } from "node:path";
import { type Draft, labelOf } from "./draft.ts";
import { takeMainChart } from "./main-chart.ts";

const LAYER = /^(deployments\/([^/]+))\/(config|secrets)\/(common|[a-z0-9-]+)\.ya?ml$/;

const nameOf = (path: string): string => posix.basename(path).replace(/\.ya?ml$/, "");

/**
 * `deployments/NAME/config` and `secrets` with a file for each environment, as hubploy has them.
 * Whether there are any.
 */
export function draftHubploy(draft: Draft): boolean {
  const folders = [...draft.paths].flatMap((path) => /^(deployments\/[^/]+)\/hubploy\.ya?ml$/.exec(path)?.[1] ?? []);
  if (folders.length === 0) return false;
  const all = [...draft.paths].filter((path) => LAYER.test(path));
  draft.chart = takeMainChart(draft, draft.charts, all, "hub");
  for (const folder of folders) {
    const files = [...draft.paths].filter((path) => LAYER.exec(path)?.[1] === folder);
    for (const name of new Set(files.map(nameOf).filter((one) => one !== "common"))) {
      const own = files.filter((path) => ["common", name].includes(nameOf(path)));
      // Those that all environments of it share are the lowest.
      const layers = own.toSorted((a, b) => Number(nameOf(a) === name) - Number(nameOf(b) === name));
      const key = labelOf(`${posix.basename(folder)}-${name}`);
      const tier = name === "staging" || name === "prod" ? ({ tier: name } as const) : {};
      draft.environments.set(key, { ...tier, layers });
      draft.take(`environment ${key}`, layers.join(", "));
    }
  }
  for (const chart of draft.charts)
    if (chart !== draft.chart) draft.ask(`the chart ${chart}: no deployment names it; name its release under releases`);
  draft.askForKubeconfigs("hubploy.yaml");
  return true;
}
