/*
 * What both entries do. What git runs, once for each of its own commands, is a file that holds only
 * what that needs; all else is the program.
 */
import { runFile, type ProgramFiles } from "./run-file.ts";

/** The words that git's configuration has, and no others. */
const BY_GIT = /^filter(?:\n(?:clean|smudge))?(?:\n--key-name=[^\n]+)?$/;

/** Runs the command that the words of the command line name. */
export function start(program: ProgramFiles): void {
  const words = process.argv.slice(2);
  // Other words of the same command need other code, and much of it.
  if (BY_GIT.test(words.join("\n"))) return runFile("filter.cjs", "by-git", program);
  const [first = ""] = words[0] === "-C" ? words.slice(2) : words;
  runFile("program.cjs", first.startsWith("-") ? "help" : first, program);
}
