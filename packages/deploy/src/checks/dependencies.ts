import type { Dependency } from "../charts/chart.ts";
import { DeployError } from "../errors.ts";
import type { Check } from "./finding.ts";
import type { Project } from "../project/project.ts";
import { isMap } from "../values/value.ts";
import { readYaml, valueOf } from "../values/yaml.ts";
import { textAt } from "./pods.ts";
import { findingOf, found, orElse } from "./reading.ts";

/** Tells of dependencies that are not pinned, not locked, not there, or not what was locked. */
export const dependencies: Check = async function* dependenciesCheck({ project }) {
  const { chart } = project;
  const file = `${chart.path}/Chart.yaml`;
  for (const dependency of chart.dependencies) {
    const files = orElse<Map<string, Buffer> | DeployError>(
      () => project.dependencyFiles(dependency),
      (error) => error,
    );
    if (files instanceof DeployError) {
      yield findingOf("dependencies", files);
      continue;
    }
    const content = files.get("Chart.yaml") ?? vendored(project, dependency);
    const is = content === null ? null : identity(content);
    if (is === `${dependency.name} ${dependency.version}`) continue;
    const what = is === null ? "is not there" : "is another chart or version";
    yield found("dependencies", "error", `what lies in charts for the dependency ${dependency.name} ${what}`, {
      file,
      ...dependency.position,
      hint: "Helm takes what lies there without a word: put the right version in its place",
    });
  }
  const named = new Set(chart.dependencies.map(({ name, version }) => `${chart.path}/charts/${name}-${version}.tgz`));
  for (const { path } of chart.files)
    if (path.startsWith(`${chart.path}/charts/`) && path.endsWith(".tgz") && !named.has(path))
      yield found("dependencies", "error", "this archive is no dependency of the chart, and Helm takes it", {
        file: path,
        hint: "remove it, or name it in Chart.yaml",
      });
  const keys = new Map<string, Dependency>();
  for (const dependency of chart.dependencies) {
    if (keys.has(dependency.key))
      yield found("dependencies", "error", `two dependencies share the key ${dependency.key}, and so their values`, {
        file,
        ...dependency.position,
        hint: "give one of them an alias",
      });
    keys.set(dependency.key, dependency);
  }
};

function vendored(project: Project, { name }: Dependency): Buffer | null {
  const description = project.file(`${project.chart.path}/charts/${name}/Chart.yaml`);
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
