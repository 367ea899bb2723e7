/*
 * Lines on the terminal of standard error that are drawn again in their places, and leave nothing
 * behind: progress, and the table of a rollout. What is said meanwhile stands above them.
 */
import { writeSync } from "node:fs";
import { coloured, hasControls, type Meaning } from "./colour.ts";
import { beforeText, leadsTo } from "./streams.ts";
import { fit, terminalSize, widthOf } from "./width.ts";

/** A piece of a line, of a certain meaning. */
export type Piece = string | readonly [meaning: Meaning, text: string];

/** A line, cut where the terminal ends. */
export type LiveLine = readonly Piece[];

const ERASE_BELOW = "\u001b[J";
const up = (lines: number): string => (lines === 0 ? "" : `\u001b[${lines}A`);

/** Whether there is a terminal to draw on, and somebody who wants to see it. */
export const canDraw = ({ quiet, json }: { readonly quiet: boolean; readonly json: boolean }): boolean =>
  !quiet && !json && hasControls() && leadsTo(2) === "terminal";

let drawn = 0;

/** How many lines fit, of the width that the terminal has now. */
export const liveRows = (): number => Math.max(1, terminalSize(2).rows - 1);

/**
 * Draws lines in place of those that were drawn before: in one write, so that nothing flickers. The
 * cursor stays at their end, and is never hidden: what kills this program leaves a sane terminal.
 */
export function draw(lines: readonly LiveLine[]): void {
  beforeText(eraseLive);
  // In its last column, some terminals go on to the next row.
  const columns = Math.max(1, terminalSize(2).columns - 1);
  const shown = lines.slice(0, liveRows()).map((line) => fitted(line, columns));
  writeSync(2, `${erasing()}${shown.join("\n")}`);
  drawn = shown.length;
}

/** Wipes what was drawn. */
export function eraseLive(): void {
  if (drawn > 0) writeSync(2, erasing());
  drawn = 0;
}

const erasing = (): string => (drawn === 0 ? "" : `\r${up(drawn - 1)}${ERASE_BELOW}`);

function fitted(line: LiveLine, columns: number): string {
  let room = columns;
  return line
    .map((piece) => {
      const [meaning, whole] = typeof piece === "string" ? [null, piece] : piece;
      const text = fit(whole, room);
      room -= widthOf(text);
      return meaning === null ? text : coloured(meaning, text, 2);
    })
    .join("");
}
