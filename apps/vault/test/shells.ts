import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "@git-vault/testkit";
import { openTerminal, type Terminal } from "@git-vault/testkit/terminal";
import { completionScript, type Shell } from "../src/cli/completion.ts";

/**
 * A real shell that has loaded its completion script. A line is given as its words; the last one is
 * being written.
 */
export interface CompletingShell {
  /**
   * What the shell offers for the last word, without what it would go on with (`--key` for
   * `--key=`), in order.
   */
  offers(...words: readonly string[]): Promise<readonly string[]>;
  /**
   * The last word after the tab key was pressed behind it: the same word where nothing, or several
   * things, fit.
   */
  tab(...words: readonly string[]): Promise<string>;
  /** Ends it: nothing of it writes to its folder any more. */
  close(): Promise<void>;
}

const sorted = (text: string): string[] => [...new Set(text.split("\n").filter((line) => line !== ""))].toSorted();

const PROMPT = "PS1='ready> '";

/** Waits for each prompt of the shell: what is typed before it reaches no line editor. */
async function interactive(
  terminal: Terminal,
): Promise<{ readonly type: (keys: string) => Promise<string>; readonly close: () => Promise<void> }> {
  await terminal.waitFor(/ready> /);
  return {
    async type(keys) {
      terminal.type(`${keys}\r`);
      const [, words = ""] = await terminal.waitFor(/got((?: <[^>\n]*>)*)\n/);
      await terminal.waitFor(/ready> /);
      return /<([^>]*)>$/.exec(words)?.[1] ?? "";
    },
    async close() {
      terminal.type("exit\r");
      await terminal.ended;
    },
  };
}

/** A shell that there is on Debian. */
export type DebianShell = Exclude<Shell, "powershell">;

/** Starts `shell` in `folder`; its own files are in its home. A word shows what it became. */
export async function startShell(
  shell: DebianShell,
  path: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<CompletingShell> {
  const home = env["HOME"] ?? folder;
  const script = join(home, `script.${shell}`);
  writeFileSync(script, completionScript(shell));
  return { bash: startBash, zsh: startZsh, fish: startFish }[shell](path, { script, home, folder, env });
}

interface Place {
  readonly script: string;
  readonly home: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What fish and bash know of git, as Debian has it. */
const FISH_GITS = "/usr/share/fish/completions/git.fish";
const GITS = "/usr/share/bash-completion/completions/git";

async function startBash(path: string, { script, home, folder, env }: Place): Promise<CompletingShell> {
  const rc = join(home, "bashrc");
  const gits = existsSync(GITS) ? `source ${GITS}\n` : "";
  writeFileSync(rc, `${PROMPT}\nbind 'set enable-bracketed-paste off'\n${gits}source ${script}\n`);
  const terminal = openTerminal(path, ["--noprofile", "--rcfile", rc, "-i"], { cwd: folder, env, cols: 400 });
  const keyboard = await interactive(terminal);
  const ask = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vault; printf "%s\\n" "${COMPREPLY[@]}"';
  return {
    async offers(...words) {
      // As readline cuts words, these stand alone.
      const cut = words.flatMap((word) => (word === "" ? word : word.split(/([=:@])/).filter((part) => part !== "")));
      return sorted(
        (await runOk(path, ["--norc", "-c", ask, "bash", script, ...cut], { cwd: folder, env })).toString(),
      );
    },
    tab: (...words) => keyboard.type(`${words.join(" ")}\t`),
    close: () => keyboard.close(),
  };
}

async function startZsh(path: string, { script, home, folder, env }: Place): Promise<CompletingShell> {
  const hits = join(home, "hits");
  // Completion functions hand over what they offer to compadd, also (with -O, -A, -D) to compute
  // with it.
  const rc = `${PROMPT}
unsetopt beep auto_menu auto_remove_slash; unset zle_bracketed_paste
autoload -Uz compinit; compinit -u -d ${join(home, "zcompdump")}
zstyle ':completion:*' menu no
compadd() {
  if [[ " \${(j: :)@[1,(i)(-|--)]}" != *" "-[OAD]* ]]; then
    local -a __hits; builtin compadd -O __hits "$@"; print -rl -- $__hits >> ${hits}
  fi
  builtin compadd "$@"
}
source ${script}
`;
  writeFileSync(join(home, ".zshrc"), rc);
  const terminal = openTerminal(path, ["-d", "-i"], { cwd: folder, env: { ...env, ZDOTDIR: home }, cols: 400 });
  const keyboard = await interactive(terminal);
  return {
    async offers(...words) {
      writeFileSync(hits, "");
      await keyboard.type(`${words.join(" ")}\t\u0015vault done`);
      return sorted(readFileSync(hits, "utf8").replaceAll(/=$/gm, ""));
    },
    tab: (...words) => keyboard.type(`${words.join(" ")}\t`),
    close: () => keyboard.close(),
  };
}

async function startFish(path: string, { script, folder, env }: Place): Promise<CompletingShell> {
  const complete = async (words: readonly string[]): Promise<string[]> => {
    // Without a configuration it finds no completions by itself, not even git's.
    const ask = `source $argv[1]; test $argv[2] = git; and source ${FISH_GITS}; complete -C "$argv[2..]"`;
    const lines = await runOk(path, ["--no-config", "-c", ask, script, ...words], { cwd: folder, env });
    return sorted(lines.toString().replaceAll(/\t.*$/gm, ""));
  };
  return {
    offers: (...words) => complete(words),
    async tab(...words) {
      const [only, ...others] = await complete(words);
      return only === undefined || others.length > 0 ? (words.at(-1) ?? "") : only;
    },
    close: async () => {},
  };
}
