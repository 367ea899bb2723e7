/*
 * How Helm merges values, with the memory of who set what. Layers lie over each other: maps merge,
 * anything else replaces, null too. Then the chart's defaults are laid under the result, and there
 * a null takes away what the defaults have. Over a default that is null itself, below the top, a
 * null stays in Helm 4 and goes in Helm 3.
 */
import type { Layer } from "./layer.ts";
import { formatPath, isMap, newMap, ordinary, parsePath, type Path, type Value, type ValueMap } from "./value.ts";
import { type EntryYaml, type MapYaml, valueOf, type Yaml } from "./yaml.ts";
import { remember } from "../remember.ts";

/** A place that sets a value. */
export interface Setting {
  readonly layer: Layer;
  readonly entry: EntryYaml;
}

interface Merged {
  /** All that set it, lowest first: the last has the say, unless several of them are maps. */
  settings: Setting[];
  /** The merged map; null for what is no map. */
  children: Map<string, Merged> | null;
  /** Taken away by a null over the chart's defaults. */
  removed: boolean;
}

/** A value that no map holds further: a scalar, a list, or an empty map. */
export interface Leaf {
  readonly path: Path;
  readonly value: Value;
  /** Who set it. */
  readonly setting: Setting;
  /** Whether a secret layer set it. */
  readonly secret: boolean;
}

/** What is at a path: a value, a map that several layers may have made, or what a null removed. */
type State = "set" | "map" | "removed";

/** A value or a map, and all who set it. */
export interface Node {
  readonly path: Path;
  /** Lowest first. */
  readonly settings: readonly Setting[];
  readonly state: State;
}

/** Where a value comes from. */
export interface Explanation {
  readonly path: Path;
  readonly state: State;
  /** Who set it, highest first: the first counts, it overrode the others; all for a map. */
  readonly settings: readonly Setting[];
}

/** The values of an environment. */
export class Values {
  readonly #layers: readonly Layer[];
  readonly #root: ReadonlyMap<string, Merged>;
  /** The layers that could not be read for want of a key, and were left out as was asked. */
  readonly leftOut: readonly Layer[];

  /** @param layers lowest first; the one of the role `defaults` is the chart's own */
  constructor(
    layers: readonly Layer[],
    { helm, leftOut }: { readonly helm: 3 | 4; readonly leftOut: readonly Layer[] },
  ) {
    this.#layers = layers;
    this.leftOut = leftOut;
    const root = overlaid(layers);
    const defaults = layers.find(({ role }) => role === "defaults");
    if (defaults !== undefined) coalesce(root, defaults, defaults.map(), helm === 4 ? "top" : "all");
    this.#root = root;
  }

  /** What lies over the chart's defaults, nulls included: what Helm is given. Secrets are in it. */
  get overrides(): ValueMap {
    return toValue(overlaid(this.#layers), ({ value }) => value);
  }

  /** The same with what `change` makes of each value of a secret layer. */
  overridesWith(change: (value: Value, leaf: Leaf) => Value): ValueMap {
    return toValue(overlaid(this.#layers), (leaf) => (leaf.secret ? change(leaf.value, leaf) : leaf.value));
  }

  /** What the chart sees as `.Values`, in ordinary objects. Secrets are in it. */
  get value(): ValueMap {
    return ordinary(toValue(this.#root, ({ value }) => value));
  }

  /** The same with `[secret]` for every value of a secret layer. */
  get withoutSecrets(): ValueMap {
    return ordinary(toValue(this.#root, ({ value, secret }) => (secret ? "[secret]" : value)));
  }

  /**
   * The value at a path, as the chart sees it: a secret, where a secret layer set it. Undefined
   * where nothing is set.
   *
   * @param path as `formatPath` writes it (`hub.users[0]["a.b"]`), or its steps
   */
  get(path: string | Path): Value | undefined {
    const steps = typeof path === "string" ? parsePath(path) : path;
    if (steps === null) return undefined;
    let map = this.#root;
    for (const [index, step] of steps.entries()) {
      const merged = map.get(String(step));
      if (merged === undefined || merged.removed) return undefined;
      const below = steps.slice(index + 1);
      if (merged.children === null) return valueAt(leafOf(merged, steps.slice(0, index + 1)).value, below);
      if (below.length === 0) return ordinary(toValue(merged.children, ({ value }) => value));
      map = merged.children;
    }
    return this.value;
  }

  /** Every leaf, in the order of the layers. */
  leaves(): Generator<Leaf> {
    return leavesOf(this.#root, []);
  }

  /** Every value and map but the top, maps before their contents; also what a null removed. */
  nodes(): Generator<Node> {
    return nodesOf(this.#root);
  }

  /** Where the value at `path` comes from; null if unset. Steps into lists lead to the list. */
  explain(path: Path): Explanation | null {
    let map = this.#root;
    for (const [at, step] of path.entries()) {
      const merged = map.get(String(step));
      if (merged === undefined) return null;
      const isLast = at === path.length - 1;
      const state = stateOf(merged);
      if (state === "map" && merged.children !== null && !isLast) {
        map = merged.children;
        continue;
      }
      if (state === "set" && !isLast && merged.settings.at(-1)?.entry.value.kind !== "list") return null;
      return { path: path.slice(0, at + 1), state, settings: merged.settings.toReversed() };
    }
    return null;
  }
}

function valueAt(value: Value, path: Path): Value | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return ordinary(value);
  const inner = Array.isArray(value)
    ? value[Number(step)]
    : isMap(value) && Object.hasOwn(value, step)
      ? value[String(step)]
      : undefined;
  return inner === undefined ? undefined : valueAt(inner, rest);
}

const mapOf = (entry: EntryYaml): MapYaml | null => (entry.value.kind === "map" ? entry.value : null);

function build(layer: Layer, entry: EntryYaml): Merged {
  const map = mapOf(entry);
  return {
    settings: [{ layer, entry }],
    children: map === null ? null : new Map([...map.entries].map(([key, inner]) => [key, build(layer, inner)])),
    removed: false,
  };
}

const stateOf = ({ children, removed }: Merged): State => (removed ? "removed" : children === null ? "set" : "map");

/** What lies over the chart's defaults. */
function overlaid(layers: readonly Layer[]): Map<string, Merged> {
  const root = new Map<string, Merged>();
  for (const layer of layers) if (layer.role !== "defaults") overlay(root, layer, layer.map());
  return root;
}

/** Lays a layer over what is there. */
function overlay(target: Map<string, Merged>, layer: Layer, map: MapYaml): void {
  for (const [key, entry] of map.entries) {
    const below = target.get(key);
    const inner = mapOf(entry);
    if (below === undefined) {
      target.set(key, build(layer, entry));
    } else if (inner !== null && below.children !== null) {
      below.settings.push({ layer, entry });
      overlay(below.children, layer, inner);
    } else {
      target.set(key, { ...build(layer, entry), settings: [...below.settings, { layer, entry }] });
    }
  }
}

const isNullYaml = (node: Yaml | undefined): boolean => node?.kind === "scalar" && node.value === null;

const isNull = ({ settings }: Merged): boolean => isNullYaml(settings.at(-1)?.entry.value);

/** The defaults that nothing overrides, shared by all that use them: never changed. */
const untouched = new WeakMap<EntryYaml, Merged>();

/** Adds the chart's defaults below. Nulls over nulls go at the top, or everywhere. */
function coalesce(target: Map<string, Merged>, layer: Layer, map: MapYaml, nulls: "top" | "all" | "none"): void {
  for (const [key, entry] of map.entries) {
    const above = target.get(key);
    const inner = mapOf(entry);
    if (above === undefined) {
      target.set(
        key,
        remember(untouched, entry, () => build(layer, entry)),
      );
      continue;
    }
    const removes = above.children === null && isNull(above) && (nulls !== "none" || !isNullYaml(entry.value));
    above.settings.unshift({ layer, entry });
    if (removes) above.removed = true;
    else if (inner !== null && above.children !== null)
      coalesce(above.children, layer, inner, nulls === "all" ? "all" : "none");
  }
}

function leafOf(merged: Merged, path: Path): Leaf {
  const setting = merged.settings.at(-1);
  if (setting === undefined) throw new Error(`nothing set ${formatPath(path)}`);
  return {
    path,
    value: ordinary(valueOf(setting.entry.value)),
    setting,
    secret: setting.layer.isSecret(setting.entry.value),
  };
}

function* leavesOf(map: ReadonlyMap<string, Merged>, path: Path): Generator<Leaf> {
  for (const [key, merged] of map) {
    if (merged.removed) continue;
    const here = [...path, key];
    if (merged.children === null || merged.children.size === 0) yield leafOf(merged, here);
    else yield* leavesOf(merged.children, here);
  }
}

/** One loop with a stack, since there are many: nested generators take several times as long. */
function* nodesOf(root: ReadonlyMap<string, Merged>): Generator<Node> {
  const above = [{ path: [] as Path, entries: root.entries() }];
  for (let map = above.at(-1); map !== undefined; map = above.at(-1)) {
    const { done, value } = map.entries.next();
    if (done === true) {
      above.pop();
      continue;
    }
    const [key, merged] = value;
    const { settings, children } = merged;
    const [path, state] = [[...map.path, key], stateOf(merged)];
    yield { path, settings, state };
    if (children !== null && state === "map") above.push({ path, entries: children.entries() });
  }
}

function toValue(map: ReadonlyMap<string, Merged>, show: (leaf: Leaf) => Value, path: Path = []): ValueMap {
  const value = newMap();
  for (const [key, merged] of map) {
    if (merged.removed) continue;
    const here = [...path, key];
    value[key] = merged.children === null ? show(leafOf(merged, here)) : toValue(merged.children, show, here);
  }
  return value;
}
