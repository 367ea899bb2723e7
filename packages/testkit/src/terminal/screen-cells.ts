import headless from "@xterm/headless";

/** A row of a terminal. */
export interface ScreenRow {
  /** Without the blanks at its end. */
  readonly text: string;
  /** What of it is in reverse video, likewise. */
  readonly reversed: string;
}

/**
 * What a terminal shows after it got these bytes, also what scrolled off its top: a real emulator
 * obeys the control sequences in them.
 */
export async function screenRows(
  raw: string,
  { cols = 80, rows = 24 }: { readonly cols?: number; readonly rows?: number } = {},
): Promise<ScreenRow[]> {
  const terminal = new headless.Terminal({ cols, rows, scrollback: 10_000, allowProposedApi: true });
  await new Promise<void>((done) => {
    terminal.write(raw, done);
  });
  const { active } = terminal.buffer;
  const shown = Array.from({ length: active.length }, (_, index) => {
    const line = active.getLine(index);
    const cells = Array.from({ length: cols }, (__, column) => line?.getCell(column));
    const textOf = (isShown: (inverse: boolean) => boolean): string =>
      cells
        .map((cell) => (cell !== undefined && isShown(cell.isInverse() !== 0) ? cell.getChars() || " " : " "))
        .join("")
        .trimEnd();
    return { text: textOf(() => true), reversed: textOf((inverse) => inverse) };
  });
  terminal.dispose();
  while (shown.at(-1)?.text === "") shown.pop();
  return shown;
}
