import headless, { type IBufferCell } from "@xterm/headless";

/** How a picture of a terminal is made. */
export interface PictureOptions {
  readonly cols: number;
  /** What the picture shows, for those who cannot see it. */
  readonly title: string;
}

/** The terminal's own colours, then its sixteen, each readable on the ground (WCAG AA). */
const GROUND = "#0d1117";
const TEXT = "#e6edf3";
const FAINT = "#9da7b3";
const COLOURS = [
  "#7d8590",
  "#ff7b72",
  "#7ee787",
  "#e3b341",
  "#79c0ff",
  "#d2a8ff",
  "#56d4dd",
  TEXT,
  FAINT,
  "#ffa198",
  "#aff5b4",
  "#f2cc60",
  "#a5d6ff",
  "#e2c5ff",
  "#b3f0ff",
  "#ffffff",
];

/** In pixels. */
const CELL = { width: 8.4, height: 19 };
const MARGIN = 16;

/** A piece of a row whose cells look alike. */
interface Run {
  readonly at: number;
  readonly columns: number;
  readonly text: string;
  readonly colour: string;
  readonly ground: string | null;
  readonly isBold: boolean;
}

/**
 * What a terminal shows after it got these bytes, also what scrolled off its top, as an SVG
 * picture: a real emulator obeys the control sequences in them.
 */
export async function screenPicture(raw: string, { cols, title }: PictureOptions): Promise<string> {
  const terminal = new headless.Terminal({ cols, rows: 24, scrollback: 10_000, allowProposedApi: true });
  await new Promise<void>((done) => {
    terminal.write(raw, done);
  });
  const { active } = terminal.buffer;
  const rows = Array.from({ length: active.length }, (_, index) => {
    const line = active.getLine(index);
    return runsOf(Array.from({ length: cols }, (__, column) => line?.getCell(column)));
  });
  terminal.dispose();
  while (rows.at(-1)?.length === 0) rows.pop();
  const width = Math.ceil(cols * CELL.width + 2 * MARGIN);
  const height = rows.length * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`,
    ...rows.flatMap((runs, row) => runs.map((run) => runInSvg(run, row))),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** The runs of a row, without the blanks between and behind them. */
function runsOf(cells: readonly (IBufferCell | undefined)[]): Run[] {
  const runs: Run[] = [];
  for (const [at, cell] of cells.entries()) {
    // What follows a wide character has no width of its own.
    if (cell === undefined || cell.getWidth() === 0) continue;
    const look = lookOf(cell);
    const [text, columns] = [cell.getChars() || " ", cell.getWidth()];
    const before = runs.at(-1);
    const isSame = before?.colour === look.colour && before.ground === look.ground && before.isBold === look.isBold;
    if (before !== undefined && isSame)
      runs[runs.length - 1] = { ...before, text: before.text + text, columns: before.columns + columns };
    else runs.push({ at, columns, text, ...look });
  }
  const last = runs.at(-1);
  if (last !== undefined && last.ground === null) {
    const text = last.text.trimEnd();
    runs[runs.length - 1] = { ...last, text, columns: last.columns - (last.text.length - text.length) };
  }
  return runs.filter(({ text, ground }) => ground !== null || text.trim() !== "");
}

function lookOf(cell: IBufferCell): Pick<Run, "colour" | "ground" | "isBold"> {
  const colour = cell.isFgPalette() ? (COLOURS[cell.getFgColor()] ?? TEXT) : cell.isDim() ? FAINT : TEXT;
  const isBold = cell.isBold() !== 0;
  return cell.isInverse() === 0 ? { colour, ground: null, isBold } : { colour: GROUND, ground: colour, isBold };
}

/** A blank of which SVG leaves none out. */
const NO_BREAK = "\u00a0";

/** Each piece has the width of its cells, no matter which font there is. */
function runInSvg({ at, columns, text, colour, ground, isBold }: Run, row: number): string {
  const x = (MARGIN + at * CELL.width).toFixed(1);
  const top = MARGIN + row * CELL.height;
  const width = (columns * CELL.width).toFixed(1);
  const weight = isBold ? ' font-weight="bold"' : "";
  const behind =
    ground === null ? "" : `<rect x="${x}" y="${top}" width="${width}" height="${CELL.height}" fill="${ground}"/>`;
  return `${behind}<text x="${x}" y="${top + 14}" textLength="${width}" lengthAdjust="spacingAndGlyphs" fill="${colour}"${weight}>${escaped(text).replaceAll(" ", NO_BREAK)}</text>`;
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
