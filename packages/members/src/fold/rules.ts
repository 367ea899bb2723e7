import type { Entry } from "../entry/entry.ts";
import type { Graph } from "./graph.ts";
import { identifiersIn, type Counts, type Group, type People } from "./people.ts";

/**
 * Why an entry does not count:
 * - `bad-signature`: its author's key did not sign it
 * - `other-root`: it belongs to another log, or hangs on an entry of one
 * - `missing-parent`: an entry that it hangs on is not there
 * - `stranger`: its author never was a member
 * - `hangs-on`: what made its author a member does not count itself
 * - `reader`: its author may not do this
 * - `author-removed`: its author was removed, or their key or role taken: by what it descends from,
 *   or by what arrived no later and that it does not know of
 * - `own-power`: it takes its author's own key, role or membership
 * - `needs-readmission`: it brings back an account or key that was taken, and does not say so
 * - `unknown-removal`: it says to come after the removal by an entry that it does not descend from,
 *   or that takes nothing
 * - `links-members`: it would make one member of several
 * - `no-such-member`: who it is about is no member
 * - `no-such-key`: who it is about has no such key
 * - `cannot-sign`: it makes an admin of somebody who has no key to sign with
 */
export type Reason =
  | "bad-signature"
  | "other-root"
  | "missing-parent"
  | "stranger"
  | "hangs-on"
  | "reader"
  | "author-removed"
  | "own-power"
  | "needs-readmission"
  | "unknown-removal"
  | "links-members"
  | "no-such-member"
  | "no-such-key"
  | "cannot-sign";

/** What is wrong with an entry. */
export interface Problem {
  readonly reason: Reason;
  /** The node of the entry that is the cause, where there is one. */
  readonly by?: number | undefined;
}

const VAIN: ReadonlySet<Reason> = new Set([
  "needs-readmission",
  "unknown-removal",
  "links-members",
  "no-such-member",
  "no-such-key",
  "cannot-sign",
  "own-power",
]);

/**
 * Whether an entry does not count for this reason although its author might have written it: only
 * whom it is about was not what they took them for.
 */
export const isVainReason = (reason: Reason): boolean => VAIN.has(reason);

/** The same of what is wrong with an entry. */
export const isVain = (problem: Problem | undefined): boolean => problem !== undefined && isVainReason(problem.reason);

export type Kind = Entry["action"]["kind"];

export const isGift = (kind: Kind): boolean => kind === "start" || kind === "add" || kind === "give";
export const isTaking = (kind: Kind): boolean => kind === "take" || kind === "remove";

/** The rules that one entry must keep, where it is known which others count. */
export class Rules {
  readonly #graph: Graph;
  readonly #people: People;

  constructor(graph: Graph, people: People) {
    this.#graph = graph;
    this.#people = people;
  }

  /** What is wrong with an entry; null where it counts. */
  problemOf(node: number, counts: Counts): Problem | null {
    const { author, action } = this.#graph.entryOf(node);
    if (this.#graph.signed[node] !== true) return { reason: "bad-signature" };
    if (action.kind === "start") return null;
    const group = this.#people.groupOf(author, node, counts);
    if (group === null) return this.#whyNoMember(node, author, counts);
    const disarmer = this.#people.disarmerOf(node, author, group, counts);
    if (disarmer !== undefined) return { reason: "author-removed", by: disarmer };
    if (action.kind === "note") return null;
    if (!this.#people.isAdmin(group, node, counts)) return { reason: "reader" };
    if (isGift(action.kind)) return this.#problemOfGift(node, counts);
    return isTaking(action.kind) ? this.#problemOfTaking(node, group, counts) : null;
  }

  #whyNoMember(node: number, author: string, counts: Counts): Problem {
    const bringers = this.#people.bringersOf(author).filter((gift) => this.#graph.isBefore(gift, node));
    const [taking] = bringers.flatMap((gift) => this.#people.takingsOf(author, gift, node, counts));
    if (taking !== undefined) return { reason: "author-removed", by: taking };
    return bringers.length === 0 ? { reason: "stranger" } : { reason: "hangs-on", by: bringers[0] };
  }

  #problemOfGift(node: number, counts: Counts): Problem | null {
    const entry = this.#graph.entryOf(node);
    const { action } = entry;
    if (action.kind !== "add" && action.kind !== "give") return null;
    const readmits = new Set(action.readmits);
    for (const id of readmits) {
      const removal = this.#graph.nodeOf(id);
      const isKnown = removal !== undefined && this.#graph.isBefore(removal, node);
      if (!isKnown || !isTaking(this.#graph.entryOf(removal).action.kind)) return { reason: "unknown-removal" };
    }
    for (const identifier of identifiersIn(entry)) {
      const takers = this.#people.takersOf(identifier, node, counts);
      const unsaid = [...takers].find((taking) => !this.#isReadmitted(identifier, taking, node, counts));
      if (unsaid !== undefined) return { reason: "needs-readmission", by: unsaid };
    }
    const linked = this.#people.linkedBy(node, counts);
    if (linked !== undefined) return { reason: "links-members", by: linked };
    return action.kind === "give" ? this.#problemOfGive(node, counts) : null;
  }

  /**
   * Whether a gift, or one that it descends from, says that an identifier comes back after a
   * taking.
   */
  #isReadmitted(identifier: string, taking: number, node: number, counts: Counts): boolean {
    const { id } = this.#graph.entryOf(taking);
    return this.#people.bringersOf(identifier).some((gift) => {
      const { action } = this.#graph.entryOf(gift);
      const counted = gift === node || (counts[gift] === 1 && this.#graph.isBefore(gift, node));
      return counted && (action.kind === "add" || action.kind === "give") && action.readmits.includes(id);
    });
  }

  #problemOfGive(node: number, counts: Counts): Problem | null {
    const { action } = this.#graph.entryOf(node);
    const record = this.#people.recordOf(node);
    const group = record === undefined ? null : this.#people.groupOfRecord(record, node, counts);
    if (group === null) return { reason: "no-such-member", by: record };
    if (action.kind !== "give" || action.role !== "admin" || action.keys.some(({ signs }) => signs)) return null;
    const has = this.#people.identifiersOf(group, node, counts);
    return [...has].some((identifier) => identifier.startsWith("SHA256:")) ? null : { reason: "cannot-sign" };
  }

  #problemOfTaking(node: number, author: Group, counts: Counts): Problem | null {
    const { action, author: key } = this.#graph.entryOf(node);
    if (this.#people.disarms(node, key, author)) return { reason: "own-power" };
    if (action.kind !== "take") return null;
    const record = this.#people.recordOf(node);
    const group = record === undefined ? null : this.#people.groupOfRecord(record, node, counts);
    if (group === null) return { reason: "no-such-member", by: record };
    const has = this.#people.identifiersOf(group, node, counts);
    return action.keys.every((one) => has.has(one)) ? null : { reason: "no-such-key" };
  }
}
