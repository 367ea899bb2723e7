import { changeConfig } from "../git/config-file.ts";
import { type CommonPlace, type GitPlace, localSettings, tryGit, typedSetting } from "../git/git.ts";
import { filterOf, keyNameOf } from "../git/protected-files.ts";
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

/** A setting; with null it is not to be set. */
export type Setting = readonly [name: string, value: string | null];

const optionOf = (keyName: string): string => (keyName === DEFAULT_KEY_NAME ? "" : ` --key-name=${keyName}`);

function filterSettings(keyName: string, { filterCommand }: FilterCommands, isGuard: boolean): Setting[] {
  const name = filterOf(keyName);
  const option = optionOf(keyName);
  return [
    [`filter.${name}.required`, "true"],
    [`filter.${name}.clean`, `${filterCommand} clean${option}`],
    [`filter.${name}.smudge`, `${filterCommand} smudge${option}`],
    [`filter.${name}.process`, `${filterCommand}${option}`],
    [`filter.${name}.guard`, isGuard ? "true" : null],
  ];
}

/** The settings of a key's filter. */
export function settingsOf(keyName: string, commands: FilterCommands): Setting[] {
  const { mergeCommand } = commands;
  const name = filterOf(keyName);
  return [
    ...filterSettings(keyName, commands, false),
    // git smudges what it hands to textconv, so that nothing is left to do.
    [`diff.${name}.textconv`, "cat"],
    ...(mergeCommand === undefined
      ? []
      : ([
          [`merge.${name}.name`, "merge of files that git-crypt protects"],
          [`merge.${name}.driver`, `${mergeCommand}${optionOf(keyName)} -- %O %A %B %L %P`],
        ] satisfies Setting[])),
  ];
}

/** The repository's own settings of git-crypt's filters and drivers; the last of each name. */
export function readSettings(place: GitPlace): Map<string, string> {
  const found = localSettings(place).filter(([name]) => /^(?:filter|diff|merge)\.git-crypt[-.]/.test(name));
  return new Map(found.map(([name, value]) => [name, value ?? "true"]));
}

/** The names of the keys that settings are for, guards among them. */
export const keysIn = (settings: ReadonlyMap<string, string>): string[] => [
  ...new Set([...settings.keys()].flatMap((setting) => keyNameOf(setting.split(".")[1] ?? "") ?? [])),
];

/** Sets settings, in one step; gives whether any was another. */
export const writeSettings = (place: CommonPlace, settings: readonly Setting[]): boolean =>
  changeConfig(place, () => changesTo(readSettings(place), settings));

const changesTo = (present: ReadonlyMap<string, string>, settings: readonly Setting[]): string[][] =>
  settings
    .filter(([name, value]) => (present.get(name) ?? null) !== value)
    .map(([name, value]) => (value === null ? ["--unset-all", name] : ["--replace-all", name, value]));

/** Removes a key's filter and drivers from the repository's and this work tree's settings. */
export const removeSettings = (place: CommonPlace, keyName: string): void => dropSections(place, [keyName], KINDS);

/** Of which git has a section for a key. */
const KINDS = ["merge", "diff", "filter"];

/**
 * Puts a guard in the place of the filters and drivers of some keys, in one step: a filter that
 * refuses plaintext as long as the key is not here.
 */
export function writeGuards(place: CommonPlace, keyNames: readonly string[], commands: FilterCommands): void {
  dropSections(
    place,
    keyNames,
    ["merge", "diff"],
    keyNames.flatMap((keyName) => filterSettings(keyName, commands, true)),
  );
}

/** Whether the filter of a key is but a guard, where its key is not here. */
export const isGuard = (settings: ReadonlyMap<string, string>, keyName: string): boolean =>
  settings.get(`filter.${filterOf(keyName)}.guard`) === "true";

function dropSections(
  place: CommonPlace,
  keyNames: readonly string[],
  kinds: readonly string[],
  settings: readonly Setting[] = [],
): void {
  const sections = keyNames.flatMap((keyName) => kinds.map((kind) => `${kind}.${filterOf(keyName)}`));
  changeConfig(place, () => {
    const present = readSettings(place);
    const isPresent = (section: string): boolean =>
      [...present.keys()].some((setting) => setting.startsWith(`${section}.`));
    const dropped = sections.filter(isPresent).map((section) => ["--remove-section", section]);
    return [...dropped, ...changesTo(present, settings)];
  });
  // A work tree's own settings, where it has any.
  if (typedSetting(place, "extensions.worktreeConfig", "bool") !== "true") return;
  for (const keyName of keyNames)
    for (const kind of KINDS)
      tryGit(place, ["config", "--worktree", "--remove-section", `${kind}.${filterOf(keyName)}`]);
}
