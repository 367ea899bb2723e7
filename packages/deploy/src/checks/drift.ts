import type { Environment } from "../project/environment.ts";
import type { Check, CheckContext, Finding } from "./finding.ts";
import type { Values } from "../values/merge.ts";
import { SETTINGS_FILE } from "../project/settings.ts";
import { formatPath, isMap, type Path, type Value } from "../values/value.ts";
import { found, placeOf, valuesOf } from "./reading.ts";

/**
 * Tells where staging and production differ in shape: in which values they set, of which type, and in their node pools. What staging
 * does not have, it does not test.
 */
export const drift: Check = async function* driftCheck(context) {
  const staging = context.environments.find(({ tier }) => tier === "staging");
  const prods = context.environments.filter(({ tier }) => tier === "prod");
  if (staging === undefined || prods.length === 0) return;
  const stagingValues = valuesOf(context, staging);
  for (const prod of prods) {
    yield* poolDrift(context, staging, prod);
    const prodValues = valuesOf(context, prod);
    if (stagingValues === null || prodValues === null) continue;
    if (stagingValues.leftOut.length !== prodValues.leftOut.length) {
      context.skip(`whether ${staging.name} and ${prod.name} have the same shape, since only one can be read whole`);
      continue;
    }
    yield* valueDrift([staging, stagingValues], [prod, prodValues]);
  }
};

function* poolDrift({ project }: CheckContext, staging: Environment, prod: Environment): Generator<Finding> {
  if (staging.nodePools === null || prod.nodePools === null) return;
  for (const [one, other] of [
    [staging, prod],
    [prod, staging],
  ] as const)
    for (const name of one.nodePools?.keys() ?? [])
      if (other.nodePools?.has(name) !== true)
        yield found("drift", "warning", `${one.name} has a node pool ${name}, and ${other.name} has none`, {
          ...(project.file(SETTINGS_FILE) === undefined ? {} : { file: SETTINGS_FILE }),
          environment: other.name,
        });
}

type Side = readonly [environment: Environment, values: Values];

function* valueDrift(staging: Side, prod: Side): Generator<Finding> {
  for (const { path, kind } of differences(staging[1].value, prod[1].value, [])) {
    const [[here, values], [there]] = kind === "only in staging" ? [staging, prod] : [prod, staging];
    const setting = values.explain(path)?.settings[0];
    const what = kind === "types" ? "is of another type in" : "is not set in";
    yield found("drift", "warning", `${formatPath(path)} ${what} ${there.name}`, {
      ...(setting === undefined ? {} : placeOf(setting, here)),
      environment: prod[0].name,
      hint: "set in values.yaml what both have in common, and in each what differs",
    });
  }
}

interface Difference {
  readonly path: Path;
  readonly kind: "only in staging" | "only in prod" | "types";
}

function* differences(staging: Value, prod: Value, path: Path): Generator<Difference> {
  if (isMap(staging) && isMap(prod)) {
    for (const [key, value] of Object.entries(staging)) {
      const other = prod[key];
      if (other === undefined) yield { path: [...path, key], kind: "only in staging" };
      else yield* differences(value, other, [...path, key]);
    }
    for (const key of Object.keys(prod))
      if (staging[key] === undefined) yield { path: [...path, key], kind: "only in prod" };
    return;
  }
  if (staging === null || prod === null || typeName(staging) === typeName(prod)) return;
  yield { path, kind: "types" };
}

const typeName = (value: Value): string => (Array.isArray(value) ? "list" : typeof value);
