import { push } from "@git-vault/core";
import type { Graph } from "./graph.ts";
import { People, type Counts } from "./people.ts";
import { isGift, isTaking, Rules, type Kind, type Problem } from "./rules.ts";

/** Which entries of a graph count. */
export interface Judgement {
  readonly counts: Counts;
  /** Of each node that does not count. */
  readonly problems: ReadonlyMap<number, Problem>;
  readonly people: People;
}

/**
 * Judges the entries of a graph, look by look. What takes, names a generation or notes is judged
 * once and for all with its look. What gives can still be undone, by a removal of its author that
 * does not descend from it.
 */
export function judge(graph: Graph): Judgement {
  const its = new Judge(graph);
  for (let node = 0; node < graph.entries.length;) {
    const look: number[] = [];
    for (const at = graph.looks[node]; graph.looks[node] === at && node < graph.entries.length; node += 1) {
      look.push(node);
    }
    its.judgeLook(look);
  }
  return its;
}

class Judge implements Judgement {
  readonly counts: Counts;
  readonly problems = new Map<number, Problem>();
  readonly people: People;
  readonly #graph: Graph;
  readonly #rules: Rules;
  /** All gifts that were judged so far, and those of each author. */
  readonly #gifts: number[] = [];
  readonly #giftsOf = new Map<string, number[]>();
  /** Where the gifts of the look begin. */
  #firstGift = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.counts = new Uint8Array(graph.entries.length);
    this.people = new People(graph, this.counts);
    this.#rules = new Rules(graph, this.people);
  }

  #kindOf(node: number): Kind {
    return this.#graph.entryOf(node).action.kind;
  }

  #settle(node: number, problem: Problem | null): void {
    this.counts[node] = problem === null ? 1 : 0;
    if (problem === null) this.problems.delete(node);
    else this.problems.set(node, problem);
  }

  judgeLook(look: readonly number[]): void {
    const takings = look.filter((node) => isTaking(this.#kindOf(node)));
    this.#firstGift = this.#gifts.length;
    for (const gift of look.filter((node) => isGift(this.#kindOf(node)))) {
      const { author } = this.#graph.entryOf(gift);
      this.#gifts.push(gift);
      push(this.#giftsOf, author, gift);
      this.#settle(gift, this.#rules.problemOf(gift, this.counts));
    }
    this.#judgeTakings(takings);
    for (const node of look) {
      const kind = this.#kindOf(node);
      if (!isGift(kind) && !isTaking(kind)) this.#settle(node, this.#rules.problemOf(node, this.counts));
    }
  }

  /**
   * Judges the takings of a look, which may take each other's authors. Those that fail as things
   * stand fail. Those that would count even if all that are open did, count. Where neither is left,
   * all take each other's authors: then the most senior author's is judged as if it had come first.
   */
  #judgeTakings(takings: readonly number[]): void {
    const undone = new Set<number>();
    for (let open = takings; open.length > 0;) {
      for (const taking of open) this.people.aim(taking);
      const problems = open.map((taking) => [taking, this.#rules.problemOf(taking, this.counts)] as const);
      for (const [taking, problem] of problems) if (problem !== null) this.#settle(taking, problem);
      const sound = problems.filter(([, problem]) => problem === null).map(([taking]) => taking);
      const safe = sound.length > 1 ? this.#safeAmong(sound) : sound;
      const chosen = new Set(safe.length === 0 && sound.length > 0 ? [this.#firstOf(sound)] : safe);
      for (const taking of chosen) this.#settle(taking, null);
      const counting = takings.filter((taking) => this.counts[taking] === 1);
      // Those that count now may lie between what the others are about.
      for (const taking of counting) this.people.aim(taking);
      this.#judgeGifts(counting, undone);
      open = sound.filter((taking) => !chosen.has(taking));
    }
  }

  /**
   * Judges the gifts of a look, and undoes earlier ones that fail by what was taken with it.
   *
   * @param undone the earlier gifts that were undone in this look: they are judged once more
   */
  #judgeGifts(takings: readonly number[], undone: Set<number>): void {
    const suspects = new Set(undone);
    for (const taking of takings) {
      for (const key of this.people.aimOf(taking)) {
        for (const gift of this.#giftsOf.get(key) ?? []) if (this.counts[gift] === 1) suspects.add(gift);
      }
    }
    for (const gift of this.#gifts.slice(this.#firstGift)) suspects.add(gift);
    for (const gift of suspects) this.#settle(gift, null);
    undone.clear();
    const inOrder = [...suspects].toSorted((a, b) => a - b);
    this.#failAmong(inOrder, undone);
    // And what hangs on them.
    if (undone.size > 0) this.#failAmong(this.#gifts, undone);
  }

  /**
   * Settles those that count and fail, in the order of the graph; adds to `undone` those of earlier
   * looks.
   */
  #failAmong(gifts: readonly number[], undone: Set<number>): void {
    const first = this.#gifts[this.#firstGift] ?? Infinity;
    for (const gift of gifts) {
      const problem = this.counts[gift] === 1 ? this.#rules.problemOf(gift, this.counts) : null;
      if (problem === null) continue;
      this.#settle(gift, problem);
      if (gift < first) undone.add(gift);
    }
  }

  /** Those that count even if all of them do. */
  #safeAmong(open: readonly number[]): number[] {
    const worst = this.counts.slice();
    for (const taking of open) worst[taking] = 1;
    for (const gift of this.#gifts) {
      if (worst[gift] === 1 && this.#rules.problemOf(gift, worst) !== null) worst[gift] = 0;
    }
    return open.filter((taking) => {
      const { author } = this.#graph.entryOf(taking);
      const group = this.people.groupOf(author, taking, this.counts);
      const rest = this.people.groupOf(author, taking, worst);
      if (group === null || rest === null || !this.people.isAdmin(rest, taking, worst)) return false;
      return this.people.disarmerOf(taking, author, group, worst) === undefined;
    });
  }

  /**
   * The one to judge first: that of the most senior key, or what that one descends from. A key is
   * senior, no member: anybody can write that a senior member's key is theirs as well.
   */
  #firstOf(open: readonly number[]): number {
    const seniority = (taking: number): number =>
      this.people.giftsWith(this.#graph.entryOf(taking).author, taking, this.counts)[0] ?? Infinity;
    const [first = 0] = open.toSorted((a, b) => seniority(a) - seniority(b) || a - b);
    return open.find((taking) => this.#graph.isBefore(taking, first)) ?? first;
  }
}
