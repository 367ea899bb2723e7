import { closeSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { Chart, Dependency } from "./chart.ts";
import { folderPath, straysIn } from "./charts-folder.ts";
import { assertData, contentFor, type EncryptedContent, noMemory } from "./encrypted-files.ts";
import { DeployError, orElse } from "../errors.ts";
import { assertOwnSchemas, filesWithin } from "./foreign-schemas.ts";
import { type FetchedArchive, fetchArchives, type FetchProgress, readIfThere } from "./fetch.ts";
import { type FileSource, MOST_FILE_BYTES, type TrackedFile } from "../files/tree.ts";
import { noWorkTree } from "../files/work-tree.ts";
import type { Workspace } from "../files/workspace.ts";
import { CHART_DESCRIPTOR, type ChartPlace, type Helm } from "../helm/helm.ts";
import { ignoredBy } from "./helmignore.ts";
import { filesOfArchive } from "./loaded-chart.ts";
import { archiveKey, isRemote, lockOf, sha256, unlockedArchive } from "./lock-file.ts";
import { memoryFile, pathOfDescriptor } from "./memory-file.ts";
import { archivesIn, type ArchivePart, type Part, partsOf, withLocalCharts } from "./parts.ts";
import { askRepository, type AskOptions, type Publication } from "./published.ts";
import { remember } from "../remember.ts";
import type { StandIns } from "../secrets/stand-ins.ts";
import { writeArchive } from "./tar-writer.ts";

/** What the sources of charts are read and written with. */
export interface ChartSourcesParts {
  readonly tree: FileSource;
  /** The top folder of the work tree; null where there is none. */
  readonly topLevel: string | null;
  readonly workspace: Workspace;
  readonly startHelm: () => Helm;
}

/** What a chart may have with all that it is made from, in bytes. */
class Room {
  readonly #chart: Chart;
  #left = MOST_FILE_BYTES;

  constructor(chart: Chart) {
    this.#chart = chart;
  }

  /** Do so before they are read. @throws DeployError NOT_A_CHART where there is no room left */
  take(files: readonly { readonly bytes: number }[]): void {
    this.#left -= files.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#left >= 0) return;
    const { name, path } = this.#chart;
    const message = `the chart ${name} has more than ${MOST_FILE_BYTES} bytes with all that it is made from`;
    throw new DeployError("NOT_A_CHART", message, {
      hint: "take what is no part of it out of its folder",
      place: { file: `${path}/Chart.yaml` },
    });
  }
}

/**
 * What the charts of a project are made from, at its commit: local charts come from git, the
 * archives of others from the `charts` folders, where each must be what `deploy.lock` says.
 */
export class ChartSources {
  readonly #parts: ChartSourcesParts;
  readonly #tree: FileSource;
  readonly #places = new Map<string, ChartPlace>();
  readonly #withStandIns = new WeakMap<StandIns, Map<string, ChartPlace>>();
  readonly #descriptors: number[] = [];
  readonly #encrypted = new Map<string, TrackedFile[]>();

  constructor(parts: ChartSourcesParts) {
    this.#parts = parts;
    this.#tree = parts.tree;
  }

  /**
   * The files of a chart's dependency, by their paths in it, such as `values.yaml`: of an archive,
   * once it is known to be what was locked; of one that is vendored as a folder, none.
   *
   * @throws DeployError UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, MISSING_ARCHIVE,
   * ARCHIVE_MISMATCH, NOT_A_CHART, TOO_LARGE
   */
  filesOf(dependency: Dependency, chart: Chart): Map<string, Buffer> {
    const [part] = partsOf(this.#tree, { ...chart, dependencies: [dependency] });
    if (part === undefined || part.kind === "vendored") return new Map();
    if (part.kind === "local") {
      const { path, files } = part.chart;
      return new Map(files.map((file) => [file.path.slice(path.length + 1), this.#tree.read(file)]));
    }
    const bytes = this.#verifiedArchive(part);
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
   * The files of a chart with all that it is made from, by their paths in it, as Helm gets them.
   * What is encrypted is left out, and so is a dependency that cannot be had, which `onMissing` is
   * told.
   *
   * @throws DeployError NOT_A_CHART where it is too much
   */
  filesWith(chart: Chart, onMissing: (dependency: Dependency) => void): Map<string, Buffer> {
    return this.#filesWith(chart, onMissing, new Room(chart));
  }

  #filesWith(chart: Chart, onMissing: (dependency: Dependency) => void, room: Room): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    const { remote } = chart;
    if (remote !== null) {
      const own = orElse(null, () => this.filesOf(remote, chart));
      if (own === null) onMissing(remote);
      return own ?? files;
    }
    const add = (of: readonly TrackedFile[]): void => {
      const readable = of.filter(({ encrypted, mode }) => !encrypted && mode.startsWith("100"));
      room.take(readable);
      this.#tree.preload(readable);
      for (const file of readable) files.set(file.path.slice(chart.path.length + 1), this.#tree.read(file));
    };
    add(ownFiles(chart));
    const known = new Set<string>();
    for (const dependency of chart.dependencies) {
      // Under another alias it is the same chart.
      if (known.has(archiveKey(dependency))) continue;
      known.add(archiveKey(dependency));
      try {
        const [part] = partsOf(this.#tree, { ...chart, dependencies: [dependency] });
        if (part?.kind === "vendored") add(vendoredFiles(chart, dependency));
        if (part?.kind === "local")
          for (const [path, content] of this.#filesWith(part.chart, onMissing, room))
            files.set(`charts/${dependency.name}/${path}`, content);
        if (part?.kind === "archive") {
          const archive = this.#verifiedArchive(part);
          room.take([{ bytes: archive.length }]);
          files.set(part.path.slice(chart.path.length + 1), archive);
        }
      } catch (error) {
        if (!(error instanceof DeployError)) throw error;
        onMissing(dependency);
      }
    }
    return files;
  }

  /**
   * Where Helm finds a chart with all that it is made from: a folder that is removed with the
   * workspace, or, where some of its files are encrypted, what lies in memory alone.
   *
   * @param encrypted what stands in it for what is encrypted
   * @throws DeployError SECRET_IN_CHART, FOREIGN_SCHEMA; UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY,
   * MISSING_ARCHIVE, ARCHIVE_MISMATCH, TOO_LARGE; NOT_A_CHART; LOCKED, TAMPERED_FILE for what is
   * encrypted
   */
  placeOf(chart: Chart, encrypted: EncryptedContent = "own"): ChartPlace {
    const hasSecrets = this.encryptedIn(chart).length > 0;
    if (!hasSecrets || encrypted === "own")
      return remember(this.#places, chart.path, () => this.#place(chart, encrypted));
    if (typeof encrypted === "object") {
      const places = remember(this.#withStandIns, encrypted, () => new Map<string, ChartPlace>());
      return remember(places, chart.path, () => this.#place(chart, encrypted));
    }
    return remember(this.#places, `${encrypted} ${chart.path}`, () => this.#place(chart, encrypted));
  }

  /** Whether a template of a chart may look something up in the cluster. */
  looksUp(chart: Chart): boolean {
    const files = new Map<string, Buffer>();
    const room = new Room(chart);
    this.#assemble(chart, partsOf(this.#tree, chart), { encrypted: "none", files, below: "", room });
    return filesWithin(files).some(
      ([path, content]) => /(?:^|[/:])templates\//.test(path) && content.includes("lookup"),
    );
  }

  #place(chart: Chart, encrypted: EncryptedContent): ChartPlace {
    // One that is damaged is told, whether anything is looked for in it or not.
    lockOf(this.#tree);
    if (chart.remote !== null) return { path: this.#archiveOf(chart) };
    const files = new Map<string, Buffer>();
    this.#assemble(chart, partsOf(this.#tree, chart), { encrypted, files, below: "", room: new Room(chart) });
    const [secret] = encrypted === "none" ? [] : this.encryptedIn(chart).filter(({ locked }) => !locked);
    if (secret === undefined) return { path: this.#folderOf(chart, files) };
    const isIgnored = ignoredBy(files.get(".helmignore")?.toString());
    const taken = [...files].filter(([path]) => !isIgnored(path));
    const odd = taken.find(([path]) => path.includes("\\"));
    if (odd !== undefined)
      throw new DeployError("NOT_A_CHART", `the chart ${chart.name} has a file with a backslash in its name`, {
        hint: "rename it: in an archive, as which Helm gets this chart, it parts folders",
      });
    const archive = writeArchive(taken.map(([path, content]) => [`${chart.name}/${path}`, content] as const));
    const descriptor = memoryFile(archive);
    archive.fill(0);
    if (descriptor === null) throw noMemory(secret);
    this.#descriptors.push(descriptor);
    return { path: pathOfDescriptor(CHART_DESCRIPTOR), descriptor };
  }

  /** A file with the archive of a chart that is deployed as it was published. */
  #archiveOf(chart: Chart): string {
    const folder = join(this.#parts.workspace.path, "charts", `${this.#places.size}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const [part] = archivesIn(partsOf(this.#tree, chart));
    if (part === undefined) throw new Error(`${chart.name} is made from no archive`);
    const archive = this.#verifiedArchive(part);
    assertOwnSchemas([[part.path, archive]]);
    const path = join(folder, `${chart.name}-${chart.version}.tgz`);
    writeFileSync(path, archive, { mode: 0o600 });
    return path;
  }

  #folderOf(chart: Chart, files: ReadonlyMap<string, Buffer>): string {
    const folder = join(this.#parts.workspace.path, "charts", `${this.#places.size}`, chart.name);
    mkdirSync(join(folder, "charts"), { recursive: true, mode: 0o700 });
    for (const [path, content] of files) {
      const name = join(folder, path);
      mkdirSync(dirname(name), { recursive: true, mode: 0o700 });
      writeFileSync(name, content, { mode: 0o600 });
    }
    return folder;
  }

  /** The encrypted files that a chart is made from, in local charts that it depends on, too. */
  encryptedIn(chart: Chart): TrackedFile[] {
    return remember(this.#encrypted, chart.path, () => {
      const charts = withLocalCharts(this.#tree, [chart]);
      const files = charts.flatMap((one) => one.files.map((file) => orElse(file, () => this.#regularFile(file))));
      return files.filter((file) => file.encrypted);
    });
  }

  /** Closes what is in memory: programs that were given it keep theirs. */
  close(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
    this.#places.clear();
  }

  /**
   * The archives that a chart is made from, by their paths, with the SHA-256 that `deploy.lock` has
   * of each.
   */
  archivesOf(chart: Chart): Map<string, string> {
    const lock = lockOf(this.#tree);
    return new Map(
      archivesIn(partsOf(this.#tree, chart)).map(({ path, dependency }) => [
        path,
        lock.get(archiveKey(dependency))?.sha256 ?? "",
      ]),
    );
  }

  /**
   * Asks a dependency's repository whether its version was published: over the network. One without
   * a remote repository is unknown.
   *
   * @throws DeployError INTERRUPTED
   */
  async ask(dependency: Dependency, options: AskOptions): Promise<Publication> {
    if (!isRemote(dependency)) return { state: "unknown", reason: "it has no address that can be asked" };
    return askRepository(this.#parts.startHelm(), dependency, options);
  }

  /** As `Project.fetch` has it, for the dependencies of `charts`. */
  async fetch(
    charts: readonly Chart[],
    options: { readonly signal?: AbortSignal | undefined; readonly progress?: FetchProgress | undefined },
  ): Promise<FetchedArchive[]> {
    const { topLevel, workspace, startHelm } = this.#parts;
    if (topLevel === null) throw noWorkTree();
    const archives = archivesIn(charts.flatMap((chart) => partsOf(this.#tree, chart)));
    const lock = lockOf(this.#tree);
    return fetchArchives({ archives, lock, topLevel, temporary: workspace.path, helm: startHelm(), ...options });
  }

  /** An archive, of the commit or else the work tree, once it is known to be what was locked. */
  #verifiedArchive({ dependency, path }: ArchivePart): Buffer {
    const place = { file: path };
    const locked = lockOf(this.#tree).get(archiveKey(dependency));
    if (locked === undefined) throw unlockedArchive(dependency);
    const file = this.#tree.find(path);
    const { topLevel } = this.#parts;
    const fetched = (): Buffer | null => (topLevel === null ? null : readIfThere(join(topLevel, path)));
    const bytes = file === undefined ? fetched() : this.#tree.stored(file);
    if (bytes === null) {
      throw new DeployError("MISSING_ARCHIVE", `the archive ${path} is not there`, {
        hint: "fetch it",
        remedy: "fetch",
        place,
      });
    }
    if (sha256(bytes) === locked.sha256) return bytes;
    throw new DeployError("ARCHIVE_MISMATCH", `the archive ${path} is not the one that was locked`, {
      hint: "remove it and fetch it; where that fails, too, the version was published again with other content",
      remedy: "fetch-again",
      place,
    });
  }

  /** Gathers a chart's files as Helm takes them: of the folder `charts`, only its dependencies. */
  #assemble(chart: Chart, parts: readonly Part[], into: Assembly): void {
    const { files, below } = into;
    const [stray] = straysIn(chart);
    if (stray !== undefined) {
      const message = `the ${stray.what} ${stray.path} is no dependency of the chart, and Helm would take it`;
      throw new DeployError("ARCHIVE_MISMATCH", message, { hint: stray.hint, place: { file: stray.path } });
    }
    const vendored = parts.flatMap((part) => (part.kind === "vendored" ? vendoredFiles(chart, part.dependency) : []));
    this.#gather(chart.path, [...ownFiles(chart), ...vendored], into);
    for (const part of parts) {
      const { name, version } = part.dependency;
      if (part.kind === "local") this.#assemble(part.chart, part.parts, { ...into, below: `${below}charts/${name}/` });
      if (part.kind === "archive") {
        const archive = this.#verifiedArchive(part);
        into.room.take([{ bytes: archive.length }]);
        assertOwnSchemas([[part.path, archive]]);
        files.set(`${below}charts/${name}-${version}.tgz`, archive);
      }
    }
  }

  #gather(path: string, own: readonly TrackedFile[], { encrypted, files, below, room }: Assembly): void {
    const sources = own.map((file) => [file.path.slice(path.length + 1), this.#regularFile(file)] as const);
    room.take(sources.map(([, file]) => file));
    for (const [name, source] of sources) if (source.encrypted) assertData(source, name);
    this.#tree.preload(sources.map(([, source]) => source));
    assertOwnSchemas(sources.map(([name, source]) => [`${path}/${name}`, this.#tree.stored(source)]));
    for (const [name, source] of sources)
      files.set(
        below + name,
        contentFor(source, name, encrypted, () => this.#tree.read(source)),
      );
  }

  /** The file itself, or what a symbolic link in the commit leads to. */
  #regularFile(file: TrackedFile): TrackedFile {
    if (file.mode !== "120000") return file;
    const target = this.#tree.find(posix.join(posix.dirname(file.path), this.#tree.stored(file).toString()));
    if (target !== undefined && target.mode !== "120000") return target;
    throw new DeployError("NOT_A_CHART", `${file.path}: the symbolic link leads to no file of the commit`, {
      place: { file: file.path },
    });
  }
}

/** What a chart's files are gathered into. */
interface Assembly {
  readonly encrypted: EncryptedContent;
  /** By their paths in the chart that is deployed. */
  readonly files: Map<string, Buffer>;
  /** Where this chart lies in it: empty, or with a slash at the end. */
  readonly below: string;
  readonly room: Room;
}

/** The files of a chart but those in its folder `charts`. */
const ownFiles = ({ path, files }: Chart): TrackedFile[] =>
  files.filter((file) => !file.path.startsWith(`${path}/charts/`));

const vendoredFiles = ({ path, files }: Chart, dependency: Dependency): TrackedFile[] =>
  files.filter((file) => file.path.startsWith(`${folderPath(path, dependency)}/`));
