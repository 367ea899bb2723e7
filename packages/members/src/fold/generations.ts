import { push } from "@git-vault/core";
import type { NamedCommitment } from "../entry/entry.ts";
import { isAccount } from "../entry/identifiers.ts";
import type { Graph } from "./graph.ts";
import type { Judgement } from "./judge.ts";
import { audienceOfKeys } from "../commitment.ts";
import { namesIn, upTo } from "./people.ts";
import { isGift, isTaking, isVain } from "./rules.ts";

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
 * - `settled`: one generation is current, and was given to nobody who should not have it
 * - `two-heads`: several are, made without knowing of each other; a generation that descends from
 *   all of them ends it
 * - `stale`: of every one, somebody may have it who should not; a new generation ends it
 */
export type KeyState = "settled" | "two-heads" | "stale";

/** The git-crypt keys of a name. */
export interface KeyName {
  readonly name: string;
  /** Those that may be used to open, in the order in which they arrived. */
  readonly generations: readonly Generation[];
  /** Those that no other of the name descends from. */
  readonly heads: readonly Generation[];
  /**
   * What to encrypt with: in `two-heads` that of them that arrived first; in `stale` nothing is
   * safe.
   */
  readonly current: Generation;
  readonly state: KeyState;
  /**
   * Where it is stale: the ids of the entries that took it from somebody, or that gave it to nobody
   * who is a member; its own where its author took other people for members.
   */
  readonly staleBy: readonly string[];
}

type NodesByName = Map<string, number[]>;

/** The names of the keys in the log, sorted. */
export function keyNamesOf(graph: Graph, judgement: Judgement): KeyName[] {
  const nodes: NodesByName = new Map();
  for (const [node, { action }] of graph.entries.entries()) {
    if (judgement.counts[node] !== 1 || !("generations" in action)) continue;
    for (const { keyName } of action.generations) push(nodes, keyName, node);
  }
  const leaks = leaksByName(graph, judgement);
  const names = [...nodes.keys()].toSorted();
  return names.map((name) => keyNameOf(name, nodes.get(name) ?? [], leaks.get(name) ?? [], graph, judgement));
}

function keyNameOf(
  name: string,
  nodes: readonly number[],
  leaks: readonly number[],
  graph: Graph,
  judgement: Judgement,
): KeyName {
  const generationOf = (node: number): Generation => {
    const { id, author, time, action } = graph.entryOf(node);
    const its = "generations" in action ? action.generations.find(({ keyName }) => keyName === name) : undefined;
    if (its === undefined) throw new RangeError("expected an entry that names a generation");
    return { ...its, entry: id, author, time };
  };
  const generations = nodes.map(generationOf);
  const heads = graph.headsAmong(nodes).map(generationOf);
  /** A key is as good as its worst entry: anyone who had it keeps it. */
  const staleBy = ({ commitment }: Generation): number[] =>
    nodes.flatMap((node, index) => {
      const generation = generations[index];
      if (generation?.commitment !== commitment) return [];
      const unknown = leaks.filter((leak) => leak !== node && !graph.isBefore(leak, node));
      return generation.audience === audienceAt(node, name, judgement) ? unknown : [node, ...unknown];
    });
  const fresh = heads.filter((head) => staleBy(head).length === 0);
  const [current] = fresh.length > 0 ? fresh : heads;
  if (current === undefined) throw new RangeError("expected a generation of the name");
  const distinct = new Set(fresh.map(({ commitment }) => commitment));
  const stale = [...new Set(staleBy(current))].toSorted((a, b) => a - b);
  return {
    name,
    generations,
    heads,
    current,
    state: distinct.size === 0 ? "stale" : distinct.size === 1 ? "settled" : "two-heads",
    staleBy: stale.map((node) => graph.entryOf(node).id),
  };
}

/** Those for whom a key is that an entry names, as we see it. */
function audienceAt(node: number, name: string, { counts, people }: Judgement): string {
  const keys = new Set<string>();
  for (const group of people.groupsWithin(upTo(node), counts)) {
    if (!people.namesOf(group, upTo(node), counts).has(name)) continue;
    for (const identifier of people.identifiersOf(group, upTo(node), counts)) keys.add(identifier);
  }
  return audienceOfKeys([...keys].filter((identifier) => !isAccount(identifier)));
}

/**
 * Of the names of keys: the entries after which somebody may have a key who should not. That are
 * the takings, and what an admin gave to whom it turned out to be nobody's to give: they may have
 * handed over the key with it.
 */
function leaksByName(graph: Graph, { counts, people, problems }: Judgement): NodesByName {
  const leaks: NodesByName = new Map();
  for (const [node, entry] of graph.entries.entries()) {
    if (counts[node] === 1 && isTaking(entry.action.kind))
      for (const name of people.namesTakenBy(node)) push(leaks, name, node);
    if (!isVain(problems.get(node)) || !isGift(entry.action.kind)) continue;
    const record = people.recordOf(node);
    const gifts = record === undefined ? [node] : [record, node, ...people.givesOf(record)];
    for (const name of new Set(gifts.flatMap((gift) => namesIn(graph.entryOf(gift))))) push(leaks, name, node);
  }
  return leaks;
}
