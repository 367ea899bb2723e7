import type { Entry } from "../entry/entry.ts";
import type { Log } from "../log/log.ts";

/** Why an entry has no place in the graph. */
export type Misplaced = "missing-parent" | "other-root";

/**
 * The entries of one root in an order in which each comes after its ancestors: a node is an index.
 */
export interface Graph {
  readonly entries: readonly Entry[];
  /** The look with which an entry and all its ancestors had arrived. */
  readonly looks: readonly number[];
  readonly parents: readonly (readonly number[])[];
  /**
   * Of each node whether its author signed it: others are here only because entries hang on them.
   */
  readonly signed: readonly boolean[];
  /** The node of an entry; undefined where it has no place here. */
  nodeOf(id: string): number | undefined;
  /** The entry of a node. */
  entryOf(node: number): Entry;
  /** Whether `before` is an ancestor of `after`. */
  isBefore(before: number, after: number): boolean;
  /** Whether two nodes know nothing of each other: neither is an ancestor of the other. */
  areConcurrent(one: number, other: number): boolean;
  /** Of nodes in the graph's order those that are ancestors of none of them. */
  headsAmong(nodes: readonly number[]): number[];
  /** Of nodes in the graph's order: the pairs that know nothing of each other. */
  concurrentPairs(nodes: readonly number[]): Iterable<readonly [number, number]>;
  /** Entries that have no place here, and the ids of parents that are not there. */
  readonly misplaced: ReadonlyMap<string, Misplaced>;
}

/** An entry with its ancestors, before it has an index. */
interface Placed {
  readonly entry: Entry;
  readonly look: number;
  /** How many entries the longest way to the root has. */
  readonly depth: number;
}

/**
 * Orders the signed entries under a root, and what they hang on: by arrival, then by the distance
 * from the root, then by id.
 */
export function graphOf(log: Log, root: string, lookOf: (id: string) => number): Graph {
  const { placed, misplaced } = place(log, root, lookOf);
  const sorted = [...placed.values()].toSorted(
    (a, b) => a.look - b.look || a.depth - b.depth || (a.entry.id < b.entry.id ? -1 : 1),
  );
  const indexes = new Map(sorted.map(({ entry }, index) => [entry.id, index]));
  const parents = sorted.map(({ entry }) => entry.parents.map((id) => indexes.get(id) ?? 0));
  const ancestors = ancestorsOf(parents);
  const isBefore = (before: number, after: number): boolean =>
    (((ancestors[after]?.[before >>> 5] ?? 0) >>> (before & 31)) & 1) === 1;
  return {
    entries: sorted.map(({ entry }) => entry),
    looks: sorted.map(({ look }) => look),
    parents,
    signed: sorted.map(({ entry }) => log.signed.has(entry.id)),
    nodeOf: (id) => indexes.get(id),
    entryOf: (node) => {
      const entry = sorted[node]?.entry;
      if (entry === undefined) throw new RangeError(`expected a node of the graph, got ${node}`);
      return entry;
    },
    isBefore,
    headsAmong: (nodes) => headsAmong(nodes, ancestors),
    concurrentPairs: (nodes) => concurrentPairs(nodes, ancestors),
    areConcurrent: (one, other) => one !== other && !isBefore(one, other) && !isBefore(other, one),
    misplaced,
  };
}

/** Of each node a set of bits: its ancestors. */
function ancestorsOf(parents: readonly (readonly number[])[]): Uint32Array[] {
  const rows: Uint32Array[] = [];
  for (const [node, its] of parents.entries()) {
    const row = new Uint32Array((node >>> 5) + 1);
    for (const [at, parent] of its.entries()) {
      const above = rows[parent] ?? new Uint32Array(0);
      if (at === 0) row.set(above);
      else for (let word = 0; word < above.length; word += 1) row[word] = (row[word] ?? 0) | (above[word] ?? 0);
      row[parent >>> 5] = (row[parent >>> 5] ?? 0) | (1 << (parent & 31));
    }
    rows.push(row);
  }
  return rows;
}

/** What a head descends from is no head, whatever else descends from it. */
function headsAmong(nodes: readonly number[], ancestors: readonly Uint32Array[]): number[] {
  const above = new Uint32Array(((nodes.at(-1) ?? 0) >>> 5) + 1);
  const heads: number[] = [];
  for (const node of nodes.toReversed()) {
    if ((((above[node >>> 5] ?? 0) >>> (node & 31)) & 1) === 1) continue;
    heads.push(node);
    const row = ancestors[node] ?? above;
    for (let word = 0; word < row.length; word += 1) above[word] = (above[word] ?? 0) | (row[word] ?? 0);
  }
  return heads.toReversed();
}

/** Looks at a word of bits at a time: in most logs there are none. */
function* concurrentPairs(
  nodes: readonly number[],
  ancestors: readonly Uint32Array[],
): Iterable<readonly [number, number]> {
  const seen = new Uint32Array(((nodes.at(-1) ?? 0) >>> 5) + 1);
  for (const node of nodes) {
    const row = ancestors[node] ?? seen;
    for (let word = 0; word <= node >>> 5; word += 1) {
      let strangers = (seen[word] ?? 0) & ~(row[word] ?? 0);
      for (let bit = 0; strangers !== 0; bit += 1, strangers >>>= 1) {
        if ((strangers & 1) === 1) yield [word * 32 + bit, node];
      }
    }
    seen[node >>> 5] = (seen[node >>> 5] ?? 0) | (1 << (node & 31));
  }
}

interface Placement {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly misplaced: ReadonlyMap<string, Misplaced>;
}

function place(log: Log, root: string, lookOf: (id: string) => number): Placement {
  const placed = new Map<string, Placed>();
  const misplaced = new Map<string, Misplaced>();
  const isDone = (id: string): boolean => placed.has(id) || misplaced.has(id);
  /** Places an entry whose parents are done. */
  const placeOne = (entry: Entry): void => {
    const parents = entry.parents.map((id) => placed.get(id));
    const misfit = entry.parents.map((id) => misplaced.get(id)).find((why) => why !== undefined);
    if ((entry.root ?? entry.id) !== root) misplaced.set(entry.id, "other-root");
    else if (misfit !== undefined) misplaced.set(entry.id, misfit);
    else {
      const look = Math.max(lookOf(entry.id), ...parents.map((parent) => parent?.look ?? 0));
      const depth = Math.max(0, ...parents.map((parent) => (parent?.depth ?? 0) + 1));
      placed.set(entry.id, { entry, look, depth });
    }
  };
  for (const id of log.signed) {
    const waiting = [id];
    for (let top = waiting.at(-1); top !== undefined; top = waiting.at(-1)) {
      const entry = log.entries.get(top);
      if (entry === undefined) misplaced.set(top, "missing-parent");
      const above = entry?.parents.filter((parent) => !isDone(parent)) ?? [];
      if (above.length > 0) waiting.push(...above);
      else {
        waiting.pop();
        if (entry !== undefined && !isDone(top)) placeOne(entry);
      }
    }
  }
  return { placed, misplaced };
}
