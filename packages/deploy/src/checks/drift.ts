import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Environment, Release } from "../project/environment.ts";
import { baseOf, SETTINGS_FILE, type Tier } from "../project/settings.ts";
import { areQuantities } from "../values/quantity.ts";
import { formatPath, isMap, type Path, type Value, type ValueMap } from "../values/value.ts";
import { isNamedElsewhere } from "./anchors.ts";
import { found, valuesOf, whereOf } from "./reading.ts";

/**
 * Tells where staging and production differ in shape: in their releases, in which values those set,
 * of which type, and in their node pools. What staging does not have, it does not test.
 */
export const drift: Check = async function* driftCheck(context) {
  for (const [staging, prod] of pairsIn(context.environments)) {
    yield* poolDrift(context, staging, prod);
    yield* releaseDrift(context, staging, prod);
  }
};

/** Each environment with the one in which it is tried, as far as that is known. */
function* pairsIn(environments: readonly Environment[]): Generator<[staging: Environment, prod: Environment]> {
  const ofTier = (tier: Tier): Environment[] => environments.filter((one) => one.tier === tier);
  const [stagings, prods] = [ofTier("staging"), ofTier("prod")];
  const areTheOnly = stagings.length === 1 && prods.length === 1;
  for (const one of environments) {
    const { comparedWith, tier, name } = one;
    const isTwin = (other: Environment): boolean => areTheOnly || baseOf(other.name) === baseOf(name);
    const twin =
      comparedWith === null
        ? stagings.find((other) => tier === "prod" && isTwin(other))
        : environments.find((other) => other.name === comparedWith);
    if (twin !== undefined) yield [twin, one];
  }
}

function* poolDrift(context: CheckContext, staging: Environment, prod: Environment): Generator<Finding> {
  if (staging.nodePools === null || prod.nodePools === null) return;
  for (const [name, { nodes: few = 0 }] of staging.nodePools) {
    const { nodes: many = 0 } = prod.nodePools.get(name) ?? {};
    if (few !== 1 || many < 2) continue;
    const message = `the node pool ${name} has one node in ${staging.name}, and ${many} in ${prod.name}`;
    const hint = "give staging a second node: what goes wrong between two is not tried there";
    yield inSettings(context, staging, message, { hint });
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
  inSettings(context, other, `${one.name} has ${what}, and ${other.name} has none`, {
    messageOfSeveral: `${one.tier} has ${what}, and ${other.tier} has none`,
  });

const inSettings = (
  { project }: CheckContext,
  { name }: Environment,
  message: string,
  rest: Pick<Finding, "hint" | "messageOfSeveral">,
): Finding =>
  found("drift", "warning", message, {
    ...(project.file(SETTINGS_FILE) === undefined ? {} : { file: SETTINGS_FILE }),
    environment: name,
    ...rest,
  });

function* valueDrift(context: CheckContext, staging: Release, prod: Release): Generator<Finding> {
  const [stagingValues, prodValues] = [valuesOf(context, staging), valuesOf(context, prod)];
  if (stagingValues === null || prodValues === null) return;
  const [nameOfStaging, nameOfProd] = [staging.environment.name, prod.environment.name];
  if (stagingValues.leftOut.length !== prodValues.leftOut.length) {
    context.skip(`whether ${nameOfStaging} and ${nameOfProd} have the same shape, since only one can be read whole`);
    return;
  }
  const names = new Set(context.project.environments.map(({ name }) => name));
  // Lists of environments, by their names, have another in each of them.
  const compared = (map: ValueMap): string[] => Object.keys(map).filter((key) => !isPlacement(key) && !names.has(key));
  for (const { path, kind } of differences(stagingValues.value, prodValues.value, { path: [], compared })) {
    const [values, there] = kind === "only in staging" ? [stagingValues, nameOfProd] : [prodValues, nameOfStaging];
    const setting = values.explain(path)?.settings[0];
    if (kind.startsWith("only") && setting !== undefined && isNamedElsewhere(setting)) continue;
    const what = `${formatPath(path)} ${WORDS[kind]}`;
    yield found("drift", "warning", `${what} ${there}`, {
      ...(setting === undefined ? {} : { file: setting.layer.path, ...setting.entry.position }),
      ...whereOf(prod),
      hint: "set in values.yaml what both have in common, and in each what differs",
      messageOfSeveral: `${what} ${kind === "only in staging" ? "production" : "staging"}`,
    });
  }
}

/** Where something runs, and what its cluster is to do with it: clusters differ in that. */
const isPlacement = (step: string | number): boolean =>
  /(?:node[-_]?selectors?|tolerations|affinity|storage[-_]?class(?:[-_]?name)?|annotations)$/i.test(String(step));

interface Difference {
  readonly path: Path;
  readonly kind: keyof typeof WORDS;
}

const WORDS = {
  "only in staging": "is not set in",
  "only in prod": "is not set in",
  keys: "has other keys in",
  types: "is of another type in",
};

/** Where two values are compared. */
interface Comparison {
  readonly path: Path;
  /** Which keys of a map are compared. */
  readonly compared: (map: ValueMap) => string[];
}

function* differences(staging: Value, prod: Value, at: Comparison): Generator<Difference> {
  if (isMap(staging) && isMap(prod)) yield* mapDifferences(staging, prod, at);
  else if (staging !== null && prod !== null && typeName(staging) !== typeName(prod))
    if (!areQuantities(at.path, staging, prod)) yield { path: at.path, kind: "types" };
}

function* mapDifferences(staging: ValueMap, prod: ValueMap, { path, compared }: Comparison): Generator<Difference> {
  const [here, there] = [compared(staging), compared(prod)];
  const both = here.filter((key) => Object.hasOwn(prod, key));
  const [mine, theirs] = [here.length - both.length, there.length - both.length];
  // Two maps for two purposes are one difference, and not as many as they have keys.
  if (path.length > 0 && mine > 0 && theirs > 0 && mine + theirs > both.length) {
    yield { path, kind: "keys" };
    return;
  }
  for (const key of here) {
    const [one = null, other = null] = [staging[key], prod[key]];
    if (both.includes(key)) yield* differences(one, other, { path: [...path, key], compared });
    else yield { path: [...path, key], kind: "only in staging" };
  }
  for (const key of there) if (!both.includes(key)) yield { path: [...path, key], kind: "only in prod" };
}

const typeName = (value: Value): string => (Array.isArray(value) ? "list" : typeof value);
