/*
 * The scripts that teach shells to complete the command line. Each hands the words to
 * `git-vault complete`, whose first line says who completes: `files` and `folders` are left to the
 * shell, `words` are the lines that follow, each with a summary behind a tab.
 *
 * `git-vault` is run and not `vault`, which may be another program; git finds it by that name.
 */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

/** The script that teaches `shell` the command line. */
export const completionScript = (shell: Shell): string => SCRIPTS[shell];

const BASH = String.raw`# bash completion for vault; load it with: source <(vault completion bash)
_vault() {
  local answer line
  answer=$(command git-vault complete bash -- "${"$"}{COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null </dev/null)
  COMPREPLY=()
  # Files are left to readline, which knows of quotes and spaces. bash 3 has no compopt, and
  # completes files elsewhere, too.
  case $answer in
    files*) ;;
    folders*) compopt +o default -o dirnames 2>/dev/null ;;
    *)
      compopt +o default 2>/dev/null
      while IFS= read -r line; do
        if [[ $line ]]; then COMPREPLY+=("$line"); fi
      done <<<"${"$"}{answer#words}"
      ;;
  esac
}
# git's own completion calls it for "git vault", and adds no space.
_git_vault() {
  compopt +o nospace 2>/dev/null
  _vault
}
complete -o default -F _vault vault git-vault
`;

const ZSH = String.raw`#compdef vault git-vault
# zsh completion for vault; load it after compinit with: source <(vault completion zsh)
_vault() {
  local -a answer
  answer=("${"$"}{(@f)$(command git-vault complete zsh -- "${"$"}{(@Q)words[1,CURRENT]}" 2>/dev/null </dev/null)}")
  if [[ $PREFIX == --*=* ]]; then compset -P 1 '*='; fi
  case $answer[1] in
    files) _files ;;
    folders) _path_files -/ ;;
    *)
      shift answer
      if (( $#answer )); then _describe -V -t words word answer; fi
      ;;
  esac
}
# git's own completion calls it for "git vault".
_git-vault() { _vault "$@"; }
if [[ $funcstack[1] == (_vault|_git-vault) ]]; then _vault "$@"; else compdef _vault vault git-vault; fi
`;

const FISH = String.raw`# fish completion for vault; load it with: vault completion fish | source
function __vault_complete -d 'Ask vault what can stand here'
    set -l token (commandline -ct)
    set -l answer (command git-vault complete fish -- (commandline -opc) "$token" 2>/dev/null </dev/null)
    set -l flag (string match -r -- '^--[^=]+=' "$token")
    set -l value (string replace -- "$flag" '' "$token")
    switch "$answer[1]"
        case files
            printf '%s\n' "$flag"(__fish_complete_path "$value")
        case folders
            printf '%s\n' "$flag"(__fish_complete_directories "$value")
        case '*'
            test (count $answer) -gt 1; and printf '%s\n' $answer[2..]
    end
end
complete -c vault -f -a '(__vault_complete)'
complete -c git-vault -f -a '(__vault_complete)'
complete -c git -n 'functions -q __fish_git_using_command; and __fish_git_using_command vault' -f -a '(__vault_complete)'
`;

// Older versions of PowerShell drop an empty word: the last one begins with "=".
const POWERSHELL = String.raw`# PowerShell completion for vault; load it with: vault completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName vault, git-vault -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $start = $commandAst.Extent.StartOffset
    $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset - $start -lt $cursorPosition } | ForEach-Object { "$_" })
    git-vault complete powershell '--' $before "=$wordToComplete" 2>$null | Select-Object -Skip 1 | ForEach-Object {
        $word, $summary = $_ -split "${"`"}t", 2
        if (-not $summary) { $summary = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $summary)
    }
}
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL };
