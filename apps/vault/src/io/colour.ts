/*
 * Colour on a terminal. A colour never says what the words beside it do not say. What is coloured
 * is made printable first, so that every control sequence is this program's own.
 */
import { styleText } from "node:util";
import { leadsTo, printableText } from "./streams.ts";

/** What a piece of text means, by which it is coloured. */
export type Meaning = keyof typeof STYLES;

const STYLES = {
  good: "green",
  bad: "red",
  warning: "yellow",
  hint: "cyan",
  title: "bold",
  aside: "dim",
  added: "green",
  removed: "red",
  changed: "yellow",
  place: "cyan",
} as const;

/** Whether the terminals of this process obey control sequences. */
export const hasControls = (): boolean =>
  !["", "dumb"].includes(process.env["TERM"] ?? (process.platform === "win32" ? "windows" : ""));

/**
 * Whether what is written to a standard stream is coloured. NO_COLOR wins, as its authors ask for;
 * what forces colour makes it reach pipes and files, too.
 */
export function hasColour(fd: 1 | 2): boolean {
  const { NO_COLOR = "", CLICOLOR, CLICOLOR_FORCE = "", FORCE_COLOR = "" } = process.env;
  if (NO_COLOR !== "" || OFF.has(FORCE_COLOR)) return false;
  if (FORCE_COLOR !== "" || (CLICOLOR_FORCE !== "" && !OFF.has(CLICOLOR_FORCE))) return true;
  return CLICOLOR !== "0" && hasControls() && leadsTo(fd) === "terminal";
}

const OFF: ReadonlySet<string> = new Set(["0", "false"]);

/** A piece of a line, made printable, and coloured where the stream it is written to is. */
export function coloured(meaning: Meaning, text: string, fd: 1 | 2 = 1): string {
  const shown = printableText(text);
  return hasColour(fd) && shown !== "" ? styleText(STYLES[meaning], shown, { validateStream: false }) : shown;
}
