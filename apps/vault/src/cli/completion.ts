import { FIRST_WORDS } from "./argv.ts";
import { ALL_FLAGS, FAMILIES, flagsOf, NAMED_COMMANDS, SHOWN_COMMANDS, TOPICS } from "./command-table.ts";
import type { CommandSpec, Flags, FlagSpec } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What may stand at a place of the command line. */
type Offer = "file" | "folder" | readonly string[];

/** A command, or the first word of some, on which the second ones follow; with its name. */
type Place = readonly [name: string, command: CommandSpec];

const SHOWN: readonly Place[] = [
  ...SHOWN_COMMANDS,
  ...[...FAMILIES].map(([name, members]): Place => {
    const flags = NAMED_COMMANDS.flatMap(([member, command]) => (member.startsWith(`${name} `) ? [command.flags] : []));
    const spec = { usage: "", operands: 1, summary: members.join(", "), complete: members };
    return [name, { ...spec, flags: Object.assign({}, ...flags) }];
  }),
];
const FLAGS = Object.entries(ALL_FLAGS);
/** The first words of commands, in the scripts. */
const WORDS = [...FAMILIES.keys()];

const namesOf = ([name, { alias }]: Place): readonly string[] => (alias === undefined ? [name] : [name, alias]);
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The flags that may stand on the line: before the command, those of any command. */
const flagsAt = (place: Place | null): Flags => (place === null ? ALL_FLAGS : flagsOf(place[1]));

/** The operands at a place; the first one of all is the command itself. */
function operandsAt(place: Place | null): Offer {
  if (place === null) return FIRST_WORDS;
  const [name, command] = place;
  return name === "help" ? [...FIRST_WORDS, ...Object.keys(TOPICS)] : (command.complete ?? []);
}

/** The letters of the flags that take a value, or of those that do not. */
const letters = (takesValue: boolean): string =>
  FLAGS.map(([, { short = "", value }]) => ((value !== undefined) === takesValue ? short : "")).join("");

/** A word whose next word is a flag's value (`-o`, `-qo`). All three shells read it alike. */
function awaitsValue(): string {
  const long = FLAGS.flatMap(([name, { value }]) => (value === undefined ? [] : name)).join("|");
  return `^(--(${long})|-[${letters(false)}]*[${letters(true)}])$`;
}

/** The script that teaches `shell` the command line. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

/** What a case of bash and zsh matches a command with. */
const patternOf = (command: Place | null): string =>
  command === null
    ? "''"
    : namesOf(command)
        .map((name) => (name.includes(" ") ? quote(name) : name))
        .join("|");

const bashOffer = (offer: Offer): string => (typeof offer === "string" ? `@${offer}` : offer.join(" "));

function bash(): string {
  const cases = (of: (command: Place | null) => string): string =>
    [null, ...SHOWN].map((command) => `      ${patternOf(command)}) offer=${quote(of(command))} ;;`).join("\n");
  const values = FLAGS.flatMap(([name, { short, complete }]) => {
    if (complete === undefined) return [];
    const pattern = short === undefined ? `--${name}` : `--${name}|-${short}`;
    return `      ${pattern}) offer=${quote(bashOffer(complete))} ;;`;
  });
  return `# bash completion for vault; load it with: source <(vault completion bash)
_vault() {
  local awaits=${quote(awaitsValue())}
  local command= flag= ended= offer= word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then continue # bash makes three words of --flag=value
    elif [[ $flag ]]; then flag=
    elif [[ ! $ended && $word == -- ]]; then ended=1
    elif [[ ! $ended && $word == -?* ]]; then
      if [[ $word =~ $awaits ]]; then flag=$word; fi
    elif [[ ! $command ]]; then command=$word
    elif [[ $command == @(${WORDS.join("|")}) ]]; then command="$command $word"
    fi
  done
  word=\${COMP_WORDS[COMP_CWORD]}
  if [[ $word == = ]]; then word=; fi
  if [[ $flag ]]; then
    if [[ $flag != --* ]]; then flag=-\${flag: -1}; fi
    case $flag in
${values.join("\n")}
    esac
  elif [[ $word == -* && ! $ended ]]; then
    case $command in
${cases((command) =>
  Object.keys(flagsAt(command))
    .map((name) => `--${name}`)
    .join(" "),
)}
    esac
  else
    case $command in
${cases((command) => bashOffer(operandsAt(command)))}
    esac
  fi
  # Files are left to readline, which knows of quotes and spaces. bash 3 has no compopt and completes files also elsewhere.
  COMPREPLY=()
  case $offer in
    @file) ;;
    @folder) compopt +o default -o dirnames 2>/dev/null ;;
    *)
      compopt +o default 2>/dev/null
      COMPREPLY=($(compgen -W "$offer" -- "$word"))
      ;;
  esac
}
complete -o default -F _vault vault git-vault
`;
}

/** Text inside a specification of zsh's _arguments. */
const clean = (text: string): string => text.replaceAll(/[[\]:\\]/g, "\\$&");

function zshAction(offer: Offer | undefined): string {
  if (offer === undefined) return " ";
  if (typeof offer === "string") return offer === "file" ? "_files" : "_path_files -/";
  return `(${offer.join(" ")})`;
}

/** A flag as a specification of _arguments. */
function zshFlag([name, { short, value, multiple, summary, complete }]: readonly [string, FlagSpec]): string {
  const [long, brief] = value === undefined ? [`--${name}`, `-${short}`] : [`--${name}=`, `-${short}+`];
  const tail = `[${clean(summary)}]${value === undefined ? "" : `:${clean(value)}:${zshAction(complete)}`}`;
  if (short === undefined) return quote(`${multiple === true ? "*" : ""}${long}${tail}`);
  return `${multiple === true ? "'*'" : `'(-${short} --${name})'`}{${brief},${long}}${quote(tail)}`;
}

function zsh(): string {
  const cases = [null, ...SHOWN].map((command) => {
    const rest =
      command === null ? "'1:command:_vault_commands'" : quote(`*:operand:${zshAction(operandsAt(command))}`);
    return `    ${patternOf(command)}) _arguments -s -S ${[...Object.entries(flagsAt(command)).map(zshFlag), rest].join(" ")} ;;`;
  });
  return `#compdef vault git-vault
# zsh completion for vault; load it after compinit with: source <(vault completion zsh)
_vault_commands() {
  local -a commands
  commands=(
${SHOWN.filter(([name]) => !name.includes(" "))
  .map(([name, { summary }]) => `    ${quote(`${name}:${summary}`)}`)
  .join("\n")}
  )
  _describe -t commands command commands
}
_vault() {
  local awaits=${quote(awaitsValue())}
  local command= flag= ended= word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $flag ]]; then flag=
    elif [[ -z $ended && $word == -- ]]; then ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      if [[ $word =~ $awaits ]]; then flag=$word; fi
    elif [[ -z $command ]]; then command=$word
    elif [[ $command == (${WORDS.join("|")}) ]]; then command="$command $word"
    fi
  done
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _vault ]]; then _vault "$@"; else compdef _vault vault git-vault; fi
`;
}

/** fish's condition that one of these commands is on the line; null for none. */
const fishAt = (commands: readonly (Place | null)[]): string =>
  `-n ${quote(`__vault_at ${commands.flatMap((command) => (command === null ? ["''"] : namesOf(command).map((name) => (name.includes(" ") ? `"${name}"` : name)))).join(" ")}`)}`;

/** What fish's `complete` is told of a place. */
function fishOffer(offer: Offer): string {
  if (offer === "file") return "-F";
  return `-a ${quote(offer === "folder" ? "(__fish_complete_directories)" : offer.join(" "))}`;
}

function fishFlag([name, { short, value, summary, complete }]: readonly [string, FlagSpec]): string {
  const takers = [null, ...SHOWN].filter((command) => Object.hasOwn(flagsAt(command), name));
  return [
    `complete -c vault ${fishAt(takers)} -l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(value === undefined ? [] : [complete === "file" ? "-r" : "-x"]),
    ...(complete === undefined ? [] : [fishOffer(complete)]),
    `-d ${quote(summary)}`,
  ].join(" ");
}

function fish(): string {
  const commands = SHOWN.filter(([name]) => !name.includes(" ")).map(
    ([name, { summary }]) => `complete -c vault ${fishAt([null])} -a ${name} -d ${quote(summary)}`,
  );
  const operands = SHOWN.filter((command) => operandsAt(command).length > 0).map(
    (command) => `complete -c vault ${fishAt([command])} ${fishOffer(operandsAt(command))}`,
  );
  return `# fish completion for vault; load it with: vault completion fish | source
function __vault_at -d 'Whether the command on the line is one of these'
    set -l words (commandline -opc)
    set -l command ''
    set -l flag ''
    set -l ended ''
    for word in $words[2..]
        if test -n "$flag"
            set flag ''
        else if test -z "$ended" -a "$word" = --
            set ended 1
        else if test -z "$ended"; and string match -qr -- '^-.' $word
            string match -qr -- ${quote(awaitsValue())} $word; and set flag $word
        else
            set command (string trim -- "$command $word")
            contains -- "$command" ${WORDS.join(" ")}; or break
        end
    end
    contains -- "$command" $argv
end
complete -c vault -f
${[...commands, ...operands, ...FLAGS.map(fishFlag)].join("\n")}
complete -c git-vault -w vault
`;
}
