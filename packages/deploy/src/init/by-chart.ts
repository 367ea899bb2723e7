import { posix } from "node:path";
import { isStructured } from "../values/read-yaml.ts";
import { type Draft, labelOf } from "./draft.ts";
import { knowsAnyOf } from "./main-chart.ts";

/**
 * A chart for each deployment, and files elsewhere that are called as the chart is:
 * `charts/NAME/Chart.yaml` with `configs/NAME.yaml` and `secrets/NAME.yaml`. Each is an environment
 * with a chart of its own. Whether there are any.
 */
export function draftByChart(draft: Draft): boolean {
  const charts = draft.charts;
  const files = [...draft.paths].filter((path) => isStructured(path) && !draft.isInChart(path));
  for (const chart of charts) {
    const name = posix.basename(chart);
    const called = files.filter((path) => posix.basename(path).replace(/\.[^.]+$/, "") === name);
    const its = called.filter((path) => knowsAnyOf(draft, chart, path));
    const others = called.filter((path) => !its.includes(path));
    if (others.length > 0)
      draft.ask(`${others.join(", ")}: it sets nothing that the chart ${chart} knows, and was left out`);
    const layers = its.toSorted((a, b) => Number(draft.isEncrypted(a)) - Number(draft.isEncrypted(b)));
    if (layers.length === 0) continue;
    draft.environments.set(labelOf(name), { chart, layers });
    draft.take(`environment ${labelOf(name)}`, `${chart}, with ${layers.join(", ")}, which are called as it is`);
  }
  if (draft.environments.size === 0) return false;
  for (const chart of charts)
    if (![...draft.environments.values()].some((one) => one.chart === chart))
      draft.ask(`the chart ${chart}: no file is called as it is, and no release was found that deploys it`);
  draft.ask(
    "how each cluster is reached: no file says so; give a kubeconfig by --kubeconfig, or encrypt one and name it",
  );
  return true;
}
