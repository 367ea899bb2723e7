import { leadsTo } from "./streams.ts";
import { writeSync } from "node:fs";

/** Work that is done sooner needs no progress. */
const A_MOMENT = 500;
const BETWEEN = 100;
const ERASE_LINE = "\r\u001b[K";

/** Shows how far work on many files is. */
export interface ProgressLine {
  readonly step: ((done: number, total: number) => void) | undefined;
  /** Wipes the line, if there is one. */
  end(): void;
}

/** A line on stderr, where that is a terminal, after a moment's work. */
export function progressLine(
  what: string,
  { quiet, json }: { readonly quiet: boolean; readonly json: boolean },
): ProgressLine {
  if (quiet || json || leadsTo(2) !== "terminal") return { step: undefined, end: () => {} };
  let due = performance.now() + A_MOMENT;
  let isShown = false;
  return {
    step: (done, total) => {
      const now = performance.now();
      if (now < due) return;
      due = now + BETWEEN;
      isShown = true;
      writeSync(2, `${ERASE_LINE}vault: ${done} of ${total} files ${what}`);
    },
    end: () => {
      if (isShown) writeSync(2, ERASE_LINE);
      isShown = false;
    },
  };
}
