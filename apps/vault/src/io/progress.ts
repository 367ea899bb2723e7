import { canDraw, draw, eraseLive } from "./live.ts";

/** Work that is done sooner needs no progress. In milliseconds. */
const A_MOMENT = 500;
const BETWEEN = 100;
/** Before that, nobody can tell how long the rest takes. */
const BEFORE_RATE = 1000;
/** How often the line is drawn again while a step takes long. */
const TICK = 1000;

/** What is done, and in what it is counted. */
export interface Work {
  /** `decrypted`. */
  readonly done: string;
  readonly unit: "files" | "archives" | "bytes";
}

/** Shows how far work is. */
export interface ProgressLine {
  /**
   * Called after each step.
   *
   * @param total of all steps; null where nobody knows
   */
  readonly step: (done: number, total: number | null) => void;
  /** Wipes the line, if there is one. */
  end(): void;
}

/**
 * A line on stderr, where that is a terminal, once work takes longer than a moment: it begins with
 * the first step, since a question may come before.
 */
export function progressLine(work: Work, options: { readonly quiet: boolean; readonly json: boolean }): ProgressLine {
  if (!canDraw(options)) return { step: () => {}, end: () => {} };
  let begun: { readonly time: number; readonly done: number; readonly timer: NodeJS.Timeout } | null = null;
  let [due, latest] = [0, { done: 0, total: null as number | null }];
  const show = (): void => {
    if (begun === null || performance.now() < due) return;
    const now = performance.now();
    due = now + BETWEEN;
    draw([[`vault: ${progressText(work, { ...latest, elapsed: now - begun.time, before: begun.done })}`]]);
  };
  return {
    step: (done, total) => {
      latest = { done, total };
      if (begun === null) {
        const now = performance.now();
        due = now + A_MOMENT;
        begun = { time: now, done, timer: setInterval(show, TICK).unref() };
      }
      show();
    },
    end: () => {
      clearInterval(begun?.timer);
      begun = null;
      eraseLive();
    },
  };
}

/** How far work is. */
export interface Reached {
  readonly done: number;
  readonly total: number | null;
  /** In milliseconds. */
  readonly elapsed: number;
  /** How much of it was done when the time began. */
  readonly before: number;
}

/** `decrypted 120 of 480 files (25%), 60 a second, 6s left`. */
export function progressText({ done: verb, unit }: Work, { done, total, elapsed, before }: Reached): string {
  const amount = (number: number): string => (unit === "bytes" ? size(number) : String(number));
  const things = unit === "bytes" ? "" : ` ${unit}`;
  const share =
    total === null || total === 0 ? "" : ` of ${amount(total)}${things} (${Math.floor((100 * done) / total)}%)`;
  const far = `${verb} ${amount(done)}${share === "" ? things : share}`;
  const rate = (done - before) / (elapsed / 1000);
  if (elapsed < BEFORE_RATE || rate === 0) return far;
  const speed = unit === "bytes" ? `${size(rate)}/s` : `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`;
  return `${far}, ${speed}${total === null ? "" : `, ${time((total - done) / rate)} left`}`;
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

function size(bytes: number): string {
  let number = bytes / 1024;
  let unit = 0;
  for (; number >= 1000 && unit < UNITS.length - 1; unit += 1) number /= 1024;
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ${UNITS[unit]}`;
}

const two = (number: number): string => String(number).padStart(2, "0");

/** `8s`, `2m 05s`, `1h 07m`. */
function time(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}m ${two(whole % 60)}s` : `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
}
