import type { NamedCommitment } from "../entry/entry.ts";
import type { Graph } from "./graph.ts";
import type { Judgement } from "./judge.ts";
import { namesIn } from "./people.ts";
import { isTaking } from "./rules.ts";

/** A git-crypt key that the log names. */
export interface Generation extends NamedCommitment {
  /** The id of the entry that names it. */
  readonly entry: string;
  /** The id of the key that signed the entry. */
  readonly author: string;
  /** When its author says that it was made. */
  readonly time: string;
}

/**
 * - `settled`: one generation is current, and nobody who was removed was ever given it
 * - `two-heads`: several are, made without knowing of each other; a generation that descends from
 *   all of them ends it
 * - `stale`: somebody who was removed may have every one; a new generation ends it
 */
export type KeyState = "settled" | "two-heads" | "stale";

/** The git-crypt keys of a name. */
export interface KeyName {
  readonly name: string;
  /** Those that may be used to open, in the order in which they arrived. */
  readonly generations: readonly Generation[];
  /** Those that no other of the name descends from. */
  readonly heads: readonly Generation[];
  /** What to encrypt with: in `two-heads` that of them that arrived first; in `stale` nothing is safe. */
  readonly current: Generation;
  readonly state: KeyState;
  /** Where it is stale: the ids of the entries that took it from somebody. */
  readonly staleBy: readonly string[];
}

/** The names of the keys in the log, sorted. */
export function keyNamesOf(graph: Graph, judgement: Judgement): KeyName[] {
  const nodes = new Map<string, number[]>();
  for (const [node, { action }] of graph.entries.entries()) {
    if (judgement.counts[node] !== 1 || !("generations" in action)) continue;
    for (const { keyName } of action.generations) nodes.set(keyName, [...(nodes.get(keyName) ?? []), node]);
  }
  const takings = takingsByName(graph, judgement);
  const names = [...nodes.keys()].toSorted();
  return names.map((name) => keyNameOf(graph, name, nodes.get(name) ?? [], takings.get(name) ?? []));
}

function keyNameOf(graph: Graph, name: string, nodes: readonly number[], takings: readonly number[]): KeyName {
  const generationOf = (node: number): Generation => {
    const { id, author, time, action } = graph.entryOf(node);
    const its = "generations" in action ? action.generations.find(({ keyName }) => keyName === name) : undefined;
    return { keyName: name, commitment: its?.commitment ?? "", entry: id, author, time };
  };
  const generations = nodes.map(generationOf);
  const heads = headsOf(graph, nodes).map(generationOf);
  /** What took a key from somebody, where it was named without knowing of that. */
  const staleBy = ({ commitment }: Generation): number[] => {
    const its = nodes.filter((_, index) => generations[index]?.commitment === commitment);
    return takings.filter((taking) => its.some((node) => node !== taking && !graph.isBefore(taking, node)));
  };
  const fresh = heads.filter((head) => staleBy(head).length === 0);
  const [current] = fresh.length > 0 ? fresh : heads;
  if (current === undefined) throw new RangeError("expected a generation of the name");
  const distinct = new Set(fresh.map(({ commitment }) => commitment));
  return {
    name,
    generations,
    heads,
    current,
    state: distinct.size === 0 ? "stale" : distinct.size === 1 ? "settled" : "two-heads",
    staleBy: staleBy(current).map((node) => graph.entryOf(node).id),
  };
}

/** Of nodes in the graph's order those that are ancestors of none of them. */
export function headsOf(graph: Graph, nodes: readonly number[]): number[] {
  const heads: number[] = [];
  for (const node of nodes.toReversed()) if (!heads.some((head) => graph.isBefore(node, head))) heads.push(node);
  return heads.toReversed();
}

/** Of the names of keys: the takings after which somebody has a key that they should not have. */
function takingsByName(graph: Graph, { counts, people, problems }: Judgement): Map<string, number[]> {
  const takings = new Map<string, Set<number>>();
  const add = (name: string, taking: number): void => {
    takings.set(name, (takings.get(name) ?? new Set()).add(taking));
  };
  /** The taking because of which something does not count. */
  const causeOf = (node: number): number | undefined => {
    const problem = problems.get(node);
    if (problem?.reason === "author-removed") return problem.by;
    return problem?.by === undefined ? undefined : causeOf(problem.by);
  };
  for (const [node, entry] of graph.entries.entries()) {
    if (counts[node] === 1 && isTaking(entry.action.kind)) {
      for (const name of people.namesTakenBy(node)) add(name, node);
    }
    // Somebody who is an admin may have handed a key to a member who turned out to be none.
    const cause = problems.get(node)?.reason === "no-such-member" ? causeOf(node) : undefined;
    if (cause !== undefined) for (const name of namesIn(entry)) add(name, cause);
  }
  return new Map([...takings].map(([name, its]) => [name, [...its]]));
}
