import type { Environment } from "../project/environment.ts";
import type { Check } from "../findings/finding.ts";
import type { Layer } from "../values/layer.ts";
import type { Values } from "../values/merge.ts";
import { formatPath, isMap, type Path, type Value, type ValueMap } from "../values/value.ts";
import { type Position, valueOf } from "../values/yaml.ts";
import { listAt, mapAt, podsOf, textAt } from "../cluster/pods.ts";
import { found, foundIn, merged, nameOf, placeIn, rendered, whereOf } from "./reading.ts";

/** Labels that every node has, or that say nothing of its pool. */
const GENERAL =
  /^(?:kubernetes\.io\/(?:os|arch|hostname)|beta\.kubernetes\.io\/(?:os|arch)|(?:topology|failure-domain\.beta)\.kubernetes\.io\/)/;

/**
 * Tells of pods that no node pool takes: of those that are rendered, and of those that values
 * describe and that are made later.
 */
export const nodeSelector: Check = async function* nodeSelectorCheck(context) {
  const { project } = context;
  const releases = context.releases.filter(({ environment }) => environment.nodePools !== null);
  for await (const [release, values] of merged(context, releases)) {
    const { environment } = release;
    for (const { path, value, layer, position } of selectorsIn(values)) {
      const label = missingLabel(environment, value);
      if (label === null) continue;
      const message = `${formatPath(path)}: no node pool of ${environment.name} has ${project.redactor.redact(label)}`;
      yield found("node-selector", "error", message, {
        ...placeIn(layer, position, release),
        ...whereOf(release),
        hint: hintFor(environment),
      });
    }
  }
  if (releases.length === 0) return;
  for await (const [release, manifests] of rendered(context)) {
    const { environment } = release;
    if (environment.nodePools === null) continue;
    for (const manifest of manifests) {
      for (const pod of podsOf(manifest)) {
        const selector = mapAt(pod, "nodeSelector") ?? {};
        const label = missingLabel(environment, selector) ?? missingByAffinity(environment, pod);
        if (label === null) continue;
        const message = `no node pool of ${environment.name} has ${label}, which ${nameOf(manifest)} needs`;
        yield foundIn(project, release, manifest, "node-selector", "error", message, hintFor(environment));
      }
    }
  }
};

interface Selector {
  readonly path: Path;
  readonly value: ValueMap;
  readonly layer: Layer;
  readonly position: Position;
}

/**
 * The node selectors among values, as they are merged; each stands where the highest layer says
 * something of it.
 */
function* selectorsIn(values: Values): Generator<Selector> {
  const top = values.value;
  for (const { path, settings, state } of values.nodes()) {
    const setting = settings.at(-1);
    if (state === "removed" || setting === undefined) continue;
    const { layer, entry } = setting;
    const place = { layer, position: entry.position };
    if (state === "map" && isSelector(path)) {
      const value = path.reduce<Value | undefined>((here, step) => (isMap(here) ? here[String(step)] : undefined), top);
      if (isMap(value)) yield { path, value, ...place };
    } else if (entry.value.kind === "list") {
      for (const inner of selectorsWithin(valueOf(entry.value), path)) yield { ...inner, ...place };
    }
  }
}

const isSelector = (path: Path): boolean => /(?:^n|N|[-_]n)ode[-_]?[sS]electors?$/.test(String(path.at(-1)));

function* selectorsWithin(value: Value, path: Path): Generator<Pick<Selector, "path" | "value">> {
  if (Array.isArray(value)) for (const [at, item] of value.entries()) yield* selectorsWithin(item, [...path, at]);
  if (!isMap(value)) return;
  if (isSelector(path)) yield { path, value };
  for (const [key, item] of Object.entries(value)) yield* selectorsWithin(item, [...path, key]);
}

/** `pool-type=users`: what no pool has, where no pool has all of it; null where one has. */
function missingLabel({ nodePools }: Environment, selector: ValueMap): string | null {
  const wanted = Object.entries(selector).flatMap(([key, value]): [string, string][] =>
    GENERAL.test(key) || value === null || typeof value === "object" ? [] : [[key, String(value)]],
  );
  const pools = [...(nodePools?.values() ?? [])];
  if (wanted.length === 0 || pools.some(({ labels }) => wanted.every((entry) => has(labels, entry)))) return null;
  const alone = wanted.filter((entry) => !pools.some(({ labels }) => has(labels, entry)));
  return (alone.length > 0 ? alone : wanted).map(([key, value]) => `${key}=${value}`).join(", ");
}

const has = (labels: Readonly<Record<string, string>>, [key, value]: readonly [string, string]): boolean =>
  Object.hasOwn(labels, key) && labels[key] === value;

/** The same for what a pod's affinity requires; preferences do not keep it from being run. */
function missingByAffinity(environment: Environment, pod: ValueMap): string | null {
  const required = mapAt(
    mapAt(mapAt(pod, "affinity"), "nodeAffinity"),
    "requiredDuringSchedulingIgnoredDuringExecution",
  );
  const terms = listAt(required, "nodeSelectorTerms").filter(isMap);
  if (terms.length === 0) return null;
  const pools = [...(environment.nodePools?.values() ?? [])];
  const fits = terms.some((term) =>
    pools.some(({ labels }) =>
      listAt(term, "matchExpressions")
        .filter(isMap)
        .every((one) => matches(labels, one)),
    ),
  );
  if (fits) return null;
  const keys = terms.flatMap((term) =>
    listAt(term, "matchExpressions")
      .filter(isMap)
      .map((one) => textAt(one, "key") ?? ""),
  );
  return `what its affinity requires of ${[...new Set(keys)].join(", ")}`;
}

function matches(labels: Readonly<Record<string, string>>, expression: ValueMap): boolean {
  const key = textAt(expression, "key") ?? "";
  if (GENERAL.test(key)) return true;
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const isIn = listAt(expression, "values").some((one) => one === value);
  switch (textAt(expression, "operator") ?? "") {
    case "In":
      return isIn;
    case "NotIn":
      return !isIn;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return true;
  }
}

const hintFor = ({ nodePools }: Environment): string =>
  `the node pools are: ${[...(nodePools?.keys() ?? [])].join(", ") || "none"}`;
