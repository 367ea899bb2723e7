/*
 * Charts as Helm loads them from files: with the charts in their folder `charts`, as folders or
 * archives, and those in them.
 */
import { posix } from "node:path";
import { readValue } from "../values/read-yaml.ts";
import { isMap, listAt, newMap, textAt, type Value, type ValueMap } from "../values/value.ts";
import { readArchive } from "./tar.ts";

/** What a chart says of one that it depends on. */
export interface Requirement {
  readonly name: string;
  /** The key of its values: the alias, else the name. */
  readonly key: string;
  readonly version: string;
  /** Paths of values, of which the first that is there turns it on or off. */
  readonly conditions: readonly string[];
  readonly tags: readonly string[];
  /** Which of its values the chart takes for its own. */
  readonly imports: readonly { readonly child: string; readonly parent: string }[];
}

/** A chart with all that is in it. */
export interface LoadedChart {
  readonly name: string;
  readonly version: string;
  /** Whether it renders nothing itself, and has templates for others. */
  readonly isLibrary: boolean;
  /** What it says of its dependencies; null where it says nothing. */
  readonly requirements: readonly Requirement[] | null;
  /** What its values.yaml holds. */
  readonly defaults: ValueMap;
  /** By their paths in it, but for those of the charts in it. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly charts: readonly LoadedChart[];
}

/** Charts within charts, deeper than anybody needs. */
const MOST_DEPTH = 8;
/**
 * What a chart and all that is in it may unpack to: 128 MiB. Helm's own limit is 100 MiB for each
 * archive.
 */
const MOST_BYTES = 128 * 1024 * 1024;

/** What all their values may amount to, once aliases are followed. */
const MOST_VALUES = 2_000_000;
const MOST_CHARTS = 1000;

/** What is left of the room. */
interface Room {
  bytes: number;
  values: number;
  charts: number;
}

/**
 * Loads a chart from its files, by their paths in it. Of those in it, one that is no chart, is
 * nested too deeply or amounts to too much is left out: `onBroken` is told its file or folder, and
 * why.
 *
 * @throws Error where it is no chart itself
 */
export function loadChart(
  files: ReadonlyMap<string, Buffer>,
  onBroken: (name: string, why: string) => void,
): LoadedChart {
  const { own, inner } = partsIn(files);
  const charts = [...inner].flatMap(([name, part]) => {
    try {
      return loadPart(part, 1, { bytes: MOST_BYTES, values: MOST_VALUES, charts: MOST_CHARTS });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      onBroken(name, error.message);
      return [];
    }
  });
  return chartOf(own, charts, { bytes: 0, values: MOST_VALUES, charts: 1 });
}

/** Its own files, and those in it: the bytes of an archive, or the files of a folder. */
function partsIn(files: ReadonlyMap<string, Buffer>): {
  readonly own: Map<string, Buffer>;
  readonly inner: Map<string, Buffer | Map<string, Buffer>>;
} {
  const own = new Map<string, Buffer>();
  const inner = new Map<string, Buffer | Map<string, Buffer>>();
  for (const [path, content] of files) {
    const [, name = "", below] = /^charts\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
    if (name === "") own.set(path, content);
    // As Helm does, which also passes over files that are no archives.
    else if (/^[_.]/.test(name) || (below === undefined && !name.endsWith(".tgz"))) continue;
    else if (below === undefined) inner.set(name, content);
    else {
      const folder = inner.get(name) ?? new Map<string, Buffer>();
      if (folder instanceof Map) inner.set(name, folder.set(below, content));
    }
  }
  return { own, inner };
}

function loadPart(part: Buffer | ReadonlyMap<string, Buffer>, depth: number, room: Room): LoadedChart {
  if (depth > MOST_DEPTH) throw new Error(`charts lie in charts more than ${MOST_DEPTH} deep`);
  const { own, inner } = partsIn(Buffer.isBuffer(part) ? unpack(part, room) : part);
  const charts = [...inner.values()].map((one) => loadPart(one, depth + 1, room));
  return chartOf(own, charts, room);
}

function chartOf(own: ReadonlyMap<string, Buffer>, charts: readonly LoadedChart[], room: Room): LoadedChart {
  if ((room.charts -= 1) < 0) throw new Error(`it holds more than ${MOST_CHARTS} charts`);
  const metadata = metadataOf(own);
  const defaults = mapIn(own.get("values.yaml"));
  if ((room.values -= sizeOf(defaults)) < 0) throw new Error(`its charts have more than ${MOST_VALUES} values`);
  return {
    name: textAt(metadata, "name"),
    version: textAt(metadata, "version"),
    isLibrary: metadata["type"] === "library",
    requirements: requirementsOf(metadata["dependencies"]),
    defaults,
    files: own,
    charts,
  };
}

function unpack(archive: Buffer, room: Room): Map<string, Buffer> {
  let files;
  try {
    files = filesOfArchive(archive, room.bytes);
  } catch (cause) {
    // zlib's own words say nothing to people.
    throw new Error("it holds an archive that is none, or that unpacks to too much", { cause });
  }
  for (const content of files.values()) room.bytes -= content.length;
  return files;
}

/**
 * The files of a chart's archive, by their paths in the chart. Those that Helm would refuse are
 * refused.
 *
 * @throws Error where the bytes are no such archive
 */
export function filesOfArchive(archive: Uint8Array, most?: number): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const [name, content] of readArchive(archive, most)) {
    const path = posix.normalize(name.replaceAll("\\", "/").replace(/^[^/]*\/?/, ""));
    if (path.startsWith("/") || path.startsWith("..") || path === "." || /^[A-Za-z]:\//.test(path))
      throw new Error("an archive holds a file that lies outside of its chart");
    files.set(path, content);
  }
  return files;
}

function metadataOf(files: ReadonlyMap<string, Buffer>): ValueMap {
  const metadata = mapIn(files.get("Chart.yaml"));
  for (const key of ["name", "version"])
    if (textAt(metadata, key) === "") throw new Error(`it holds a chart without a Chart.yaml that has a ${key}`);
  // Where charts of apiVersion v1 have them.
  return { ...metadata, ...mapIn(files.get("requirements.yaml")) };
}

function requirementsOf(list: Value | undefined): Requirement[] | null {
  if (!Array.isArray(list)) return null;
  return list.filter(isMap).map((entry) => ({
    name: textAt(entry, "name"),
    key: textAt(entry, "alias") || textAt(entry, "name"),
    version: textAt(entry, "version"),
    conditions: textAt(entry, "condition")
      .trim()
      .split(",")
      .filter((path) => path !== ""),
    tags: listAt(entry, "tags").filter((tag) => typeof tag === "string"),
    imports: listAt(entry, "import-values").flatMap((item) => {
      if (typeof item === "string") return { child: `exports.${item}`, parent: "." };
      return isMap(item) ? { child: textAt(item, "child"), parent: textAt(item, "parent") } : [];
    }),
  }));
}

function sizeOf(value: Value): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((size, inner) => size + sizeOf(inner), 1);
}

/** The map in a file; an empty one where there is no file, or nothing in it. */
function mapIn(content: Buffer | undefined): ValueMap {
  if (content === undefined) return newMap();
  const value = readValue("a file of a chart", content.toString().replace(/^\uFEFF/, ""));
  if (value === null) return newMap();
  if (!isMap(value)) throw new Error("it holds a Chart.yaml or values.yaml that is no map");
  return value;
}
