/*
 * What rendered objects hold that depends on a secret, whatever the template made of it: the chart
 * is rendered again with other secrets, and what differs is a leak.
 */
import { DeployError, orElse } from "../errors.ts";
import type { CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import { documentsIn, type Manifest, readDocument } from "../helm/manifests.ts";
import { inParallel } from "../parallel.ts";
import type { Release } from "../project/environment.ts";
import { looksSecret } from "../secrets/sensitive.ts";
import type { StandIns } from "../secrets/stand-ins.ts";
import { redactDifferences } from "../secrets/taint.ts";
import { Twins, type Twin, twinAt } from "../secrets/twins.ts";
import { formatPath, isMap, type Path, type Value } from "../values/value.ts";
import { type Leaf } from "../values/merge.ts";
import { fileOf, found, titleOfManifest, whereOf } from "./reading.ts";

/** So many releases are rendered again at a time. */
const MOST_AT_A_TIME = 4;

/**
 * Finds what depends on a secret in objects that are no Secret.
 *
 * @param releases those that could be rendered, with what is rendered
 * @param isTold whether a leak at a path of an object is told already
 */
export async function leaksIn(
  context: CheckContext,
  releases: readonly (readonly [Release, readonly Manifest[]])[],
  isTold: (manifest: Manifest, path: Path) => boolean,
): Promise<Finding[]> {
  const all = await inParallel(releases, MOST_AT_A_TIME, ([release, manifests]) =>
    leaksOf(context, release, manifests),
  );
  return all
    .flat()
    .flatMap(({ release, manifest, path }) => (isTold(manifest, path) ? [] : [leak(context, release, manifest, path)]));
}

interface Leak {
  readonly release: Release;
  readonly manifest: Manifest;
  readonly path: Path;
}

async function leaksOf(context: CheckContext, release: Release, manifests: readonly Manifest[]): Promise<Leak[]> {
  const { project, signal, skipRelease } = context;
  const leaves = orElse<Leaf[]>([], () => [...release.values({ withoutSecrets: true }).leaves()]);
  const hasSecrets = leaves.some((leaf) => leaf.secret && leaf.setting.layer.role !== "defaults");
  if (!hasSecrets && project.sources.encryptedIn(release.chart).every(({ locked }) => locked)) return [];
  const render = (change: Parameters<typeof project.renderOther>[1], files: StandIns | "readable"): Promise<string> =>
    project.renderOther(release, change, files, signal);
  try {
    // All that depends on anything in a secret layer is not to be told, such as an object's name.
    const learnFrom = (other: string): boolean => {
      const { changed, others, places } = differingFrom(manifests, other);
      redactDifferences(project.redactor, changed, others, other);
      return places.length > 0;
    };
    if (!learnFrom(await render((value) => project.standIns.of(value), project.standIns))) return [];
    const { places: differing } = differingFrom(
      manifests,
      await render((value, leaf) => otherOf(project.standIns, value, leaf.path), project.standIns),
    );
    if (differing.length === 0) return [];
    // What is made at random differs each time, and depends on no secret.
    const again = new Set(differingFrom(manifests, await render((value) => value, "readable")).places.map(keyOf));
    return differing.filter((one) => !again.has(keyOf(one))).map(({ manifest, path }) => ({ release, manifest, path }));
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    skipRelease(
      release,
      (of) => `whether more depends on secrets in what ${of} renders: it cannot be rendered with others`,
    );
    return [];
  }
}

type Place = Pick<Leak, "manifest" | "path">;

const keyOf = ({ manifest, path }: Place): string =>
  JSON.stringify([manifest.kind, manifest.name, manifest.source, path]);

/** Another value for what is secret indeed: user names, hosts and switches stay. */
function otherOf(standIns: StandIns, value: Value, path: Path): Value {
  if (Array.isArray(value)) return value.map((item, at) => otherOf(standIns, item, [...path, at]));
  if (isMap(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, otherOf(standIns, inner, [...path, key])]),
    );
  const text = String(value);
  const isSecret = looksSecret({ text, path });
  return isSecret && typeof value !== "boolean" ? standIns.of(value) : value;
}

interface Differing {
  /** Where objects that are no Secret differ. */
  readonly places: readonly Place[];
  /** The objects whose text differs, and those of the other rendering. */
  readonly changed: readonly Manifest[];
  readonly others: readonly Manifest[];
}

/** Where objects differ from those of another rendering, of which only what differs is parsed. */
function differingFrom(manifests: readonly Manifest[], other: string): Differing {
  const documents = documentsIn(other);
  const [known, own] = [new Set(documents), new Set(manifests.map(({ text }) => text))];
  const changed = manifests.filter(({ text }) => !known.has(text));
  if (changed.length === 0) return { places: [], changed, others: [] };
  const others = documents.filter((document) => !own.has(document)).flatMap(readDocument);
  const twins = new Twins(others, changed);
  const places = changed.flatMap((manifest) =>
    manifest.kind === "Secret"
      ? []
      : [...differences(manifest.object, twins.of(manifest), [])].map((path) => ({ manifest, path })),
  );
  return { places, changed, others };
}

function* differences(value: Value, twin: Twin, path: Path): Generator<Path> {
  if (twin === "none") yield path;
  else if (Array.isArray(value))
    for (const [at, item] of value.entries()) yield* differences(item, twinAt(twin, at), [...path, at]);
  else if (isMap(value))
    for (const [key, inner] of Object.entries(value)) yield* differences(inner, twinAt(twin, key), [...path, key]);
  else if (twin !== "same" && twin.value !== value) yield path;
}

function leak({ project }: CheckContext, release: Release, manifest: Manifest, path: Path): Finding {
  const { redactor } = project;
  const isChecksum = path.at(-2) === "annotations" && /checksum|hash|digest|sha\d/i.test(String(path.at(-1)));
  const where = redactor.redact(`${titleOfManifest(manifest)} at ${path.length === 0 ? "the top" : formatPath(path)}`);
  const message = isChecksum
    ? `what ${where} has is a digest of a secret, by which anyone who sees it can test guesses`
    : `what ${where} has depends on a secret`;
  return found("leaked", isChecksum ? "note" : "error", message, {
    file: fileOf(project, release, manifest),
    ...whereOf(release),
    hint: isChecksum
      ? "take the digest of something that changes with it, and is no secret"
      : "render it into a Secret, and refer to that",
  });
}
