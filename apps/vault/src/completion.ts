import { flagsOf } from "./argv.ts";
import { COMMANDS, FLAG_NAMES, FLAGS, TOPICS, type CommandSpec, type FlagName, type FlagSpec } from "./table.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const shown = (): readonly CommandSpec[] => COMMANDS.filter((command) => command.group !== undefined);
const spec = (name: FlagName): FlagSpec => FLAGS[name];
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What may stand as an operand of `command`: words, or files. */
function operandsOf(command: CommandSpec): readonly string[] | "file" {
  if (command.name === "help") return [...shown().map(({ name }) => name), ...Object.keys(TOPICS)];
  return command.complete ?? [];
}

/** The script that teaches `shell` the command line. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

function bash(): string {
  const valueCases = FLAG_NAMES.filter((name) => spec(name).value !== undefined).map((name) => {
    const { short, complete } = spec(name);
    const pattern = short === undefined ? `--${name}` : `--${name}|-${short}`;
    if (complete === "file")
      return `    ${pattern}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;`;
    if (complete === "folder")
      return `    ${pattern}) compopt -o filenames; COMPREPLY=($(compgen -d -- "$word")); return ;;`;
    return `    ${pattern}) COMPREPLY=($(compgen -W ${quote((complete ?? []).join(" "))} -- "$word")); return ;;`;
  });
  const commandCases = shown().map((command) => {
    const names = command.alias === undefined ? command.name : `${command.name}|${command.alias}`;
    const words = flagsOf(command).map((flag) => `--${flag}`);
    const operands = operandsOf(command);
    const offer =
      operands === "file"
        ? `compopt -o filenames; COMPREPLY=($(compgen -f -- "$word"))`
        : `COMPREPLY=($(compgen -W ${quote(operands.join(" "))} -- "$word"))`;
    return `    ${names}) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W ${quote(words.join(" "))} -- "$word")); else ${offer}; fi ;;`;
  });
  return `# bash completion for vault; load it with: source <(vault completion bash)
_vault() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= i
  COMPREPLY=()
  case $before in
${valueCases.join("\n")}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${shown()
        .flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]))
        .join("|")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $command in
    '') if [[ $word == -* ]]; then COMPREPLY=($(compgen -W ${quote(
      flagsOf(null)
        .map((flag) => `--${flag}`)
        .join(" "),
    )} -- "$word")); else COMPREPLY=($(compgen -W ${quote(
      shown()
        .map(({ name }) => name)
        .join(" "),
    )} -- "$word")); fi ;;
${commandCases.join("\n")}
  esac
}
complete -F _vault vault git-vault
`;
}

/** Text inside a specification of zsh's _arguments. */
const clean = (text: string): string => text.replaceAll(/[[\]:]/g, "\\$&");

/** A flag as a specification of _arguments. */
const flagArgument = (name: FlagName): string => {
  const { short, value, multiple, summary, complete } = spec(name);
  const action =
    complete === "file"
      ? "_files"
      : complete === "folder"
        ? "_files -/"
        : complete === undefined
          ? " "
          : `(${complete.join(" ")})`;
  const tail = `[${clean(summary)}]${value === undefined ? "" : `:${value}:${action}`}`;
  const many = multiple === true ? "*" : "";
  return short === undefined
    ? quote(`${many}--${name}${tail}`)
    : `${many === "" ? `'(-${short} --${name})'` : "'*'"}{-${short},--${name}}${quote(tail)}`;
};

function zsh(): string {
  const commandCases = shown().map((command) => {
    const operands = operandsOf(command);
    const rest = operands === "file" ? "'*:file:_files'" : `'*:operand:(${operands.join(" ")})'`;
    const names = command.alias === undefined ? command.name : `${command.name}|${command.alias}`;
    return `    ${names}) _arguments ${[...flagsOf(command).map(flagArgument), rest].join(" ")} ;;`;
  });
  return `#compdef vault git-vault
# zsh completion for vault; load it with: source <(vault completion zsh)
_vault() {
  local -a commands
  commands=(
${shown()
  .map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`)
  .join("\n")}
  )
  local command i
  for ((i = 2; i < CURRENT; i++)); do
    if [[ \${words[i]} != -* ]]; then command=\${words[i]}; break; fi
  done
  case $command in
    '') _describe command commands ;;
${commandCases.join("\n")}
  esac
}
if [[ $funcstack[1] == _vault ]]; then _vault "$@"; else compdef _vault vault git-vault; fi
`;
}

function fish(): string {
  const names = shown().flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
  const lines = [
    "# fish completion for vault; install it as ~/.config/fish/completions/vault.fish",
    "complete -c vault -f",
    ...shown().map(
      ({ name, summary }) =>
        `complete -c vault -n ${quote(`not __fish_seen_subcommand_from ${names.join(" ")}`)} -a ${name} -d ${quote(summary)}`,
    ),
  ];
  for (const command of shown()) {
    const seen = quote(
      `__fish_seen_subcommand_from ${[command.name, ...(command.alias === undefined ? [] : [command.alias])].join(" ")}`,
    );
    const operands = operandsOf(command);
    if (operands === "file") lines.push(`complete -c vault -n ${seen} -F`);
    else if (operands.length > 0) lines.push(`complete -c vault -n ${seen} -a ${quote(operands.join(" "))}`);
    for (const name of flagsOf(command)) {
      const { short, value, summary, complete } = spec(name);
      const parts = [`complete -c vault -n ${seen} -l ${name}`];
      if (short !== undefined) parts.push(`-s ${short}`);
      if (value !== undefined)
        parts.push(
          complete === "file" || complete === "folder"
            ? "-r -F"
            : complete === undefined
              ? "-x"
              : `-x -a ${quote(complete.join(" "))}`,
        );
      lines.push(`${parts.join(" ")} -d ${quote(summary)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
