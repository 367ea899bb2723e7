import type { DeployEvent } from "@git-vault/deploy/releases";
import type { RolloutEvent, RolloutOutcome } from "@git-vault/deploy/rollout";
import { printable } from "@git-vault/core";
import { draw, eraseLive, liveRows, type LiveLine, type Piece } from "../../io/live.ts";
import { printableLine } from "../../io/streams.ts";
import { linesOf } from "./event-text.ts";

const STEPS = ["plan", "apply", "verify"] as const;
type Step = (typeof STEPS)[number];

/** Where an environment is. */
interface Row {
  readonly name: string;
  step: Step | null;
  /** What was told of it last. */
  told: string;
  outcome: RolloutOutcome["state"] | null;
  /** In milliseconds: when it began, and when it ended. */
  begin: number | null;
  end: number | null;
}

/** The seconds that a step takes are drawn as they pass. */
const TICK = 1000;

/** What environments a rollout deals with, in a table on the terminal that is drawn as they go. */
export class RolloutTable implements Disposable {
  readonly #rows: readonly Row[];
  readonly #timer: NodeJS.Timeout;

  constructor(names: readonly string[]) {
    this.#rows = names.map((name) => ({ name, step: null, told: "", outcome: null, begin: null, end: null }));
    this.#timer = setInterval(() => this.draw(), TICK);
    this.draw();
  }

  /** Takes note of a step that begins, or of how an environment came out. */
  follow(event: RolloutEvent): void {
    if (event.type === "end") return;
    const name = event.type === "step" ? event.environment : event.outcome.environment;
    const row = this.#rowOf(name);
    if (row === undefined) return;
    if (event.type === "step") {
      row.step = event.step;
      row.told = "";
      row.begin ??= performance.now();
    } else {
      row.outcome = event.outcome.state;
      row.end = performance.now();
    }
    this.draw();
  }

  /** Takes note of what happens while an environment is deployed to. */
  tell(environment: string, event: DeployEvent): void {
    const row = this.#rowOf(environment);
    const [line] = linesOf(event);
    if (row !== undefined && line !== undefined) row.told = line;
    this.draw();
  }

  draw(): void {
    const width = Math.max(...this.#rows.map(({ name }) => printable(name).length));
    const lines = this.#rows.map((row) => lineOf(row, width));
    draw(lines.length <= liveRows() ? lines : this.#shortened(lines));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    eraseLive();
  }

  #rowOf(environment: string): Row | undefined {
    return this.#rows.find(({ name }) => name === environment);
  }

  /** Those that something is done to come first; the rest is counted. */
  #shortened(lines: readonly LiveLine[]): LiveLine[] {
    const sorted = [...this.#rows.entries()].toSorted(([, one], [, other]) => order(one) - order(other));
    const shown = sorted.slice(0, liveRows() - 1);
    const rest = sorted.slice(shown.length).map(([, row]) => row);
    const count = (state: Row["outcome"]): number => rest.filter(({ outcome }) => outcome === state).length;
    const counts = [
      [count(null), "under way or waiting"],
      [count("done"), "done"],
      [count("failed"), "failed"],
      [count("skipped"), "not begun"],
    ] as const;
    const told = counts.flatMap(([number, what]) => (number === 0 ? [] : `${number} ${what}`)).join(", ");
    return [...shown.map(([at]) => lines[at] ?? []), [["aside", `… and ${rest.length} more: ${told}`]]];
  }
}

/** Where a row stands in a table that has no room for all. */
const order = ({ step, outcome }: Row): number => (outcome !== null ? 2 : step === null ? 1 : 0);

/** `gke      plan ✓ apply …  12s  web: waiting`, its steps always in the same columns. */
function lineOf(row: Row, width: number): LiveLine {
  const seconds = row.begin === null ? "" : `${Math.round(((row.end ?? performance.now()) - row.begin) / 1000)}s`;
  return [
    ["title", printable(row.name).padEnd(width)],
    ...STEPS.flatMap((step) => ["  ", stepPiece(row, step)] as const),
    `  ${seconds.padStart(4)}  `,
    ...endPieces(row),
  ];
}

/** A step with its sign, so that no colour is needed to tell. */
function stepPiece({ step: current, outcome }: Row, step: Step): Piece {
  const at = STEPS.indexOf(step);
  const reached = current === null ? -1 : STEPS.indexOf(current);
  if (outcome === "done" || at < reached) return ["good", `${step} ✓`];
  if (at > reached) return ["aside", `${step} ·`];
  return outcome === "failed" ? ["bad", `${step} ✗`] : ["changed", `${step} …`];
}

function endPieces({ step, told, outcome }: Row): Piece[] {
  if (outcome === "done") return [["good", "done"]];
  if (outcome === "failed") return [["bad", "failed"]];
  if (outcome === "skipped") return [["warning", "not begun"]];
  return step === null ? [["aside", "waiting"]] : [printableLine(told)];
}
