import { join } from "node:path";
import { openRepository } from "@git-vault/git-crypt";
import { type FetchedArchive, type FetchProgress, lockArchives } from "../charts/fetch.ts";
import { archiveKey, type LockedArchive, lockOf } from "../charts/lock-file.ts";
import { archivesIn, type ArchivePart, partsOf } from "../charts/parts.ts";
import type { Published } from "../charts/published.ts";
import { passOn } from "../errors.ts";
import { WorkTree } from "../files/work-tree.ts";
import { Workspace } from "../files/workspace.ts";
import { Helm } from "../helm/helm.ts";
import { chartReader, chartSettingsOf } from "./releases.ts";
import { readSettings } from "./settings.ts";

/** How charts are locked. */
export interface LockOptions {
  /** The environment that programs get; this process's own where left out. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: FetchProgress | undefined;
}

/**
 * Fetches the archives that the settings and charts of the work tree name, committed or not, puts
 * them into their places, and records them in its `deploy.lock`. Those that were recorded before
 * must be what they were. No key is needed.
 *
 * @param root a folder in the repository
 * @throws DeployError NO_PROJECT, INVALID_SETTINGS, NOT_A_CHART, UNPINNED_DEPENDENCY,
 * UNLOCKED_DEPENDENCY, ARCHIVE_MISMATCH, FETCH_FAILED, NO_WORK_TREE; TOOL_MISSING,
 * UNSUPPORTED_TOOL, INTERRUPTED; what git-crypt throws, as the cause
 */
export async function lockCharts(
  root: string,
  { env = process.env, signal, progress }: LockOptions = {},
): Promise<FetchedArchive[]> {
  const workspace = new Workspace();
  try {
    const tree = new WorkTree(openRepository(root, { env }));
    const archives = await archivesNamedIn(tree);
    const home = join(workspace.path, "helm");
    // It gets no secret that it could repeat.
    const helm = new Helm({ program: env["HELM"] ?? "helm", home, env, redact: (text) => text });
    const { topLevel } = tree;
    return await lockArchives({
      archives,
      lock: lockOf(tree),
      topLevel,
      temporary: workspace.path,
      helm,
      signal,
      progress,
    });
  } catch (error) {
    return passOn(error);
  } finally {
    workspace.remove();
  }
}

/** Where `deploy.lock` and what the work tree names are not the same. */
export interface LockDifference {
  /** Archives that are named and not locked, each once, by their names. */
  readonly missing: readonly Published[];
  /** Archives that are locked and not named any more. */
  readonly unneeded: readonly LockedArchive[];
}

/**
 * Compares the `deploy.lock` of the work tree with the archives that its settings and charts name,
 * committed or not. Nothing is fetched and no key is needed: whether what was published is still
 * what was locked, `Project.fetch` finds out.
 *
 * @param root a folder in the repository
 * @throws DeployError NO_PROJECT, INVALID_SETTINGS, NOT_A_CHART, UNPINNED_DEPENDENCY,
 * UNLOCKED_DEPENDENCY, NO_WORK_TREE; what git-crypt throws, as the cause
 */
export async function checkLock(
  root: string,
  { env = process.env }: Pick<LockOptions, "env"> = {},
): Promise<LockDifference> {
  try {
    const tree = new WorkTree(openRepository(root, { env }));
    const locked = lockOf(tree);
    const named = new Map(
      (await archivesNamedIn(tree)).map(({ dependency: { name, version, repository } }) => {
        const published = { name, version, repository };
        return [archiveKey(published), published];
      }),
    );
    return {
      missing: [...named]
        .filter(([key]) => !locked.has(key))
        .toSorted(byKey)
        .map(([, published]) => published),
      unneeded: [...locked]
        .filter(([key]) => !named.has(key))
        .toSorted(byKey)
        .map(([, archive]) => archive),
    };
  } catch (error) {
    return passOn(error);
  }
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

async function archivesNamedIn(tree: WorkTree): Promise<readonly ArchivePart[]> {
  const settings = await readSettings(tree, {});
  // What is fetched is named by the settings: its own files are not asked for.
  const chartOf = chartReader(tree, () => new Map());
  const charts = new Set(chartSettingsOf(settings).map(chartOf));
  return archivesIn([...charts].flatMap((chart) => partsOf(tree, chart)));
}
