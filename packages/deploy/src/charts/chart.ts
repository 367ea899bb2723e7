import { DeployError } from "../errors.ts";
import { Layer, readYamlFile } from "../values/layer.ts";
import type { TrackedFile, FileSource } from "../files/tree.ts";
import { isMap, type Value, type ValueMap } from "../values/value.ts";
import { type MapYaml, type Position, valueOf, type Yaml } from "../values/yaml.ts";

/** A chart that the project's chart depends on, as `Chart.yaml` names it. */
export interface Dependency {
  readonly name: string;
  /** As it stands there: to be one exact version. */
  readonly version: string;
  /** `https://…`, `oci://…`, `file://…`; empty where there is none. */
  readonly repository: string;
  /** The key of its values: the alias, else the name. */
  readonly key: string;
  /** The version that `Chart.lock` pins; null where it pins none. */
  readonly lockedVersion: string | null;
  /** Where it stands in `Chart.yaml`. */
  readonly position: Position;
}

/** The chart that the project deploys. */
export interface Chart {
  /** Its folder, from the top. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** The whole of `Chart.yaml`. */
  readonly metadata: ValueMap;
  readonly dependencies: readonly Dependency[];
  /** Whether there is a `Chart.lock`. */
  readonly hasLock: boolean;
  /** Its own values.yaml; null where it has none. */
  readonly defaults: Layer | null;
  /** Its values.schema.json; undefined where it has none. */
  readonly schema: TrackedFile | undefined;
  /** Every file in its folder. */
  readonly files: readonly TrackedFile[];
}

const text = (map: ValueMap, key: string): string => {
  const value = map[key];
  return typeof value === "string" ? value : "";
};

/** Folders and archives are named after charts: a name must not lead elsewhere. */
const NAME = /^[A-Za-z\d_][\w.-]*$/;

const listOf = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);

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
  const metadata = asMap(node);
  for (const key of ["apiVersion", "name", "version"]) {
    if (typeof metadata[key] !== "string" || metadata[key] === "")
      return notAChart(path, `${file} has no text at ${key}`);
  }
  if (!NAME.test(text(metadata, "name"))) return notAChart(path, `its name is no file name, such as binderhub`);
  const lock = `${path}/Chart.lock`;
  const hasLock = tree.find(lock) !== undefined;
  const locked = hasLock ? lockedVersions(tree, lock) : new Map<string, string>();
  return {
    path,
    name: text(metadata, "name"),
    version: text(metadata, "version"),
    metadata,
    dependencies: dependenciesOf(node, file, locked),
    hasLock,
    defaults:
      tree.find(`${path}/values.yaml`) === undefined ? null : new Layer(tree, `${path}/values.yaml`, "defaults"),
    schema: tree.find(`${path}/values.schema.json`),
    files: [...tree.files()].filter((entry) => entry.path.startsWith(`${path}/`)),
  };
}

const notAChart = (path: string, reason: string): never => {
  throw new DeployError("NOT_A_CHART", `expected a Helm chart in ${path}: ${reason}`, {
    place: { file: `${path}/Chart.yaml` },
  });
};

const asMap = (node: Yaml): ValueMap => {
  const value = valueOf(node);
  return isMap(value) ? value : {};
};

/** A dependency is told from its namesakes by its repository. */
const lockKey = (name: string, repository: string): string => `${name}\n${repository}`;

function lockedVersions(tree: FileSource, lock: string): Map<string, string> {
  const [node] = readYamlFile(tree, lock).documents;
  const entries = listOf(node === undefined ? undefined : asMap(node)["dependencies"]);
  return new Map(
    entries
      .filter(isMap)
      .map((entry) => [lockKey(text(entry, "name"), text(entry, "repository")), text(entry, "version")]),
  );
}

function dependenciesOf(chart: MapYaml, file: string, locked: ReadonlyMap<string, string>): Dependency[] {
  const list = chart.entries.get("dependencies")?.value;
  if (list === undefined || (list.kind === "scalar" && list.value === null)) return [];
  if (list.kind !== "list") throw badDependency(file, list.position);
  return list.items.map((node) => {
    const map = asMap(node);
    const name = text(map, "name");
    if (!NAME.test(name)) throw badDependency(file, node.position);
    const repository = text(map, "repository");
    return {
      name,
      version: text(map, "version"),
      repository,
      key: text(map, "alias") || name,
      lockedVersion: locked.get(lockKey(name, repository)) ?? null,
      position: node.position,
    };
  });
}

const badDependency = (file: string, position: Position): DeployError =>
  new DeployError(
    "NOT_A_CHART",
    `${file}:${position.line}: expected a list of dependencies, each with a name, such as binderhub`,
    {
      place: { file, ...position },
    },
  );
