import { posix } from "node:path";
import type { ChartSetting, EnvironmentSettings } from "../project/settings.ts";
import { at, isMap, listAt, textAt, type Value } from "../values/value.ts";
import { type Draft, labelOf } from "./draft.ts";

const TOP = ["helmfile.yaml", "helmfile.yml", "helmfile.yaml.gotmpl"];

/** A release of a helmfile. */
interface Found {
  readonly key: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly chart: ChartSetting;
  /** The layers that are there, by the environment. */
  readonly layers: ReadonlyMap<string, readonly string[]>;
  readonly file: string;
}

/** A helmfile and those that it names. Whether there is one. */
export function draftHelmfile(draft: Draft): boolean {
  const top = TOP.find((path) => draft.has(path));
  if (top === undefined) return false;
  const files = filesFrom(draft, top, new Set());
  const names = environmentsIn(draft, files);
  const releases = files.flatMap((file) => releasesIn(draft, file, names));
  const main =
    releases.findLast(({ chart }) => typeof chart === "string" && draft.has(`${chart}/Chart.yaml`)) ?? releases.at(-1);
  if (main === undefined) return false;
  draft.chart = main.chart;
  draft.take("chart", `the release ${main.name} of ${main.file}: any may be the main one`);
  for (const name of names) {
    draft.environments.set(name, environmentOf(draft, main, name));
    draft.take(`environment ${name}`, top);
  }
  for (const { key, name, namespace, chart, layers, file } of releases) {
    if (key === main.key) continue;
    const shared =
      layers.get(names[0] ?? "")?.filter((path) => names.every((one) => layers.get(one)?.includes(path) === true)) ??
      [];
    const own = names.map(
      (one) => [one, { layers: layers.get(one)?.filter((path) => !shared.includes(path)) ?? [] }] as const,
    );
    const differs = own.some(([, its]) => its.layers.length > 0);
    draft.releases.set(key, {
      chart,
      ...(labelOf(name) === key ? {} : { release: name }),
      ...(namespace === undefined || namespace === key ? {} : { namespace }),
      ...(shared.length === 0 ? {} : { layers: shared }),
      ...(differs ? { environments: Object.fromEntries(own) } : {}),
    });
    draft.take(`release ${key}`, file);
  }
  draft.ask(
    "how each cluster is reached: helmfile takes the context of the user; encrypt a kubeconfig and name it, or give one by --kubeconfig",
  );
  return true;
}

function environmentOf(draft: Draft, { name, namespace, layers }: Found, environment: string): EnvironmentSettings {
  const own = layers.get(environment) ?? [];
  return {
    release: name,
    ...(namespace === undefined ? {} : { namespace }),
    layers: own,
    ...draft.nodePoolsIn(own),
  };
}

/** What helmfile escapes for a second pass, as it is then. */
const unescaped = (text: string): string => text.replaceAll(/\{\{`([^`\n]*)`\}\}/g, "$1");

const valueOf = (draft: Draft, path: string): Value => draft.valueAfter(path, unescaped);

/** How many helmfiles are read, each of which may name others. */
const MOST_FILES = 200;

function filesFrom(draft: Draft, path: string, known: Set<string>): string[] {
  if (known.has(path)) return [];
  if (known.size === MOST_FILES) {
    draft.ask(`${path}: it was not read, after ${MOST_FILES} other helmfiles`);
    return [];
  }
  known.add(path);
  const value = valueOf(draft, path);
  if (value === null) draft.ask(`${path}: it is no YAML before its templates are rendered, and was not read`);
  const below = listAt(value, "helmfiles").flatMap((entry) => {
    const named = typeof entry === "string" ? entry : textAt(entry, "path");
    const inner = posix.join(posix.dirname(path), named);
    if (draft.has(inner)) return filesFrom(draft, inner, known);
    draft.ask(`${path} names ${named}, which is no file of the commit`);
    return [];
  });
  return [...below, path];
}

function environmentsIn(draft: Draft, files: readonly string[]): string[] {
  const names = new Set(
    files.flatMap((file) => {
      const environments = at(valueOf(draft, file), "environments");
      return isMap(environments) ? Object.keys(environments) : [];
    }),
  );
  return names.size === 0 ? ["default"] : [...names].map(labelOf);
}

function releasesIn(draft: Draft, file: string, names: readonly string[]): Found[] {
  const value = valueOf(draft, file);
  const repositories = new Map(listAt(value, "repositories").map((one) => [textAt(one, "name"), one]));
  return listAt(value, "releases").flatMap((release): Found[] => {
    const name = textAt(release, "name");
    const chart = chartOf(draft, file, release, repositories);
    if (at(release, "installed") === false) return [];
    if (chart === null || name === "" || name.includes("{{")) {
      draft.ask(
        `${file}: the release ${name}: its chart ${textAt(release, "chart")} ${textAt(release, "version")} needs an exact version and a repository that is named`,
      );
      return [];
    }
    const inline = [...listAt(release, "values"), ...listAt(release, "set")].some(isMap);
    if (inline)
      draft.ask(
        `${file}: the release ${name} has values of its own there: put them into a file, and name that as a layer`,
      );
    const layers = new Map(names.map((one) => [one, layersOf(draft, file, release, one)]));
    const namespace = textAt(release, "namespace") || undefined;
    return [{ key: labelOf(name), name, namespace, chart, layers, file }];
  });
}

function chartOf(
  draft: Draft,
  file: string,
  release: unknown,
  repositories: ReadonlyMap<string, unknown>,
): ChartSetting | null {
  const [chart, version] = [textAt(release, "chart"), textAt(release, "version")];
  const local = posix.join(posix.dirname(file), chart);
  if (draft.has(`${local}/Chart.yaml`)) return local;
  if (!/^v?\d+\.\d+\.\d+/.test(version)) return null;
  if (chart.startsWith("oci://")) return `${chart}@${version}`;
  const [alias = "", ...rest] = chart.split("/");
  const repository = repositories.get(alias);
  const url = textAt(repository, "url");
  if (url === "" || rest.length === 0) return null;
  return {
    name: rest.join("/"),
    version,
    repository: at(repository, "oci") === true ? `oci://${url.replace(/^oci:\/\//, "")}` : url,
  };
}

/** Those files that are there: helmfile leaves others out where it is told to. */
function layersOf(draft: Draft, file: string, release: unknown, environment: string): string[] {
  const named = [...listAt(release, "values"), ...listAt(release, "secrets")].filter((one) => typeof one === "string");
  return [...new Set(named)].flatMap((text) => {
    const path = text
      .replaceAll(/\{\{\s*\.Environment\.Name\s*\}\}/g, environment)
      .replaceAll(/\{\{\s*\.Release\.Name\s*\}\}/g, textAt(release, "name"))
      .replaceAll(/\{\{\s*\.(?:Release\.)?Namespace\s*\}\}/g, textAt(release, "namespace"));
    const whole = posix.join(posix.dirname(file), path);
    if (/\{\{|\.gotmpl$/.test(path)) {
      draft.ask(`${file}: the layer ${text} is a template of helmfile's`);
      return [];
    }
    return draft.has(whole) ? [whole] : [];
  });
}
