/*
 * What vault says of a text that somebody else wrote, set apart from it on a terminal: in reverse
 * video, which takes a control sequence, and no control character of the text reaches the terminal.
 */
import { isUtf8 } from "node:buffer";
import { CliError } from "../errors.ts";
import { hasControls } from "./colour.ts";
import { leadsTo, printableText, say, writeStdout } from "./streams.ts";

const RESET = "\x1b[0m";

/** A line as vault alone can show it; where the terminal has no styles, at its left edge. */
const marked = (line: string): string => (hasControls() ? `${RESET}\x1b[7m ${line} ${RESET}` : line);

/** Tells something that a text from outside must not be able to say, on stderr. */
export const sayMarked = (line: string): void => say(leadsTo(2) === "terminal" ? marked(line) : line);

/**
 * Shows a text on the terminal of standard output, between two lines of vault's. Its control and
 * format characters are shown as `\xNN`; where the terminal has no styles, a bar stands before each
 * of its rows.
 *
 * @param verdict what the lines say
 * @throws CliError `BINARY_TO_TERMINAL`
 */
export function writeFramed(data: Buffer, verdict: string): void {
  if (!isUtf8(data) || data.includes(0)) {
    throw new CliError("BINARY_TO_TERMINAL", `the output is binary (${data.length} bytes) and stdout is a terminal`, {
      hint: "pipe it on, write it to a file with `-o FILE`, or force it with `-o -`; a git-crypt key is for `vault unlock`",
    });
  }
  const text = data.toString().replaceAll("\r\n", "\n");
  const shown = printableText(text);
  const note = shown === text ? "" : "; control characters are shown as \\xNN, and `-o -` writes them as they are";
  const body = hasControls() ? shown : withBars(shown);
  const end = body === "" || body.endsWith("\n") ? "" : "\n";
  writeStdout(`${marked(`vault: ${verdict}`)}\n${body}${end}${marked(`vault: end, ${verdict}${note}`)}\n`);
}

/**
 * Writes bytes to the terminal of standard output as they are. They can make it look like anything,
 * so that only the first line is sure to be vault's.
 */
export function writeRaw(data: Buffer, verdict: string): void {
  writeStdout(`${marked(`vault: ${verdict}; what follows is written as it is, and can look like anything`)}\n`);
  writeStdout(data);
  writeStdout(`${data.at(-1) === 0x0a ? "" : "\n"}${marked(`vault: end, ${verdict}`)}\n`);
}

/** Columns of a tab, which may take fewer. */
const TAB = 8;

/** A bar before each row: a longer line is cut, so that the terminal does not wrap it. */
function withBars(text: string): string {
  const columns = Math.max(20, process.stdout.columns ?? 80) - 2;
  const rows = text
    .replace(/\n$/, "")
    .split("\n")
    .flatMap((line) => cut(line.replaceAll("\t", " ".repeat(TAB)), columns));
  return rows.map((row) => `| ${row}\n`).join("");
}

/** Cuts a line into rows. What is not ASCII may be as wide as two columns. */
function cut(line: string, columns: number): string[] {
  const rows = [""];
  let width = 0;
  for (const character of line) {
    const its = character.charCodeAt(0) < 0x80 ? 1 : 2;
    if (width + its > columns) {
      rows.push("");
      width = 0;
    }
    rows.push(`${rows.pop() ?? ""}${character}`);
    width += its;
  }
  return rows;
}
