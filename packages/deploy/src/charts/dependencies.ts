import { join } from "node:path";
import { type Chart, type Dependency, readChart } from "./chart.ts";
import { archivesIn, assembleChart, filesOfChart, filesOfPart, lockOf, type Part, partsOf } from "./charts.ts";
import { DeployError } from "../errors.ts";
import { type FetchedArchive, fetchArchives, type FetchOptions, lockArchives } from "./fetch.ts";
import type { Helm } from "../helm/helm.ts";
import { archiveKey, isRemote } from "./lock-file.ts";
import { askRepository, type AskOptions, type Publication } from "./published.ts";
import { type FileSource, WorkTree } from "../files/tree.ts";
import type { Workspace } from "../files/workspace.ts";

/** What the charts of a project are made from, at its commit. */
export class Dependencies {
  readonly #tree: FileSource;
  /** The top folder of the work tree; null where there is none. */
  readonly #topLevel: string | null;
  readonly #workspace: Workspace;
  readonly #startHelm: () => Helm;
  readonly #folders = new Map<string, string>();

  constructor(tree: FileSource, topLevel: string | null, workspace: Workspace, startHelm: () => Helm) {
    this.#tree = tree;
    this.#topLevel = topLevel;
    this.#workspace = workspace;
    this.#startHelm = startHelm;
  }

  /** As `Project.dependencyFiles` has it. */
  filesOf(dependency: Dependency, chart: Chart): Map<string, Buffer> {
    const [part] = partsOf(this.#tree, { ...chart, dependencies: [dependency] });
    return part === undefined ? new Map() : filesOfPart(this.#tree, part, this.#topLevel);
  }

  /** As `Project.chartFiles` has it. */
  filesWith(chart: Chart, onMissing: (dependency: Dependency) => void): Map<string, Buffer> {
    return filesOfChart(this.#tree, chart, this.#topLevel, onMissing);
  }

  /** As `Project.chartFolder` has it. */
  folderWith(chart: Chart): string {
    const known = this.#folders.get(chart.path);
    if (known !== undefined) return known;
    // One that is damaged is told, whether anything is looked for in it or not.
    lockOf(this.#tree);
    const folder = join(this.#workspace.path, "charts", `${this.#folders.size}`, chart.name);
    assembleChart(this.#tree, chart, partsOf(this.#tree, chart), this.#topLevel, folder);
    this.#folders.set(chart.path, folder);
    return folder;
  }

  /** As `Project.archives` has it. */
  archivesOf(chart: Chart): Map<string, string> {
    const lock = lockOf(this.#tree);
    return new Map(
      archivesIn(partsOf(this.#tree, chart)).map(({ path, dependency }) => [
        path,
        lock.get(archiveKey(dependency))?.sha256 ?? "",
      ]),
    );
  }

  /** As `Project.askRepository` has it. */
  ask(dependency: Dependency, options: AskOptions): Promise<Publication> {
    if (!isRemote(dependency))
      return Promise.resolve({ state: "unknown", reason: "it has no address that can be asked" });
    return askRepository(this.#startHelm(), dependency, options);
  }

  /** As `Project.fetch` has it, for the dependencies of `charts`. */
  async fetch(charts: readonly Chart[], signal: AbortSignal | undefined): Promise<FetchedArchive[]> {
    const parts = charts.flatMap((chart) => partsOf(this.#tree, chart));
    return fetchArchives(this.#fetchOptions(parts, lockOf(this.#tree), signal));
  }

  /** As `Project.lock` has it, for the dependencies of `charts`, as the work tree has them. */
  async lock(charts: readonly Chart[], signal: AbortSignal | undefined): Promise<FetchedArchive[]> {
    const workTree = new WorkTree(this.#workTree());
    const parts = charts.flatMap(({ path }) => partsOf(workTree, readChart(workTree, path)));
    return lockArchives(this.#fetchOptions(parts, lockOf(workTree), signal));
  }

  #fetchOptions(parts: readonly Part[], lock: FetchOptions["lock"], signal: AbortSignal | undefined): FetchOptions {
    return { parts, lock, topLevel: this.#workTree(), scratch: this.#workspace.path, helm: this.#startHelm(), signal };
  }

  #workTree(): string {
    if (this.#topLevel !== null) return this.#topLevel;
    throw new DeployError("NO_WORK_TREE", "expected a repository with a work tree, got a bare one");
  }
}
