import { resolve } from "node:path";
import { runProgram } from "@git-vault/git-crypt/programs";
import type { KnownKind, Run } from "../../cli/command.ts";
import type { CommandTable } from "../../cli/command-table.ts";
import { SHELLS, type Shell } from "../../cli/completion.ts";
import { offersFor, type Offered, type OfferedWord } from "../../cli/offers.ts";
import { ownCommand } from "../../own-program.ts";
import { writeStdout } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";

/** How long somebody waits who pressed Tab, in milliseconds. */
const MOST_MS = 300;
const MOST_BYTES = 1024 * 1024;

/**
 * A word that no shell takes for anything but itself: bash puts what it is given on the line as it
 * is, and names come from repositories of others.
 */
const HARMLESS = /^[\w@%+,./][\w@%+:,./=-]*$/;

/**
 * `vault complete`, of these commands. It says nothing of what goes wrong: anyone who pressed Tab
 * is about to write a line.
 */
export const answerOf =
  (table: CommandTable): Run<typeof ABOUT_COMMANDS.complete> =>
  async (_, [asked = "", ...words]) => {
    const shell = SHELLS.find((known) => known === asked);
    try {
      if (shell !== undefined) return writeStdout(answer(shell, words, table));
      const [ms, environment] = words;
      const names = await (await import("./known-names.ts")).knownNames(asked, Number(ms), environment);
      writeStdout(names.map((name) => `${name}\n`).join(""));
    } catch {
      // nothing is offered
    }
  };

/** What the script of `shell` gets for its words, the first of which is the program. */
function answer(shell: Shell, given: readonly string[], table: CommandTable): string {
  const { words, prefix } = asVault(wordsOf(shell, given));
  const offered = offersFor([...prefix, ...words], table);
  const { offer, before } = offered;
  if (offer === "file" || offer === "folder") return `${offer}s\n`;
  const current = words.at(-1) ?? "";
  const value = current.slice(before.length);
  const names = typeof offer === "string" ? namesOf(offer, offered) : offer;
  const fitting = names.filter(([word]) => word.startsWith(value));
  // A recipient may be a file, too, whose name the shell completes.
  if (offer === "recipient" && (value.includes("/") || fitting.length === 0)) return "files\n";
  const lines = LINES[shell]({ names, fitting, before, typed: current, shellsWord: given.at(-1) ?? "" });
  return ["words", ...lines, ""].join("\n");
}

/** bash makes several words of one at these, where nobody told it not to. */
const BREAKS = /^[=:@]+$/;

function wordsOf(shell: Shell, given: readonly string[]): readonly string[] {
  if (shell === "powershell") return [...given.slice(0, -1), (given.at(-1) ?? "").slice(1)];
  if (shell !== "bash") return given;
  const whole: string[] = [];
  let isOpen = false;
  for (const [at, word] of given.entries()) {
    const isBreak = at > 1 && BREAKS.test(word);
    if (isBreak || isOpen) whole.push((whole.pop() ?? "") + word);
    else whole.push(word);
    isOpen = isBreak;
  }
  return whole;
}

/** The words after the program's name; of `git -C DIR vault …`, those after vault's. */
function asVault([program = "", ...words]: readonly string[]): {
  readonly words: readonly string[];
  readonly prefix: readonly string[];
} {
  const at = /(?:^|[/\\])git(?:\.exe)?$/.test(program) ? words.indexOf("vault") : -1;
  const folders = words
    .slice(0, Math.max(at, 0))
    .flatMap((word, index) => (word === "-C" ? (words[index + 1] ?? []) : []));
  return { words: words.slice(at + 1), prefix: folders.flatMap((folder) => ["-C", folder]) };
}

interface Answer {
  readonly names: readonly OfferedWord[];
  /** Those that begin with what was typed: zsh and fish judge that themselves. */
  readonly fitting: readonly OfferedWord[];
  readonly before: string;
  /** The whole word. */
  readonly typed: string;
  /** What of it the shell takes for the word. */
  readonly shellsWord: string;
}

const LINES: Readonly<Record<Shell, (answer: Answer) => string[]>> = {
  bash({ fitting, before, typed, shellsWord }) {
    const passed = typed.length - (BREAKS.test(shellsWord) ? 0 : shellsWord.length);
    // To readline, an @ belongs to what follows it.
    const start = typed[passed - 1] === "@" ? passed - 1 : passed;
    return fitting.map(([word]) => (before + word).slice(start));
  },
  zsh: ({ names }) => names.map(([word, summary]) => [word.replaceAll(/[\\:]/g, String.raw`\$&`), summary].join(":")),
  fish: ({ names, before }) => names.map(([word, summary]) => `${before}${word}\t${summary}`),
  powershell: ({ fitting, before }) => fitting.map(([word, summary]) => `${before}${word}\t${summary}`),
};

/**
 * What is known of a kind. Another process finds it out, which is ended when its time is up,
 * whatever it is at.
 */
function namesOf(kind: KnownKind, { folders, operands }: Offered): OfferedWord[] {
  const most = Number(process.env["GIT_VAULT_COMPLETION_MS"] ?? MOST_MS);
  const left = Math.floor(most - process.uptime() * 1000);
  if (!(left > 0)) return [];
  const [program, ...own] = ownCommand();
  const words = [...own, "complete", kind, String(left), ...operands.slice(0, 1)];
  const { stdout } = runProgram(program, words, {
    cwd: resolve(...folders),
    timeout: left,
    killSignal: "SIGKILL",
    maxBuffer: MOST_BYTES,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const names = new Set((stdout?.toString() ?? "").split("\n"));
  return [...names].filter((name) => HARMLESS.test(name)).map((name) => [name, ""]);
}
