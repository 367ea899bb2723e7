/*
 * What a chart is made from: charts in the commit, and archives that were fetched.
 */
import { posix } from "node:path";
import { type Chart, type Dependency, readChart } from "./chart.ts";
import { archivePath, assertVendored } from "./charts-folder.ts";
import { attempt, DeployError, errorAt } from "../errors.ts";
import type { FileSource } from "../files/tree.ts";
import { pinnedKindOf } from "./lock-file.ts";
import { remember } from "../remember.ts";

/** A dependency and how it is there. */
export type Part =
  | { readonly kind: "local"; readonly dependency: Dependency; readonly chart: Chart; readonly parts: readonly Part[] }
  | ArchivePart
  | { readonly kind: "vendored"; readonly dependency: Dependency };

/** A dependency that comes as an archive, and where that lies. */
export interface ArchivePart {
  readonly kind: "archive";
  readonly dependency: Dependency;
  readonly path: string;
}

/** Charts within charts, deeper than anybody needs: those that hold themselves end here. */
const MOST_DEPTH = 8;
/** More than anybody has: aliases within aliases multiply. */
const MOST_PARTS = 1000;

/**
 * What a chart is made from.
 *
 * @throws DeployError UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, NOT_A_CHART
 */
export function partsOf(
  tree: FileSource,
  chart: Chart,
  depth = 0,
  room: { parts: number } = { parts: MOST_PARTS },
): Part[] {
  if (chart.remote !== null) {
    pinnedKindOf(chart.remote, chart.path);
    return [{ kind: "archive", dependency: chart.remote, path: `${chart.path}.tgz` }];
  }
  if ((room.parts -= chart.dependencies.length) < 0)
    throw new DeployError("NOT_A_CHART", `${chart.path}: it is made from more than ${MOST_PARTS} charts`);
  if (depth > MOST_DEPTH) throw new DeployError("NOT_A_CHART", `${chart.path}: charts within charts, without an end`);
  return chart.dependencies.map((dependency): Part => {
    const kind = pinnedKindOf(dependency, chart.path);
    if (kind === "vendored") {
      assertVendored(tree, chart, dependency);
      return { kind, dependency };
    }
    if (kind !== "file") return { kind: "archive", dependency, path: archivePath(chart.path, dependency) };
    const local = localChart(tree, chart, dependency);
    return { kind: "local", dependency, chart: local, parts: partsOf(tree, local, depth + 1, room) };
  });
}

/** The archives among the parts, those of local charts too. */
export const archivesIn = (parts: readonly Part[]): ArchivePart[] =>
  parts.flatMap((part) => (part.kind === "archive" ? [part] : part.kind === "local" ? archivesIn(part.parts) : []));

/**
 * Charts, and the local ones that they are made from, each once. What cannot be read is left out:
 * {@link partsOf} tells why.
 */
export function withLocalCharts(tree: FileSource, charts: readonly Chart[]): Chart[] {
  const known = new Map<string, Chart>();
  for (const chart of charts) addLocalCharts(tree, chart, known);
  return [...known.values()];
}

function addLocalCharts(tree: FileSource, chart: Chart, known: Map<string, Chart>): void {
  if (known.has(chart.path)) return;
  known.set(chart.path, chart);
  for (const dependency of chart.dependencies) {
    if (!dependency.repository.startsWith("file://")) continue;
    attempt(() => addLocalCharts(tree, localChart(tree, chart, dependency), known));
  }
}

function localChart(tree: FileSource, chart: Chart, { name, version, repository, file, position }: Dependency): Chart {
  const place = { file, ...position };
  const path = posix.normalize(posix.join(chart.path, repository.slice("file://".length))).replace(/\/$/, "");
  if (path === ".." || path.startsWith("../") || repository.startsWith("file:///")) {
    throw errorAt("UNPINNED_DEPENDENCY", place, `the dependency ${name} lies outside of the repository`);
  }
  const local = readOnce(tree, path);
  if (local.name === name && local.version === version) return local;
  const held = `${local.name} ${local.version}`;
  throw errorAt("NOT_A_CHART", place, `${path} holds ${held}, and the dependency is ${name} ${version}`);
}

const chartsOfTree = new WeakMap<FileSource, Map<string, Chart>>();

/** Charts that many depend on are read once. */
function readOnce(tree: FileSource, path: string): Chart {
  const known = remember(chartsOfTree, tree, () => new Map());
  return remember(known, path, () => readChart(tree, path));
}
