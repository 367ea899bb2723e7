import { openSync, writeFileSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { CliError } from "../errors.ts";

/** The terminal to ask on: the controlling one, else stdin if it is one; else null. */
function openTerminal(): { input: ReadStream; output: WriteStream; close(): void } | null {
  try {
    const fd = openSync("/dev/tty", "r+");
    const input = new ReadStream(fd);
    const output = new WriteStream(openSync("/dev/tty", "r+"));
    return {
      input,
      output,
      close: () => {
        input.destroy();
        output.destroy();
      },
    };
  } catch {
    if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
    return { input: process.stdin, output: process.stderr, close: () => process.stdin.pause() };
  }
}

/**
 * Asks for a secret on the terminal, showing nothing of it. The prompt is wiped when it was
 * answered.
 *
 * @param otherwise what to use where nothing can be asked, for the hint
 * @throws CliError `USAGE` where there is no terminal, `INTERRUPTED` for Ctrl-C, `NOT_ANSWERED`
 * for Ctrl-D
 */
export const askSecret = (question: string, otherwise: string): Promise<string> =>
  // toggleMask would show the secret at Ctrl+T.
  ask(question, otherwise, { type: "password", toggleMask: false });

/** Asks for a line of text, as `askSecret` does. An aborted `signal` is `INTERRUPTED`. */
export const askLine = (question: string, otherwise: string, signal?: AbortSignal): Promise<string> =>
  ask(question, otherwise, { type: "input" }, signal);

/** Asks a yes-or-no question on the terminal; an empty line is a no. */
export async function askYes(question: string, otherwise: string, signal?: AbortSignal): Promise<boolean> {
  const answer = await askLine(`${question}? (y/N)`, otherwise, signal);
  const given = answer.trim().toLowerCase();
  return given === "y" || given === "yes";
}

async function ask(
  question: string,
  otherwise: string,
  kind: { readonly type: "password"; readonly toggleMask: false } | { readonly type: "input" },
  signal?: AbortSignal,
): Promise<string> {
  const terminal = openTerminal();
  if (terminal === null)
    throw new CliError("USAGE", `${question} cannot be asked: there is no terminal`, { hint: otherwise });
  const ended = new AbortController();
  // inquirer would pass it over.
  terminal.input.on("keypress", (_, key: { readonly ctrl?: boolean; readonly name?: string } | undefined) => {
    if (key?.ctrl === true && key.name === "d") ended.abort();
  });
  try {
    const { default: inquirer } = await import("inquirer");
    const prompt = inquirer.createPromptModule({
      input: terminal.input,
      output: terminal.output,
      clearPromptOnDone: true,
      signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
    });
    const answers = await prompt<{ answer: string }>([{ ...kind, name: "answer", message: `${question}:` }]);
    return answers.answer;
  } catch (error) {
    if (ended.signal.aborted)
      throw new CliError("NOT_ANSWERED", `${question} was not answered: Ctrl-D ended it`, {
        hint: otherwise,
        cause: error,
      });
    if (error instanceof Error && /^(?:Exit|Abort)PromptError$/.test(error.name)) {
      throw new CliError("INTERRUPTED", "interrupted", { cause: error });
    }
    throw error;
  } finally {
    terminal.close();
  }
}

/** Writes a control sequence straight to the controlling terminal. False where there is none. */
export function writeToTerminal(sequence: string): boolean {
  try {
    writeFileSync("/dev/tty", sequence, { flag: "r+" });
    return true;
  } catch {
    return false;
  }
}
