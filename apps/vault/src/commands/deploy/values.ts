import { printable } from "@git-vault/core";
import {
  type Explanation,
  formatPath,
  parsePath,
  type Setting,
  type Value,
  valueOf,
  type Values,
} from "@git-vault/deploy/values";
import { type Project, releaseIn } from "@git-vault/deploy";
import { openCommitted, sayLeftOut } from "./project.ts";
import type { Options, Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { leadsTo, say, writeJson, writeLong, writeStdout } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

type ShowValues = (typeof DEPLOY_COMMANDS)["deploy values"];
type ValuesOptions = Options<ShowValues["flags"]>;

export const run: Run<ShowValues> = async (options, [name]) => {
  const { reveal, withoutSecrets, json, quiet } = options;
  if (reveal && leadsTo(1) !== "terminal")
    throw usageError("--reveal shows secrets on a terminal alone, and stdout is none");
  await using project = await openCommitted(options, { environments: [name] });
  const release = releaseIn(project.environment(name), options.release);
  const values = release.values({ withoutSecrets });
  const leftOut = values.leftOut.map(({ path }) => path);
  if (options.explain !== undefined) return explain(project, name, values, options.explain, options);
  const shown = reveal ? values.value : values.withoutSecrets;
  const { matched, chart } = release;
  if (json) {
    const base = { commit: project.commit, environment: name, values: shown, leftOut };
    return writeJson({ ...base, matched: Object.fromEntries(matched) });
  }
  if (!quiet && chart.remote !== null)
    say(
      `vault: the chart is ${printable(chart.name)} ${printable(chart.version)} of ${printable(chart.remote.repository)}`,
    );
  if (!quiet)
    for (const [setting, paths] of matched)
      say(`vault: ${printable(setting)} is ${paths.length === 0 ? "not there" : printable(paths.join(", "))}`);
  if (!quiet) sayLeftOut(leftOut);
  const { stringify } = await import("yaml");
  // Quoted as for YAML 1.1, so that "on" does not become true where this is read again.
  const text = stringify(shown, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
  // A pager is another program: it gets no secret.
  if (reveal) writeStdout(text);
  else writeLong(text);
};

/** The first paths whose last key is the one of `path`, which a part of it is often taken for. */
function pathsLike(path: Explanation["path"], values: Values): string {
  const like: string[] = [];
  for (const leaf of values.leaves()) if (leaf.path.at(-1) === path.at(-1)) like.push(printable(formatPath(leaf.path)));
  return like.slice(0, 3).join(", ");
}

function explain(
  project: Project,
  environment: string,
  values: Values,
  text: string,
  { reveal, json }: ValuesOptions,
): void {
  const path = parsePath(text);
  if (path === null) throw usageError("--explain: expected a path such as hub.users[0].name");
  const found = values.explain(path);
  if (found === null) {
    const similar = pathsLike(path, values);
    throw usageError(
      "--explain: no layer sets a value at that path",
      `${similar === "" ? "" : `there is ${similar}; `}see \`vault deploy values ${environment}\`; what only a chart below sets is not among the values`,
    );
  }
  const show = (setting: Setting): Value => shownValue(setting, reveal);
  if (!json) return writeStdout(report(found, show));
  writeJson({
    commit: project.commit,
    environment,
    path: formatPath(found.path),
    state: found.state,
    value: found.state === "set" && found.settings[0] !== undefined ? show(found.settings[0]) : null,
    settings: found.settings.map((setting) => {
      const { layer, entry } = setting;
      const { line, column } = entry.position;
      return {
        file: layer.path,
        line,
        column,
        role: layer.role,
        secret: layer.isSecret(entry.value),
        value: show(setting),
      };
    }),
  });
}

function shownValue({ layer, entry }: Setting, reveal: boolean): Value {
  return layer.isSecret(entry.value) && !reveal ? "[secret]" : valueOf(entry.value);
}

function report({ path, state, settings }: Explanation, show: (setting: Setting) => Value): string {
  const brief = (setting: Setting): string => {
    const text = JSON.stringify(show(setting));
    return printable(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  };
  const [first] = settings;
  const heads = {
    set: first === undefined ? "" : ` = ${brief(first)}`,
    map: " is a map, made from",
    removed: " is removed by a null",
  };
  const lines = settings.map((setting, at) => {
    const { line, column } = setting.entry.position;
    const note = at > 0 && state === "set" ? "  overridden" : "";
    return `  ${printable(setting.layer.path)}:${line}:${column}  ${brief(setting)}${note}`;
  });
  return `${[printable(formatPath(path)) + heads[state], ...lines].join("\n")}\n`;
}
