import { type Chart, sourcesOf } from "../charts/chart.ts";
import { straysIn } from "../charts/charts-folder.ts";
import { isRemote, LOCK_FILE, parseLock } from "../charts/lock-file.ts";
import { insteadOf } from "../charts/published.ts";
import { attempt, DeployError, orElse } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Project } from "../project/project.ts";
import { isMap, textAt } from "../values/value.ts";
import { readValue } from "../values/read-yaml.ts";
import { findingOfError, found } from "./reading.ts";

/**
 * Tells of dependencies that are not pinned, not locked, not there, or not what was locked. In a
 * run that may use the network, the repository of one that no lock has is asked whether there is
 * such a version: what was locked was fetched, and needs no asking.
 */
export const dependencies: Check = async function* dependenciesCheck(context) {
  yield* damagedLock(context.project);
  const unlocked = new Set<string>();
  for (const chart of context.project.charts) yield* ofChart(context, chart, unlocked);
  yield* withoutLock(unlocked);
};

/** Where there is no lock at all, that is one thing to do, and one finding. */
function* withoutLock(names: ReadonlySet<string>): Generator<Finding> {
  if (names.size === 0) return;
  const message = `there is no ${LOCK_FILE} that has the archives of ${[...names].join(", ")}`;
  const error = new DeployError("UNLOCKED_DEPENDENCY", message, {
    hint: "lock them, look at what changed, and commit it",
    remedy: "lock",
    place: { file: LOCK_FILE },
  });
  yield findingOfError("dependencies", error);
}

/** One that is damaged is told, whether anything is locked or not. */
function damagedLock(project: Project): Finding[] {
  const file = project.file(LOCK_FILE);
  if (file === undefined) return [];
  const lock = attempt(() => parseLock(project.read(file).toString()));
  return lock instanceof DeployError ? [findingOfError("dependencies", lock)] : [];
}

async function* ofChart(context: CheckContext, chart: Chart, unlocked: Set<string>): AsyncGenerator<Finding> {
  const { project } = context;
  const read = sourcesOf(chart).map((dependency) => ({
    dependency,
    files: attempt(() => project.sources.filesOf(dependency, chart)),
  }));
  const isAskable = ({ dependency, files }: (typeof read)[number]): boolean =>
    files instanceof DeployError && files.code === "UNLOCKED_DEPENDENCY" && isRemote(dependency);
  if (!context.online && read.some(isAskable))
    context.skip("whether what no lock has was published: the repositories that the commit names are not asked");
  const asked = await inParallel(read, MOST_ASKED, (one) =>
    context.online && isAskable(one)
      ? project.sources.ask(one.dependency, { signal: context.signal })
      : Promise.resolve(null),
  );
  for (const [at, { dependency, files }] of read.entries()) {
    const { name, version, repository, file, position } = dependency;
    const place = { file, ...position };
    if (isOpen(repository)) {
      const message = `${name} is fetched over http://, where anybody on the way may change it`;
      const hint = "write the https:// address: the first fetch is what gets locked";
      yield found("dependencies", "warning", message, { ...place, hint });
    }
    const publication = asked[at];
    if (publication?.state === "unknown")
      context.skip(`whether ${name} ${version} was published at ${repository}, since ${publication.reason}`);
    if (publication?.state === "absent") {
      const message = `${name} ${version} was never published, or is not any more, at ${repository}`;
      yield found("dependencies", "error", message, { ...place, hint: insteadOf(publication.others) });
    } else if (files instanceof DeployError) {
      if (files.place?.file === LOCK_FILE && project.file(LOCK_FILE) === undefined) unlocked.add(name);
      else yield findingOfError("dependencies", files);
    } else {
      // Of a vendored one, whose files are the chart's, this is known already.
      const content = files.get("Chart.yaml");
      const is = content === undefined ? null : identity(content);
      if (is === `${name} ${version}` || repository === "") continue;
      const what = is === null ? "is not there" : `is ${is === "" ? "no chart" : is}, and not ${version}`;
      const hint = "Helm takes what lies there without a word: put the right version in its place";
      yield found("dependencies", "error", `what lies in charts for the dependency ${name} ${what}`, {
        ...place,
        hint,
      });
    }
  }
  yield* strays(chart);
  yield* twins(chart);
}

/** Whether an address is fetched from in the clear, and not of this machine. */
const isOpen = (repository: string): boolean =>
  repository.startsWith("http://") && !/^http:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?:[:/]|$)/.test(repository);

/** So many repositories are asked at a time. */
const MOST_ASKED = 4;

function* strays(chart: Chart): Generator<Finding> {
  for (const { path, what, hint } of straysIn(chart))
    yield found("dependencies", "error", `this ${what} is no dependency of the chart, and Helm takes it`, {
      file: path,
      hint,
    });
}

function* twins(chart: Chart): Generator<Finding> {
  const keys = new Set<string>();
  for (const { key, file, position } of chart.dependencies) {
    if (keys.has(key))
      yield found("dependencies", "error", `two dependencies share the key ${key}, and so their values`, {
        file,
        ...position,
        hint: "give one of them an alias",
      });
    keys.add(key);
  }
}

/** The name and version that a `Chart.yaml` tells. */
function identity(content: Buffer): string {
  const value = orElse(null, () => readValue("Chart.yaml", content.toString()));
  return isMap(value) ? `${textAt(value, "name")} ${textAt(value, "version")}` : "";
}
