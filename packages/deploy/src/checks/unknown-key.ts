import { closest, distance } from "fastest-levenshtein";
import type { Chart } from "../charts/chart.ts";
import type { Check } from "./check.ts";
import { formatPath, mapAt, type Path } from "../values/value.ts";
import type { LoadedChart } from "../charts/loaded-chart.ts";
import { type ChartValues, chartValues, wholeChart } from "./chart-values.ts";
import { isNamedElsewhere } from "./anchors.ts";
import { found, merged, placeOf } from "./reading.ts";
import { remember } from "../remember.ts";

/**
 * Tells of keys that no chart knows: Helm passes over them in silence. A chart knows what its
 * values.yaml and its schema name, what its templates speak of, and everything in a map that is
 * empty there, or that a template takes whole. Values under the key of a chart in it are that
 * one's.
 */
export const unknownKey: Check = async function* unknownKeyCheck(context) {
  const judges = new Map<Chart, (path: Path) => Verdict>();
  for await (const [release, values] of merged(context)) {
    const judge = remember(judges, release.chart, () => judgeOf(wholeChart(context, release.chart)));
    let passOver: Path | null = null;
    for (const { path, settings } of values.nodes()) {
      if (passOver !== null && isBelow(path, passOver)) continue;
      const verdict = judge(path);
      passOver = verdict === "known" ? null : path;
      const setting = settings.at(-1);
      if (typeof verdict === "string" || setting === undefined) continue;
      // It is there for what stands elsewhere in the file, by its anchor.
      if (verdict.nearest === null && isNamedElsewhere(setting)) continue;
      const message = `${formatPath(path)} is no value that the chart ${verdict.chart} knows`;
      yield found("unknown-key", "warning", message, {
        ...placeOf(setting, release),
        messageOfSeveral: message,
        hint:
          verdict.nearest === null
            ? "Helm passes over it: take it out, or find its right name"
            : `did you mean ${verdict.nearest}?`,
      });
    }
  }
};

/** Judges paths by what a chart knows; each once, since environments share most of theirs. */
function judgeOf(chart: LoadedChart): (path: Path) => Verdict {
  const root = new KnownKeys(chart, ["tags"]);
  const verdicts = new Map<string, Verdict>();
  return (path) => remember(verdicts, path.join("\0"), () => root.judge(path));
}

const isBelow = (path: Path, above: Path): boolean =>
  path.length > above.length && above.every((step, at) => step === path[at]);

/** Known, with everything below it, or unknown to a chart that may have a similar key. */
type Verdict = "known" | "free" | { readonly chart: string; readonly nearest: string | null };

/** More names than a person could mean. */
const MOST_NAMES = 2000;
/** More slips than anybody makes: a file of other keys altogether. */
const MOST_SEARCHES = 1000;

class KnownKeys {
  readonly #chart: ChartValues;
  /** At the top, beside the chart's own: what is in them is not for it. */
  readonly #others: ReadonlySet<string>;
  readonly #parts = new Map<string, KnownKeys>();
  #searches = 0;
  readonly #names = new Map<string, ReadonlySet<string> | null>();

  constructor(chart: LoadedChart, others: readonly string[] = []) {
    this.#chart = chartValues(chart);
    this.#others = new Set([...others, ...this.#chart.parts.keys(), "global"]);
  }

  /** @param path within the chart's values */
  judge(path: Path): Verdict {
    const { words, whole, name, parts, switches, isWhole, imports } = this.#chart;
    if (switches.has(path.join("."))) return "known";
    // What a chart that is not here has for this one, nobody can say either.
    if (imports.some((above) => above === "." || isBelow([...path, ""], above.split(".")))) return "free";
    const [first] = path;
    const part = parts.get(String(first));
    // Of one that is not here, nobody can say what it knows.
    if (part === null) return path.length === 1 ? "known" : "free";
    if (part !== undefined) {
      if (path.length === 1) return "known";
      return remember(this.#parts, String(first), () => new KnownKeys(part)).judge(path.slice(1));
    }
    const key = String(path.at(-1));
    if (path.length === 1 && this.#others.has(key)) return "free";
    const above = path.slice(0, -1);
    const names = this.#namesAt(above);
    if (names === null || whole.has(path.join(".")) || whole.has(above.join("."))) return "free";
    const isUsed = words.has(key);
    const others = path.length === 1 ? [...this.#others] : [];
    if (!names.has(key)) {
      const nearest = isUsed ? null : this.#nearest(key, [...others, ...names]);
      return isUsed || (nearest === null && !isWhole) ? "known" : { chart: name, nearest };
    }
    if (isUsed || path.length > 1 || words.size === 0) return "known";
    // Set by the chart's own values.yaml, and nothing uses it: where it is nearly the name of a
    // dependency, it is a slip.
    const nearest = this.#nearest(key, others);
    return nearest === null ? "known" : { chart: name, nearest };
  }

  /** The keys that there are at a path; null where any may be. */
  #namesAt(path: Path): ReadonlySet<string> | null {
    return remember(this.#names, path.join("\0"), () => {
      const { defaults, schema, words } = this.#chart;
      const names = new Set([...Object.keys(mapAt(defaults, ...path.map(String))), ...propertiesAt(schema, path)]);
      const isKnown = names.size > 0 || (path.length === 0 && (words.size > 0 || this.#others.size > 1));
      return isKnown ? names : null;
    });
  }

  /** The name that a misspelt one was likely meant to be. */
  #nearest(key: string, names: readonly string[]): string | null {
    this.#searches += 1;
    const others = this.#searches > MOST_SEARCHES ? [] : names.filter((other) => other !== key).slice(0, MOST_NAMES);
    if (others.length === 0) return null;
    const name = closest(key, others);
    // Two letters that changed places are a distance of two.
    const most = Math.max(key.length < 4 ? 1 : 2, Math.floor(key.length / 4));
    return distance(key.toLowerCase(), name.toLowerCase()) <= most ? name : null;
  }
}

/** The properties that a JSON Schema names at a path. */
function propertiesAt(schema: unknown, path: Path): string[] {
  const steps = path.flatMap((step) => ["properties", String(step)]);
  return Object.keys(mapAt(schema, ...steps, "properties"));
}
