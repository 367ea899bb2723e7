import { changeConfig } from "../git/config-file.ts";
import { type CommonPlace, type GitPlace, gitSetting, tryGit } from "../git/git.ts";
import { filterOf } from "../git/protected-files.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";

/** The programs that git runs: command lines for `sh`; the key's name is added. */
export interface FilterCommands {
  /**
   * Serves {@link runFilter}; with the word `clean` or `smudge` after it, changes one content from
   * standard input to standard output. For a named key `--key-name=NAME` follows.
   */
  readonly filterCommand: string;
  /** Serves {@link merge}: gets `%O %A %B %L %P`. Without it, no merge driver is set up. */
  readonly mergeCommand?: string | undefined;
}

/** The settings of a key's filter. */
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
  const pattern = "^(filter|diff|merge)\\.git-crypt[-.]";
  const { status, stdout } = tryGit(place, ["config", "--local", "-z", "--get-regexp", pattern]);
  if (status !== 0) return new Map();
  const records = stdout.toString().split("\0").slice(0, -1);
  return new Map(
    records.map((record) => {
      const end = record.indexOf("\n");
      return end < 0 ? [record, "true"] : [record.slice(0, end), record.slice(end + 1)];
    }),
  );
}

/** Sets settings, in one step; gives whether any was another. */
export const writeSettings = (place: CommonPlace, settings: readonly (readonly [string, string])[]): boolean =>
  changeConfig(place, () => {
    const present = readSettings(place);
    const missing = settings.filter(([name, value]) => present.get(name) !== value);
    return missing.map(([name, value]) => ["--replace-all", name, value]);
  });

/** Removes a key's filter and drivers from the repository's and this work tree's settings. */
export function removeSettings(place: CommonPlace, keyName: string): void {
  const name = filterOf(keyName);
  const sections = [`merge.${name}`, `diff.${name}`, `filter.${name}`];
  changeConfig(place, () => {
    const present = [...readSettings(place).keys()];
    return sections
      .filter((section) => present.some((setting) => setting.startsWith(`${section}.`)))
      .map((section) => ["--remove-section", section]);
  });
  // A work tree's own settings, where it has any.
  if (gitSetting(place, "extensions.worktreeConfig", "--local", "--type=bool") !== "true") return;
  for (const section of sections) tryGit(place, ["config", "--worktree", "--remove-section", section]);
}
