import { DeployError, errorAt } from "../errors.ts";
import { Layer, readYamlFile } from "../values/layer.ts";
import type { TrackedFile, FileSource } from "../files/tree.ts";
import { listAt, mapAt, textAt } from "../values/value.ts";
import { type MapYaml, type Position, valueOf } from "../values/yaml.ts";

/**
 * A chart that the project's chart depends on, as `Chart.yaml` names it, or `requirements.yaml`
 * for charts of apiVersion v1.
 */
export interface Dependency {
  readonly name: string;
  /** As it stands there: to be one exact version. */
  readonly version: string;
  /** `https://…`, `oci://…`, `file://…`; empty where there is none. */
  readonly repository: string;
  /** The key of its values: the alias, else the name. */
  readonly key: string;
  /**
   * The version that `Chart.lock` pins; null where it pins none, undefined where there is no such
   * file.
   */
  readonly lockedVersion: string | null | undefined;
  /** The file that names it, and where it stands in that. */
  readonly file: string;
  readonly position: Position;
}

/** The chart that the project deploys. */
export interface Chart {
  /** Its folder, from the top. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly Dependency[];
  /** Its own values.yaml; null where it has none. */
  readonly defaults: Layer | null;
  /** Its values.schema.json; undefined where it has none. */
  readonly schema: TrackedFile | undefined;
  /** Every file in its folder. */
  readonly files: readonly TrackedFile[];
  /** How it is fetched, where it is none of the commit's; null where it is. */
  readonly remote: Dependency | null;
}

/** What of a chart is fetched or lies beside it: all it depends on, or the chart itself. */
export const sourcesOf = ({ remote, dependencies }: Chart): readonly Dependency[] =>
  remote === null ? dependencies : [remote];

/** Folders and archives are named after charts: a name must not lead elsewhere. */
const NAME = /^[A-Za-z\d_][\w.-]*$/;

/**
 * Reads the chart in the folder `path`.
 *
 * @throws DeployError NOT_A_CHART; what reading YAML throws
 */
export function readChart(tree: FileSource, path: string): Chart {
  const file = `${path}/Chart.yaml`;
  if (tree.find(file) === undefined) return notAChart(path, `${file} is not in the commit`);
  const [node] = readYamlFile(tree, file).documents;
  if (node?.kind !== "map") return notAChart(path, `${file} is not a map`);
  const metadata = mapAt(valueOf(node));
  const [name, version] = [textAt(metadata, "name"), textAt(metadata, "version")];
  for (const key of ["apiVersion", "name", "version"])
    if (textAt(metadata, key) === "") return notAChart(path, `${file} has no text at ${key}`);
  if (!NAME.test(name)) return notAChart(path, `its name is no file name, such as binderhub`);
  return {
    path,
    name,
    version,
    dependencies: dependenciesIn(tree, path, node),
    defaults:
      tree.find(`${path}/values.yaml`) === undefined ? null : new Layer(tree, `${path}/values.yaml`, "defaults", null),
    schema: tree.find(`${path}/values.schema.json`),
    files: [...tree.files()].filter((entry) => entry.path.startsWith(`${path}/`)),
    remote: null,
  };
}

const notAChart = (path: string, reason: string): never => {
  throw new DeployError("NOT_A_CHART", `expected a Helm chart in ${path}: ${reason}`, {
    place: { file: `${path}/Chart.yaml` },
  });
};

/** A dependency is told from its namesakes by its repository. */
const lockKey = (name: string, repository: string): string => `${name}\n${repository}`;

/** What `Chart.lock` pins; null where there is none. */
function lockedVersions(tree: FileSource, lock: string): Map<string, string> | null {
  if (tree.find(lock) === undefined) return null;
  const [node] = readYamlFile(tree, lock).documents;
  const entries = listAt(node === undefined ? null : valueOf(node), "dependencies");
  return new Map(
    entries.map((entry) => [lockKey(textAt(entry, "name"), textAt(entry, "repository")), textAt(entry, "version")]),
  );
}

/** Those of `Chart.yaml`; of a chart of apiVersion v1, those of its `requirements.yaml`. */
function dependenciesIn(tree: FileSource, path: string, chart: MapYaml): Dependency[] {
  const requirements = `${path}/requirements.yaml`;
  if (textAt(valueOf(chart), "apiVersion") !== "v1" || tree.find(requirements) === undefined)
    return dependenciesOf(chart, `${path}/Chart.yaml`, lockedVersions(tree, `${path}/Chart.lock`));
  const [node] = readYamlFile(tree, requirements).documents;
  if (node?.kind !== "map") return [];
  return dependenciesOf(node, requirements, lockedVersions(tree, `${path}/requirements.lock`));
}

function dependenciesOf(chart: MapYaml, file: string, locked: ReadonlyMap<string, string> | null): Dependency[] {
  const list = chart.entries.get("dependencies")?.value;
  if (list === undefined || (list.kind === "scalar" && list.value === null)) return [];
  if (list.kind !== "list") throw badDependency(file, list.position);
  return list.items.map((node) => {
    const entry = valueOf(node);
    const name = textAt(entry, "name");
    if (!NAME.test(name)) throw badDependency(file, node.position);
    const repository = textAt(entry, "repository");
    return {
      name,
      version: textAt(entry, "version"),
      repository,
      key: textAt(entry, "alias") || name,
      lockedVersion: locked === null ? undefined : (locked.get(lockKey(name, repository)) ?? null),
      file,
      position: node.position,
    };
  });
}

const badDependency = (file: string, position: Position): DeployError =>
  errorAt("NOT_A_CHART", { file, ...position }, "expected a list of dependencies, each with a name, such as binderhub");
