import { posix } from "node:path";
import type { Release } from "../project/environment.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { TrackedFile } from "../files/tree.ts";
import type { Layer } from "../values/layer.ts";
import { attempt, DeployError, orElse } from "../errors.ts";
import type { MapYaml, Yaml } from "../values/yaml.ts";
import { documentsOf, findingOfError, found, isOfChart, OF_ARCHIVES, openLayers, ownerOf } from "./reading.ts";

/** Told by the check strict-yaml, with all of its places. */
const ODD: ReadonlySet<string> = new Set(["DUPLICATE_KEY", "SEVERAL_DOCUMENTS"]);

/** Reports layers that cannot be used: missing, empty, too large, no YAML, damaged, … */
export const layers: Check = async function* layersCheck(context) {
  for (const [layer, release] of openLayers(context)) {
    const error = attempt(() => layer.map());
    if (!(error instanceof DeployError) || ODD.has(error.code) || OF_ARCHIVES.has(error.code)) continue;
    yield findingOfError("layers", error, ownerOf(layer, release));
  }
  yield* strays(context);
};

/** Values files that belong to no environment: commented out, or misspelt. */
function* strays(context: CheckContext): Generator<Finding> {
  const { project } = context;
  const releases = project.environments.flatMap((environment) => environment.releases);
  const used = new Set([
    ...releases.flatMap((release) => release.layers.map(({ path }) => path)),
    ...project.environments.map(({ kubeconfig }) => kubeconfig),
    ...project.schemas,
    project.federation,
  ]);
  const byFolder = neighbours(releases);
  for (const file of project.files()) {
    const beside = byFolder.get(posix.dirname(file.path));
    if (beside === undefined || !/\.ya?ml$/.test(file.path) || used.has(file.path)) continue;
    if (
      FOR_TRYING.test(posix.basename(file.path)) ||
      isOfChart(context, file.path) ||
      !mayBeLayer(context, file, beside)
    )
      continue;
    yield found("layers", "warning", "this file lies beside the layers, and is none of any environment", {
      file: file.path,
      hint: "declare it as a layer, or move it elsewhere",
    });
  }
}

/** `prod-template.yaml`, `test-secrets.yaml`: what is for copying or trying, by its name. */
const FOR_TRYING = /^tests?[-_.](?!ya?ml$)|(?:^|[-_.])(?:examples?|samples?|templates?|localhost)[-_.]/i;

/** The releases that have layers in a folder, by the folder. */
function neighbours(releases: readonly Release[]): Map<string, Set<Release>> {
  const byFolder = new Map<string, Set<Release>>();
  for (const release of releases)
    for (const { path, role } of release.layers) {
      const folder = posix.dirname(path);
      if (role === "defaults" || role === "given" || folder === ".") continue;
      byFolder.set(folder, (byFolder.get(folder) ?? new Set()).add(release));
    }
  return byFolder;
}

/**
 * Whether a file may be meant as a layer of one of the releases: it sets what their charts and
 * other layers set, or says nothing. Kubernetes' own objects and files for other programs do not.
 */
function mayBeLayer(context: CheckContext, file: TrackedFile, releases: ReadonlySet<Release>): boolean {
  const documents = documentsOf(context, file.path, () => context.project.read(file).toString());
  // What cannot be read may be anything.
  if (documents === null || documents.length === 0) return true;
  const keys = keysOf(documents[0]);
  if (keys === null) return isNothing(documents[0]);
  if (keys.includes("apiVersion") && keys.includes("kind")) return false;
  const known = keys.filter((key) => [...releases].some((release) => isSetIn(release, key)));
  return 2 * known.length >= keys.length;
}

const isNothing = (node: Yaml | undefined): boolean => node?.kind === "scalar" && node.value === null;

/** The keys at the top, but for what sops keeps there. */
const keysOf = (node: Yaml | undefined): string[] | null =>
  node?.kind === "map" ? [...node.entries.keys()].filter((key) => key !== "sops") : null;

const isSetIn = ({ chart, layers: own }: Release, key: string): boolean =>
  chart.dependencies.some((one) => one.key === key) || own.some((layer) => topOf(layer)?.entries.has(key) === true);

const topOf = (layer: Layer): MapYaml | null => (layer.locked ? null : orElse<MapYaml | null>(null, () => layer.map()));
