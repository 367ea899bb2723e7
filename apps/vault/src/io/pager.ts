/*
 * A pager, as git has one. It is started when the command is done, and only for what is longer than
 * the screen.
 */
import { once } from "node:events";
import { startProgram } from "@git-vault/git-crypt/programs";
import { hasControls } from "./colour.ts";
import { gitPager } from "./git-config.ts";
import { type HeldText, say, writeStdout } from "./streams.ts";
import { rowsOf, terminalSize } from "./width.ts";

/**
 * Shows on the terminal what was kept back for its end: through the user's pager where it is longer
 * than the screen. Ends when the user leaves the pager.
 */
export async function showHeld(held: readonly HeldText[], { pager: mayPage }: { pager: boolean }): Promise<void> {
  const text = held.map((piece) => piece.text).join("");
  if (mayPage && isLongerThanScreen(text) && (await page(text))) return;
  for (const piece of held) {
    if (piece.fd === 1) writeStdout(piece.text);
    else say(piece.text.replace(/\n$/, ""));
  }
}

/** A row is left for the prompt that follows. */
function isLongerThanScreen(text: string): boolean {
  const { columns, rows } = terminalSize(1);
  return hasControls() && rowsOf(text, columns) >= rows;
}

/** Signals that a terminal sends to all programs on it: the pager obeys them, or does not. */
const SIGNALS = ["SIGINT", "SIGQUIT"] as const;

const ignore = (): void => {};

/** Shows text through the pager that git would use; false where there is none. */
async function page(text: string): Promise<boolean> {
  const command = gitPager();
  if (command === null || command === "" || command === "cat") return false;
  // As git does: a shell, unless there is nothing for one to do.
  const isPlain = /^[\w./+:-]+$/.test(command);
  const [program, ...args] = isPlain ? [command] : ["sh", "-c", command];
  for (const signal of SIGNALS) process.on(signal, ignore);
  try {
    const pager = startProgram(program ?? "", args, {
      stdio: ["pipe", "inherit", "inherit"],
      env: { ...process.env, LESS: process.env["LESS"] ?? "FRX", LV: process.env["LV"] ?? "-c" },
    });
    // Who leaves the pager early has read enough.
    pager.stdin?.on("error", ignore);
    pager.stdin?.end(text);
    const hasStarted = await once(pager, "close").then(
      () => true,
      () => false,
    );
    // What a shell says of a command that it cannot find or run.
    return hasStarted && pager.exitCode !== 126 && pager.exitCode !== 127;
  } finally {
    for (const signal of SIGNALS) process.off(signal, ignore);
  }
}
