import {
  DeployError,
  formatPath,
  parsePath,
  valueOf,
  type Explanation,
  type Project,
  type Setting,
  type Value,
  type Values,
} from "@git-vault/deploy";
import { openCommitted } from "./project.ts";
import { CliError, usageError } from "../../cli/errors.ts";
import { leadsTo, printable, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args: [name] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as prod");
  if (flags.reveal && leadsTo(1) !== "terminal") {
    throw new CliError("USAGE", "--reveal shows secrets on a terminal alone, and stdout is none");
  }
  await using project = await openCommitted(flags);
  const values = valuesOf(project, name, flags);
  const leftOut = values.leftOut.map(({ path }) => path);
  if (flags.explain !== undefined) return explain(project, name, values, flags.explain, flags);
  const shown = flags.reveal ? values.value : values.withoutSecrets;
  if (flags.json) return writeJson({ commit: project.commit, environment: name, values: shown, leftOut });
  if (!flags.quiet) for (const path of leftOut) say(`vault: left out, since there is no key: ${printable(path)}`);
  const { stringify } = await import("yaml");
  // Quoted as for YAML 1.1, so that "on" does not become true where this is read again.
  writeStdout(stringify(shown, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 }));
}

function valuesOf(project: Project, environment: string, flags: FlagValues): Values {
  try {
    return project.environment(environment).values({ withoutSecrets: flags["without-secrets"] === true });
  } catch (error) {
    if (!(error instanceof DeployError) || error.code !== "LOCKED") throw error;
    const { message, hint, place } = error;
    throw new DeployError("LOCKED", message, {
      hint: `${hint}; --without-secrets leaves it out`,
      ...(place === undefined ? {} : { place }),
      cause: error,
    });
  }
}

function explain(project: Project, environment: string, values: Values, text: string, flags: FlagValues): void {
  const path = parsePath(text);
  if (path === null) throw usageError("--explain: expected a path such as hub.users[0].name");
  const found = values.explain(path);
  if (found === null) {
    throw usageError(
      "--explain: no layer sets a value at that path",
      `see \`vault deploy values ${environment}\`; what only a chart below sets is not among the values`,
    );
  }
  const show = (setting: Setting): Value => shownValue(setting, flags.reveal === true);
  if (!flags.json) return writeStdout(report(found, show));
  writeJson({
    commit: project.commit,
    environment,
    path: formatPath(found.path),
    state: found.state,
    value: found.state === "set" && found.settings[0] !== undefined ? show(found.settings[0]) : null,
    settings: found.settings.map((setting) => {
      const { layer, entry } = setting;
      const { line, column } = entry.position;
      return { file: layer.path, line, column, role: layer.role, secret: layer.secret, value: show(setting) };
    }),
  });
}

function shownValue({ layer, entry }: Setting, reveal: boolean): Value {
  return layer.secret && !reveal ? "[secret]" : valueOf(entry.value);
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
