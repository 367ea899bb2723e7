import type { Chart, Dependency } from "../charts/chart.ts";
import { archivePath } from "../charts/charts.ts";
import { isRemote } from "../charts/lock-file.ts";
import { insteadOf } from "../charts/published.ts";
import { DeployError } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import type { Check, CheckContext, Finding } from "./finding.ts";
import type { Project } from "../project/project.ts";
import { isMap } from "../values/value.ts";
import { readYaml, valueOf } from "../values/yaml.ts";
import { textAt } from "./pods.ts";
import { findingOf, found, orElse } from "./reading.ts";

/**
 * Tells of dependencies that are not pinned, not locked, not there, or not what was locked. The repository of one that no lock has is
 * asked whether there is such a version: what was locked was fetched, and needs no asking.
 */
export const dependencies: Check = async function* dependenciesCheck(context) {
  for (const chart of context.project.charts) yield* ofChart(context, chart);
};

async function* ofChart(context: CheckContext, chart: Chart): AsyncGenerator<Finding> {
  const { project } = context;
  const file = `${chart.path}/Chart.yaml`;
  const read = chart.dependencies.map((dependency) => ({
    dependency,
    files: orElse<Map<string, Buffer> | DeployError>(
      () => project.dependencyFiles(dependency, chart),
      (error) => error,
    ),
  }));
  const asked = await inParallel(read, MOST_ASKED, ({ dependency, files }) =>
    files instanceof DeployError && files.code === "UNLOCKED_DEPENDENCY" && isRemote(dependency)
      ? project.askRepository(dependency, { signal: context.signal })
      : Promise.resolve(null),
  );
  for (const [at, { dependency, files }] of read.entries()) {
    const { name, version, repository, position } = dependency;
    const publication = asked[at];
    if (publication?.state === "unknown")
      context.skip(`whether ${name} ${version} was published at ${repository}, since ${publication.reason}`);
    if (publication?.state === "absent") {
      yield found(
        "dependencies",
        "error",
        `${name} ${version} was never published, or is not any more, at ${repository}`,
        {
          file,
          ...position,
          hint: insteadOf(publication.others),
        },
      );
    } else if (files instanceof DeployError) {
      yield findingOf("dependencies", files);
    } else {
      const content = files.get("Chart.yaml") ?? vendored(project, chart, dependency);
      const is = content === null ? null : identity(content);
      if (is === `${name} ${version}`) continue;
      const what = is === null ? "is not there" : `is ${is === "" ? "no chart" : is}, and not ${version}`;
      yield found("dependencies", "error", `what lies in charts for the dependency ${name} ${what}`, {
        file,
        ...position,
        hint: "Helm takes what lies there without a word: put the right version in its place",
      });
    }
  }
  yield* strays(chart);
  yield* twins(chart, file);
}

/** So many repositories are asked at a time. */
const MOST_ASKED = 4;

function* strays({ path: folder, dependencies: named, files }: Chart): Generator<Finding> {
  const archives = new Set(named.map((dependency) => archivePath(folder, dependency)));
  for (const { path } of files)
    if (path.startsWith(`${folder}/charts/`) && path.endsWith(".tgz") && !archives.has(path))
      yield found("dependencies", "error", "this archive is no dependency of the chart, and Helm takes it", {
        file: path,
        hint: "remove it, or name it in Chart.yaml",
      });
}

function* twins(chart: Chart, file: string): Generator<Finding> {
  const keys = new Set<string>();
  for (const { key, position } of chart.dependencies) {
    if (keys.has(key))
      yield found("dependencies", "error", `two dependencies share the key ${key}, and so their values`, {
        file,
        ...position,
        hint: "give one of them an alias",
      });
    keys.add(key);
  }
}

function vendored(project: Project, { path }: Chart, { name }: Dependency): Buffer | null {
  const description = project.file(`${path}/charts/${name}/Chart.yaml`);
  return description === undefined ? null : project.read(description);
}

/** The name and version that a `Chart.yaml` tells. */
function identity(content: Buffer): string {
  return orElse(
    () => {
      const [document] = readYaml("Chart.yaml", content.toString()).documents;
      const value = document === undefined ? null : valueOf(document);
      return isMap(value) ? `${textAt(value, "name")} ${textAt(value, "version")}` : "";
    },
    () => "",
  );
}
