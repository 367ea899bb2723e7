/*
 * The chart and all that it is made from, at the project's commit: local charts come from git, the
 * archives of others from the `charts` folders, where each must be what `deploy.lock` says.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Chart, type Dependency, readChart } from "./chart.ts";
import { archivePath, assertVendored, folderPath, straysIn } from "./charts-folder.ts";
import { DeployError } from "../errors.ts";
import { filesOfArchive } from "./loaded-chart.ts";
import { archiveKey, assertPinned, LOCK_FILE, type LockedArchive, parseLock } from "./lock-file.ts";
import type { FileSource, TrackedFile } from "../files/tree.ts";
import { writeChart } from "../files/workspace.ts";

/** A dependency and how it is there. */
export type Part =
  | { readonly kind: "local"; readonly dependency: Dependency; readonly chart: Chart; readonly parts: readonly Part[] }
  | { readonly kind: "archive"; readonly dependency: Dependency; readonly path: string }
  | { readonly kind: "vendored"; readonly dependency: Dependency };

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
  if ((room.parts -= chart.dependencies.length) < 0)
    throw new DeployError("NOT_A_CHART", `${chart.path}: it is made from more than ${MOST_PARTS} charts`);
  if (depth > MOST_DEPTH) throw new DeployError("NOT_A_CHART", `${chart.path}: charts within charts, without an end`);
  return chart.dependencies.map((dependency): Part => {
    const kind = assertPinned(dependency, chart.path);
    if (kind === "vendored") {
      assertVendored(tree, chart, dependency);
      return { kind, dependency };
    }
    if (kind !== "file") return { kind: "archive", dependency, path: archivePath(chart.path, dependency) };
    const local = localChart(tree, chart, dependency);
    return { kind: "local", dependency, chart: local, parts: partsOf(tree, local, depth + 1, room) };
  });
}

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
    try {
      addLocalCharts(tree, localChart(tree, chart, dependency), known);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
    }
  }
}

function localChart(tree: FileSource, chart: Chart, dependency: Dependency): Chart {
  const path = posix
    .normalize(posix.join(chart.path, dependency.repository.slice("file://".length)))
    .replace(/\/$/, "");
  const at = `${chart.path}/Chart.yaml:${dependency.position.line}`;
  const place = { file: `${chart.path}/Chart.yaml`, ...dependency.position };
  if (path === ".." || path.startsWith("../") || dependency.repository.startsWith("file:///")) {
    throw new DeployError(
      "UNPINNED_DEPENDENCY",
      `${at}: the dependency ${dependency.name} lies outside of the repository`,
      {
        place,
      },
    );
  }
  const local = readOnce(tree, path);
  if (local.name === dependency.name && local.version === dependency.version) return local;
  throw new DeployError(
    "NOT_A_CHART",
    `${at}: ${path} holds ${local.name} ${local.version}, and the dependency is ${dependency.name} ${dependency.version}`,
    { place },
  );
}

const chartsOfTree = new WeakMap<FileSource, Map<string, Chart>>();

/** Charts that many depend on are read once. */
function readOnce(tree: FileSource, path: string): Chart {
  const known = chartsOfTree.get(tree) ?? new Map<string, Chart>();
  chartsOfTree.set(tree, known);
  const chart = known.get(path) ?? readChart(tree, path);
  known.set(path, chart);
  return chart;
}

/** The archives among the parts, those of local charts too. */
export const archivesIn = (parts: readonly Part[]): Extract<Part, { kind: "archive" }>[] =>
  parts.flatMap((part) => (part.kind === "archive" ? [part] : part.kind === "local" ? archivesIn(part.parts) : []));

/** What `deploy.lock` says at the commit; nothing where there is none. */
export function lockOf(tree: FileSource): Map<string, LockedArchive> {
  const file = tree.find(LOCK_FILE);
  return file === undefined ? new Map() : parseLock(tree.read(file).toString());
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * The bytes of a dependency's archive, from the commit or else the work tree, once they are known
 * to be what was locked.
 *
 * @throws DeployError UNLOCKED_DEPENDENCY, MISSING_ARCHIVE, ARCHIVE_MISMATCH
 */
export function verifiedArchive(
  tree: FileSource,
  { dependency, path }: Extract<Part, { kind: "archive" }>,
  topLevel: string | null,
): Buffer {
  const place = { file: path };
  const locked = lockOf(tree).get(archiveKey(dependency));
  if (locked === undefined) {
    throw new DeployError("UNLOCKED_DEPENDENCY", `the archive of ${dependency.name} is not in ${LOCK_FILE}`, {
      hint: "run `vault deploy lock`, look at what changed, and commit it",
      place: { file: LOCK_FILE },
    });
  }
  const file = tree.find(path);
  const bytes = file === undefined ? fromWorkTree(topLevel, path) : tree.stored(file);
  if (bytes === null) {
    throw new DeployError("MISSING_ARCHIVE", `the archive ${path} is not there`, {
      hint: "run `vault deploy fetch`",
      place,
    });
  }
  if (sha256(bytes) === locked.sha256) return bytes;
  throw new DeployError("ARCHIVE_MISMATCH", `the archive ${path} is not the one that was locked`, {
    hint: "remove it and run `vault deploy fetch`; where that fails, too, the version was published again with other content",
    place,
  });
}

function fromWorkTree(topLevel: string | null, path: string): Buffer | null {
  if (topLevel === null) return null;
  try {
    return readFileSync(join(topLevel, path));
  } catch {
    return null;
  }
}

/**
 * The files of a dependency, by their paths in its chart, such as `values.yaml`. Of a vendored one,
 * none.
 *
 * @throws DeployError as `verifiedArchive` does; NOT_A_CHART
 */
export function filesOfPart(tree: FileSource, part: Part, topLevel: string | null): Map<string, Buffer> {
  if (part.kind === "vendored") return new Map();
  if (part.kind === "local") {
    const { path, files } = part.chart;
    return new Map(files.map((file) => [file.path.slice(path.length + 1), tree.read(file)]));
  }
  const bytes = verifiedArchive(tree, part, topLevel);
  try {
    return filesOfArchive(bytes);
  } catch (cause) {
    throw new DeployError("NOT_A_CHART", `${part.path}: expected a chart's archive, got something else`, {
      place: { file: part.path },
      cause,
    });
  }
}

/**
 * The files of a chart with all that it is made from, as {@link assembleChart} writes them. What is
 * encrypted is left out, and so is a dependency that cannot be had, which `onMissing` is told.
 */
export function filesOfChart(
  tree: FileSource,
  chart: Chart,
  topLevel: string | null,
  onMissing: (dependency: Dependency) => void,
): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const own = chart.files.filter(
    ({ encrypted, mode, path }) => !encrypted && mode.startsWith("100") && !path.startsWith(`${chart.path}/charts/`),
  );
  tree.preload(own);
  const known = new Set<string>();
  for (const file of own) files.set(file.path.slice(chart.path.length + 1), tree.read(file));
  for (const dependency of chart.dependencies) {
    // Under another alias it is the same chart.
    if (known.has(archiveKey(dependency))) continue;
    known.add(archiveKey(dependency));
    try {
      const [part] = partsOf(tree, { ...chart, dependencies: [dependency] });
      if (part?.kind === "vendored")
        for (const file of vendoredFiles(chart, dependency))
          if (!file.encrypted && file.mode.startsWith("100"))
            files.set(file.path.slice(chart.path.length + 1), tree.read(file));
      if (part?.kind === "local")
        for (const [path, content] of filesOfChart(tree, part.chart, topLevel, onMissing))
          files.set(`charts/${dependency.name}/${path}`, content);
      if (part?.kind === "archive")
        files.set(part.path.slice(chart.path.length + 1), verifiedArchive(tree, part, topLevel));
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      onMissing(dependency);
    }
  }
  return files;
}

const vendoredFiles = ({ path, files }: Chart, dependency: Dependency): TrackedFile[] =>
  files.filter((file) => file.path.startsWith(`${folderPath(path, dependency)}/`));

/**
 * Writes a chart and what it is made from to the folder `target`, as Helm takes it: of its folder
 * `charts`, what its dependencies are.
 *
 * @throws DeployError SECRET_IN_CHART, ARCHIVE_MISMATCH for what lies in `charts` and no dependency
 * is; as `verifiedArchive` does
 */
export function assembleChart(
  tree: FileSource,
  chart: Chart,
  parts: readonly Part[],
  topLevel: string | null,
  target: string,
): void {
  const [stray] = straysIn(chart);
  if (stray !== undefined) {
    throw new DeployError(
      "ARCHIVE_MISMATCH",
      `the ${stray.what} ${stray.path} is no dependency of the chart, and Helm would take it`,
      { hint: stray.hint, place: { file: stray.path } },
    );
  }
  const vendored = parts.flatMap((part) => (part.kind === "vendored" ? vendoredFiles(chart, part.dependency) : []));
  const own = chart.files.filter(({ path }) => !path.startsWith(`${chart.path}/charts/`));
  writeChart(tree, { path: chart.path, files: [...own, ...vendored] }, target);
  if (parts.length > 0) mkdirSync(join(target, "charts"), { recursive: true, mode: 0o700 });
  for (const part of parts) {
    const { name, version } = part.dependency;
    if (part.kind === "local") assembleChart(tree, part.chart, part.parts, topLevel, join(target, "charts", name));
    if (part.kind === "archive")
      writeFileSync(join(target, "charts", `${name}-${version}.tgz`), verifiedArchive(tree, part, topLevel), {
        mode: 0o600,
      });
  }
}
