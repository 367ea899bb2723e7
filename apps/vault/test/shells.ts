import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "@git-vault/testkit";
import { openTerminal, type Terminal } from "@git-vault/testkit/terminal";
import { completionScript, type Shell } from "../src/cli/completion.ts";
import { TABLE } from "../src/commands/index.ts";

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

/**
 * In place of the program stands a function that shows its words: what was completed is what it is
 * called with.
 */
const SHOW = "vault() { printf 'got'; printf ' <%s>' \"$@\"; echo; }\ngit-vault() { vault \"$@\"; }\n";

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

/** Starts `shell` in `folder`, which is also its home. */
export async function startShell(shell: Shell, path: string, folder: string): Promise<CompletingShell> {
  const script = join(folder, `script.${shell}`);
  writeFileSync(script, completionScript(shell, TABLE));
  const env = { HOME: folder, PATH: process.env["PATH"], LC_ALL: "C.UTF-8", TERM: "xterm" };
  return { bash: startBash, zsh: startZsh, fish: startFish }[shell](path, { script, folder, env });
}

interface Place {
  readonly script: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

async function startBash(path: string, { script, folder, env }: Place): Promise<CompletingShell> {
  const rc = join(folder, "bashrc");
  writeFileSync(rc, `${PROMPT}\n${SHOW}bind 'set enable-bracketed-paste off'\nsource ${script}\n`);
  const terminal = openTerminal(path, ["--noprofile", "--rcfile", rc, "-i"], { cwd: folder, env, cols: 400 });
  const keyboard = await interactive(terminal);
  const ask = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vault; printf "%s\\n" "${COMPREPLY[@]}"';
  return {
    async offers(...words) {
      // As readline cuts words, a `=` stands alone.
      const cut = words.flatMap((word) =>
        word.startsWith("--") ? word.split(/(=)/).filter((part) => part !== "") : word,
      );
      return sorted(
        (await runOk(path, ["--norc", "-c", ask, "bash", script, ...cut], { cwd: folder, env })).toString(),
      );
    },
    tab: (...words) => keyboard.type(`${words.join(" ")}\t`),
    close: () => keyboard.close(),
  };
}

async function startZsh(path: string, { script, folder, env }: Place): Promise<CompletingShell> {
  const hits = join(folder, "hits");
  // Completion functions hand over what they offer to compadd, also (with -O, -A, -D) to compute
  // with it.
  const rc = `${PROMPT}
unsetopt beep auto_menu auto_remove_slash; unset zle_bracketed_paste
autoload -Uz compinit; compinit -u -d ${join(folder, "zcompdump")}
zstyle ':completion:*' menu no
${SHOW}compadd() {
  if [[ " \${(j: :)@[1,(i)(-|--)]}" != *" "-[OAD]* ]]; then
    local -a __hits; builtin compadd -O __hits "$@"; print -rl -- $__hits >> ${hits}
  fi
  builtin compadd "$@"
}
source ${script}
`;
  writeFileSync(join(folder, ".zshrc"), rc);
  const terminal = openTerminal(path, ["-d", "-i"], { cwd: folder, env: { ...env, ZDOTDIR: folder }, cols: 400 });
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
    const ask = "source $argv[1]; complete -C $argv[2]";
    const lines = await runOk(path, ["--no-config", "-c", ask, script, words.join(" ")], { cwd: folder, env });
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
