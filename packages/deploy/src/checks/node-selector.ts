import type { Environment } from "../project/environment.ts";
import type { Check } from "./check.ts";
import type { Layer } from "../values/layer.ts";
import type { Values } from "../values/merge.ts";
import { at, formatPath, isMap, listAt, mapAt, type Path, textAt, type Value, type ValueMap } from "../values/value.ts";
import { type Position, valueOf } from "../values/yaml.ts";
import { fitsExpression, podSpecsOf } from "../cluster/kubernetes-object.ts";
import { found, foundIn, merged, titleOfManifest, placeIn, rendered, whereOf } from "./reading.ts";

/** Labels that every node has, or that say nothing of its pool. */
const GENERAL =
  /^(?:kubernetes\.io\/(?:os|arch|hostname)|beta\.kubernetes\.io\/(?:os|arch)|(?:topology|failure-domain\.beta)\.kubernetes\.io\/)/;

/** Reports pods that no node pool accepts, rendered ones and those made later. */
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
        messageOfSeveral: `${formatPath(path)}: no node pool has ${project.redactor.redact(label)}`,
      });
    }
  }
  if (releases.length === 0) return;
  for await (const [release, manifests] of rendered(context)) {
    const { environment } = release;
    if (environment.nodePools === null) continue;
    for (const manifest of manifests) {
      for (const pod of podSpecsOf(manifest.object)) {
        const label = missingLabel(environment, mapAt(pod, "nodeSelector")) ?? missingByAffinity(environment, pod);
        if (label === null) continue;
        const message = `no node pool of ${environment.name} has ${label}, which ${titleOfManifest(manifest)} needs`;
        yield {
          ...foundIn(project, release, manifest, "node-selector", "error", message, hintFor(environment)),
          messageOfSeveral: project.redactor.redact(
            `no node pool has ${label}, which ${titleOfManifest(manifest)} needs`,
          ),
        };
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

/** The node selectors in merged values; each at the highest layer that sets it. */
function* selectorsIn(values: Values): Generator<Selector> {
  const top = values.value;
  for (const { path, settings, state } of values.nodes()) {
    const setting = settings.at(-1);
    if (state === "removed" || setting === undefined) continue;
    const { layer, entry } = setting;
    const place = { layer, position: entry.position };
    if (state === "map" && isSelector(path)) {
      const value = at(top, ...path);
      if (isMap(value)) yield { path, value, ...place };
    } else if (entry.value.kind === "list") {
      for (const inner of selectorsWithin(valueOf(entry.value), path)) yield { ...inner, ...place };
    }
  }
}

const isSelector = (path: Path): boolean => /(?:^n|N|[-_]n)ode[-_]?[sS]electors?$/.test(String(path.at(-1)));

function* selectorsWithin(value: Value, path: Path): Generator<Pick<Selector, "path" | "value">> {
  if (Array.isArray(value)) for (const [step, item] of value.entries()) yield* selectorsWithin(item, [...path, step]);
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

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";

const isFit = (labels: Readonly<Record<string, string>>, expression: unknown): boolean =>
  GENERAL.test(textAt(expression, "key")) || fitsExpression(labels, expression, true);

/** The same for what a pod's affinity requires; preferences do not keep it from being run. */
function missingByAffinity(environment: Environment, pod: ValueMap): string | null {
  const terms = listAt(pod, "affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms").map((term) =>
    listAt(term, "matchExpressions"),
  );
  if (terms.length === 0) return null;
  const pools = [...(environment.nodePools?.values() ?? [])];
  if (terms.some((term) => pools.some(({ labels }) => term.every((one) => isFit(labels, one))))) return null;
  const keys = terms.flat().map((expression) => textAt(expression, "key"));
  return `what its affinity requires of ${[...new Set(keys)].join(", ")}`;
}

const hintFor = ({ nodePools }: Environment): string =>
  `the node pools are: ${[...(nodePools?.keys() ?? [])].join(", ") || "none"}`;
