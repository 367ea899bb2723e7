import type { Flags, FlagSpec } from "./command.ts";
import { flagsOf, type CommandTable } from "./command-table.ts";
import { TOPICS } from "./help.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What may stand at a place of the command line. */
type Offer = "file" | "folder" | readonly string[];

/** Where the cursor may be: before the command, after one, or after the first word of some. */
interface Place {
  /** The words that lead there: the command or its alias; empty before it. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly flags: Flags;
  readonly offer: Offer;
}

/** The command line as the scripts need it. */
interface Grammar {
  /** The first one is that before the command. */
  readonly places: readonly Place[];
  /** The first words of commands of two. */
  readonly families: readonly string[];
  readonly flags: readonly (readonly [name: string, spec: FlagSpec])[];
  /** A word whose next word is a flag's value (`-o`, `-qo`). All three shells read it alike. */
  readonly awaitsValue: string;
}

function grammarOf({ commands, shown, families, firstWords, flags }: CommandTable): Grammar {
  const after = shown.map(([name, command]): Place => {
    const offer = name === "help" ? [...firstWords, ...Object.keys(TOPICS)] : (command.complete ?? []);
    const names = command.alias === undefined ? [name] : [name, command.alias];
    return { names, summary: command.summary, flags: flagsOf(command), offer };
  });
  const within = [...families].map(([family, members]): Place => {
    const theirs = commands.flatMap(([name, command]) => (name.startsWith(`${family} `) ? [command.flags] : []));
    const summary = members.join(", ");
    return { names: [family], summary, flags: flagsOf({ flags: Object.assign({}, ...theirs) }), offer: members };
  });
  const all = Object.entries(flags);
  const letters = (takesValue: boolean): string =>
    all.map(([, { short = "", value }]) => ((value !== undefined) === takesValue ? short : "")).join("");
  const long = all.flatMap(([name, { value }]) => (value === undefined ? [] : name)).join("|");
  return {
    places: [{ names: [""], summary: "", flags, offer: firstWords }, ...after, ...within],
    families: [...families.keys()],
    flags: all,
    awaitsValue: `^(--(${long})|-[${letters(false)}]*[${letters(true)}])$`,
  };
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The script that teaches `shell` the command line. */
export function completionScript(shell: Shell, table: CommandTable): string {
  return { bash, zsh, fish }[shell](grammarOf(table));
}

/** What a case of bash and zsh matches a place with. */
const patternOf = ({ names }: Place): string =>
  names.map((name) => (/^[\w-]+$/.test(name) ? name : quote(name))).join("|");

/** The commands of one word, and the first words of the others. */
const wordsOf = (places: readonly Place[]): Place[] => places.filter(({ names: [name = ""] }) => /^[\w-]+$/.test(name));

const bashOffer = (offer: Offer): string => (typeof offer === "string" ? `@${offer}` : offer.join(" "));

function bash({ places, families, flags, awaitsValue }: Grammar): string {
  const cases = (of: (place: Place) => string): string =>
    places.map((place) => `      ${patternOf(place)}) offer=${quote(of(place))} ;;`).join("\n");
  const values = flags.flatMap(([name, { short, complete }]) => {
    if (complete === undefined) return [];
    const pattern = short === undefined ? `--${name}` : `--${name}|-${short}`;
    return `      ${pattern}) offer=${quote(bashOffer(complete))} ;;`;
  });
  return `# bash completion for vault; load it with: source <(vault completion bash)
_vault() {
  local awaits=${quote(awaitsValue)}
  local command= flag= ended= offer= word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then continue # bash makes three words of --flag=value
    elif [[ $flag ]]; then flag=
    elif [[ ! $ended && $word == -- ]]; then ended=1
    elif [[ ! $ended && $word == -?* ]]; then
      if [[ $word =~ $awaits ]]; then flag=$word; fi
    elif [[ ! $command ]]; then command=$word
    elif [[ $command == @(${families.join("|")}) ]]; then command="$command $word"
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
${cases((place) =>
  Object.keys(place.flags)
    .map((name) => `--${name}`)
    .join(" "),
)}
    esac
  else
    case $command in
${cases(({ offer }) => bashOffer(offer))}
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

function zsh({ places, families, awaitsValue }: Grammar): string {
  const cases = places.map((place, at) => {
    const rest = at === 0 ? "'1:command:_vault_commands'" : quote(`*:operand:${zshAction(place.offer)}`);
    return `    ${patternOf(place)}) _arguments -s -S ${[...Object.entries(place.flags).map(zshFlag), rest].join(" ")} ;;`;
  });
  return `#compdef vault git-vault
# zsh completion for vault; load it after compinit with: source <(vault completion zsh)
_vault_commands() {
  local -a commands
  commands=(
${wordsOf(places)
  .map(({ names: [name], summary }) => `    ${quote(`${name}:${summary}`)}`)
  .join("\n")}
  )
  _describe -t commands command commands
}
_vault() {
  local awaits=${quote(awaitsValue)}
  local command= flag= ended= word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $flag ]]; then flag=
    elif [[ -z $ended && $word == -- ]]; then ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      if [[ $word =~ $awaits ]]; then flag=$word; fi
    elif [[ -z $command ]]; then command=$word
    elif [[ $command == (${families.join("|")}) ]]; then command="$command $word"
    fi
  done
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _vault ]]; then _vault "$@"; else compdef _vault vault git-vault; fi
`;
}

/** fish's condition that the cursor is at one of these places. */
function fishAt(places: readonly Place[]): string {
  const words = places.flatMap(({ names }) => names).map((name) => (name.includes(" ") ? `"${name}"` : name || "''"));
  return `-n ${quote(`__vault_at ${words.join(" ")}`)}`;
}

/** What fish's `complete` is told of a place. */
function fishOffer(offer: Offer): string {
  if (offer === "file") return "-F";
  return `-a ${quote(offer === "folder" ? "(__fish_complete_directories)" : offer.join(" "))}`;
}

function fish({ places, families, flags, awaitsValue }: Grammar): string {
  const commands = wordsOf(places).map(
    ({ names: [name], summary }) => `complete -c vault ${fishAt(places.slice(0, 1))} -a ${name} -d ${quote(summary)}`,
  );
  const operands = places
    .slice(1)
    .filter(({ offer }) => offer.length > 0)
    .map((place) => `complete -c vault ${fishAt([place])} ${fishOffer(place.offer)}`);
  const options = flags.map(([name, { short, value, summary, complete }]) =>
    [
      `complete -c vault ${fishAt(places.filter((place) => Object.hasOwn(place.flags, name)))} -l ${name}`,
      ...(short === undefined ? [] : [`-s ${short}`]),
      ...(value === undefined ? [] : [complete === "file" ? "-r" : "-x"]),
      ...(complete === undefined ? [] : [fishOffer(complete)]),
      `-d ${quote(summary)}`,
    ].join(" "),
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
            string match -qr -- ${quote(awaitsValue)} $word; and set flag $word
        else
            set command (string trim -- "$command $word")
            contains -- "$command" ${families.join(" ")}; or break
        end
    end
    contains -- "$command" $argv
end
complete -c vault -f
${[...commands, ...operands, ...options].join("\n")}
complete -c git-vault -w vault
`;
}
