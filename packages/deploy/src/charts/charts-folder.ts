/*
 * What lies in a chart's folder `charts`. Helm takes all of it, whether a dependency names it or
 * not, and a folder before an archive.
 */
import { type Chart, type Dependency, readChart } from "./chart.ts";
import { attempt, DeployError } from "../errors.ts";
import type { FileSource } from "../files/tree.ts";

/** In which archive of the chart's folder a dependency lies. */
export const archivePath = (chart: string, { name, version }: Dependency): string =>
  `${chart}/charts/${name}-${version}.tgz`;

/** In which folder of the chart's a dependency lies that is a part of the commit. */
export const folderPath = (chart: string, { name }: Dependency): string => `${chart}/charts/${name}`;

/** Something that Helm would take, and no dependency is. */
export interface Stray {
  readonly path: string;
  readonly what: "archive" | "folder" | "file";
  /** What to do about it. */
  readonly hint: string;
}

/**
 * What lies in the folder `charts` and is none of the chart's dependencies. A folder is one where
 * its dependency has no repository, or `file://charts/NAME`; it is none beside another dependency
 * of its name, which it would be taken for.
 */
export function straysIn(chart: Chart): Stray[] {
  const top = `${chart.path}/charts/`;
  const named = new Set(namedIn(chart));
  const strays = new Map<string, Stray>();
  for (const { path } of chart.files) {
    if (!path.startsWith(top)) continue;
    const [name = "", below] = path.slice(top.length).split("/", 2);
    const isFolder = below !== undefined;
    // Helm passes over these.
    if (/^[_.]/.test(name) || (!isFolder && name.endsWith(".prov"))) continue;
    if (named.has(top + name)) continue;
    const what = isFolder ? "folder" : name.endsWith(".tgz") ? "archive" : "file";
    strays.set(name, { path: top + name, what, hint: hintFor(chart, what, name) });
  }
  return [...strays.values()];
}

function* namedIn({ path, dependencies }: Chart): Generator<string> {
  for (const dependency of dependencies) {
    const { name } = dependency;
    if (!isVendored(dependency)) yield archivePath(path, dependency);
    else if (dependencies.every((other) => other.name !== name || isVendored(other)))
      yield folderPath(path, dependency);
  }
}

/** Whether the files of a dependency are those of the chart's folder. */
const isVendored = ({ name, repository }: Dependency): boolean =>
  repository === "" || /^file:\/\/(?:\.\/)?charts\/([^/]+)\/?$/.exec(repository)?.[1] === name;

function hintFor({ dependencies }: Chart, what: Stray["what"], name: string): string {
  if (what === "archive") return "remove it, or name it in Chart.yaml";
  if (what === "file") return "remove it";
  return dependencies.some((dependency) => dependency.name === name)
    ? `remove it: ${name} comes from the repository that Chart.yaml names`
    : "remove it, or name it in Chart.yaml with its version and without a repository";
}

/**
 * Asserts that a dependency without a repository lies in the folder of its name.
 *
 * @throws DeployError NOT_A_CHART
 */
export function assertVendored(tree: FileSource, chart: Chart, dependency: Dependency): void {
  const { name, version, file, position } = dependency;
  const folder = folderPath(chart.path, dependency);
  const what = identityIn(tree, folder);
  if (what === `${name} ${version}`) return;
  const found = what === null ? "is not there" : `is ${what}, and not ${version}`;
  const hint = "Helm takes what lies there without a word: put the right version in its place";
  const place = { file, ...position };
  throw new DeployError("NOT_A_CHART", `what lies in charts for the dependency ${name} ${found}`, { hint, place });
}

function identityIn(tree: FileSource, folder: string): string | null {
  if (tree.find(`${folder}/Chart.yaml`) === undefined) return null;
  const chart = attempt(() => readChart(tree, folder));
  return chart instanceof DeployError ? "no chart" : `${chart.name} ${chart.version}`;
}
