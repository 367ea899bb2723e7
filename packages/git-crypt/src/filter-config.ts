import { type GitPlace, runGit, tryGit } from "./git.ts";
import { filterOf } from "./protected-files.ts";
import { DEFAULT_KEY_NAME } from "./key-name.ts";

/** The programs that git is told to run. Each is a command line for `sh`; the key's name is added to it. */
export interface FilterCommands {
  /**
   * Serves {@link runFilter}; with the word `clean` or `smudge` after it, changes one content from standard input to standard
   * output. For a named key `--key-name=NAME` follows.
   */
  readonly filterCommand: string;
  /** Serves {@link merge}: gets `%O %A %B %L %P` of gitattributes. Left out, no merge driver is configured. */
  readonly mergeCommand?: string | undefined;
}

/** The settings of a key's filter, in an order that is safe to be interrupted: without the rest, `required` stops git. */
export function settingsOf(
  keyName: string,
  { filterCommand, mergeCommand }: FilterCommands,
): [name: string, value: string][] {
  const name = filterOf(keyName);
  const option = keyName === DEFAULT_KEY_NAME ? "" : ` --key-name=${keyName}`;
  return [
    [`filter.${name}.required`, "true"],
    [`filter.${name}.clean`, `${filterCommand} clean${option}`],
    [`filter.${name}.smudge`, `${filterCommand} smudge${option}`],
    [`filter.${name}.process`, `${filterCommand}${option}`],
    // git smudges what it hands to textconv, so that nothing is left to do.
    [`diff.${name}.textconv`, "cat"],
    ...(mergeCommand === undefined
      ? []
      : ([
          [`merge.${name}.name`, "merge of files that git-crypt protects"],
          [`merge.${name}.driver`, `${mergeCommand}${option} -- %O %A %B %L %P`],
        ] as [string, string][])),
  ];
}

/** The repository's own settings of git-crypt's filters and drivers; the last of each name. */
export function readSettings(place: GitPlace): Map<string, string> {
  const { status, stdout } = tryGit(place, [
    "config",
    "--local",
    "-z",
    "--get-regexp",
    "^(filter|diff|merge)\\.git-crypt[-.]",
  ]);
  if (status !== 0) return new Map();
  const records = stdout.toString().split("\0").slice(0, -1);
  return new Map(
    records.map((record) => {
      const end = record.indexOf("\n");
      return end < 0 ? [record, "true"] : [record.slice(0, end), record.slice(end + 1)];
    }),
  );
}

/** Configures a key's filter; gives whether anything changed. */
export function writeSettings(place: GitPlace, keyName: string, commands: FilterCommands): boolean {
  const present = readSettings(place);
  const missing = settingsOf(keyName, commands).filter(([name, value]) => present.get(name) !== value);
  for (const [name, value] of missing) runGit(place, ["config", "--local", "--replace-all", name, value]);
  return missing.length > 0;
}

/** Removes a key's filter and drivers, whoever configured them, from the repository's and this work tree's settings. */
export function removeSettings(place: GitPlace, keyName: string): void {
  const name = filterOf(keyName);
  const present = [...readSettings(place).keys()];
  // Without `required` and `clean` git would store plaintext: they go last, in one step.
  for (const section of [`merge.${name}`, `diff.${name}`, `filter.${name}`]) {
    if (present.some((setting) => setting.startsWith(`${section}.`))) {
      runGit(place, ["config", "--local", "--remove-section", section]);
    }
  }
  if (
    tryGit(place, ["config", "--local", "--type=bool", "extensions.worktreeConfig"]).stdout.toString().trim() === "true"
  ) {
    for (const section of [`merge.${name}`, `diff.${name}`, `filter.${name}`]) {
      tryGit(place, ["config", "--worktree", "--remove-section", section]);
    }
  }
}
