import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Environment, Release } from "../project/environment.ts";
import { SETTINGS_FILE } from "../project/settings.ts";
import { areQuantities } from "../values/quantity.ts";
import { formatPath, isMap, type Path, type Value } from "../values/value.ts";
import { found, placeOf, valuesOf, whereOf } from "./reading.ts";

/**
 * Tells where staging and production differ in shape: in their releases, in which values those set,
 * of which type, and in their node pools. What staging does not have, it does not test.
 */
export const drift: Check = async function* driftCheck(context) {
  const staging = context.environments.find(({ tier }) => tier === "staging");
  const prods = context.environments.filter(({ tier }) => tier === "prod");
  if (staging === undefined) return;
  for (const prod of prods) {
    yield* poolDrift(context, staging, prod);
    yield* releaseDrift(context, staging, prod);
  }
};

function* poolDrift(context: CheckContext, staging: Environment, prod: Environment): Generator<Finding> {
  if (staging.nodePools === null || prod.nodePools === null) return;
  for (const [name, { nodes: few = 0 }] of staging.nodePools) {
    const { nodes: many = 0 } = prod.nodePools.get(name) ?? {};
    if (few !== 1 || many < 2) continue;
    const message = `the node pool ${name} has one node in ${staging.name}, and ${many} in ${prod.name}`;
    const hint = "give staging a second node: what goes wrong between two is not tried there";
    yield inSettings(context, staging, message, hint);
  }
  for (const [one, other] of [
    [staging, prod],
    [prod, staging],
  ] as const)
    for (const name of one.nodePools?.keys() ?? [])
      if (other.nodePools?.has(name) !== true) yield inOneAlone(context, `a node pool ${name}`, one, other);
}

const twinOf = (release: Release, { releases }: Environment): Release | undefined =>
  releases.find((one) => one.key === release.key);

function* releaseDrift(context: CheckContext, staging: Environment, prod: Environment): Generator<Finding> {
  for (const release of staging.releases) {
    const twin = twinOf(release, prod);
    if (twin === undefined) yield inOneAlone(context, `a release ${release.name}`, staging, prod);
    else yield* valueDrift(context, release, twin);
  }
  for (const release of prod.releases)
    if (twinOf(release, staging) === undefined) yield inOneAlone(context, `a release ${release.name}`, prod, staging);
}

const inOneAlone = (context: CheckContext, what: string, one: Environment, other: Environment): Finding =>
  inSettings(context, other, `${one.name} has ${what}, and ${other.name} has none`);

const inSettings = ({ project }: CheckContext, { name }: Environment, message: string, hint?: string): Finding =>
  found("drift", "warning", message, {
    ...(project.file(SETTINGS_FILE) === undefined ? {} : { file: SETTINGS_FILE }),
    environment: name,
    hint,
  });

function* valueDrift(context: CheckContext, staging: Release, prod: Release): Generator<Finding> {
  const [stagingValues, prodValues] = [valuesOf(context, staging), valuesOf(context, prod)];
  if (stagingValues === null || prodValues === null) return;
  const [nameOfStaging, nameOfProd] = [staging.environment.name, prod.environment.name];
  if (stagingValues.leftOut.length !== prodValues.leftOut.length) {
    context.skip(`whether ${nameOfStaging} and ${nameOfProd} have the same shape, since only one can be read whole`);
    return;
  }
  for (const { path, kind } of differences(stagingValues.value, prodValues.value, [])) {
    const [here, values, there] =
      kind === "only in staging" ? [staging, stagingValues, nameOfProd] : [prod, prodValues, nameOfStaging];
    const setting = values.explain(path)?.settings[0];
    const what = kind === "types" ? "is of another type in" : "is not set in";
    yield found("drift", "warning", `${formatPath(path)} ${what} ${there}`, {
      ...(setting === undefined ? {} : placeOf(setting, here)),
      ...whereOf(prod),
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
  if (areQuantities(path, staging, prod)) return;
  yield { path, kind: "types" };
}

const typeName = (value: Value): string => (Array.isArray(value) ? "list" : typeof value);
