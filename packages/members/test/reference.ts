import { createHash } from "node:crypto";
import type { Entry, FoldOptions, Log } from "../src/index.ts";

/*
 * The fold once more, from what docs/formats.md says, in its words and order and in the slowest
 * way: every question is answered by looking at all entries. It exists to be compared.
 */

const isRecord = ({ action: { kind } }: Entry): boolean => kind === "start" || kind === "add";
const isGift = (entry: Entry): boolean => isRecord(entry) || entry.action.kind === "give";
const isTaking = ({ action: { kind } }: Entry): boolean => kind === "take" || kind === "remove";

const bringsIn = ({ action }: Entry): string[] => {
  if (action.kind === "give") return action.keys.map(({ id }) => id);
  if (action.kind !== "start" && action.kind !== "add") return [];
  return [...(action.account === null ? [] : [action.account]), ...action.keys.map(({ id }) => id)];
};

interface Member {
  readonly records: readonly Entry[];
  readonly gifts: readonly Entry[];
}

export interface Reference {
  readonly reasons: ReadonlyMap<string, string>;
  readonly members: readonly {
    records: string[];
    has: string[];
    isAdmin: boolean;
    opens: string[];
    label: string | null;
  }[];
  readonly keyNames: readonly { name: string; state: string; current: string; heads: string[] }[];
  readonly heads: readonly string[];
}

export class ReferenceFold {
  readonly #log: Log;
  readonly #root: string | null;
  readonly #looks: readonly (readonly string[])[];
  readonly #counting = new Set<Entry>();
  readonly #reasons = new Map<string, string>();

  constructor(log: Log, { root, remembered = [], history = [] }: FoldOptions) {
    this.#log = log;
    const rest = (look: readonly string[]): string[] => look.filter((id) => !history.flat().includes(id));
    const inOrder = remembered.flatMap((look) => [
      ...history.map((at, index) =>
        look.filter((id) => at.includes(id) && !history.slice(0, index).flat().includes(id)),
      ),
      rest(look),
    ]);
    this.#looks = [...inOrder, ...history];
    const starts = [...log.signed].filter((id) => this.#entry(id)?.root === null);
    const firsts = starts.filter((id) => starts.every((other) => this.#listed(id) <= this.#listed(other)));
    if (root !== undefined) this.#root = starts.includes(root) ? root : null;
    else this.#root = firsts.length === 1 ? (firsts[0] ?? null) : null;
    this.#judge();
  }

  #entry(id: string): Entry | undefined {
    return this.#log.entries.get(id);
  }

  /** The first look that an entry is in. */
  #listed(id: string): number {
    const at = this.#looks.findIndex((look) => look.includes(id));
    return at < 0 ? this.#looks.length : at;
  }

  #isPlaced(entry: Entry): boolean {
    if (this.#root === null || (entry.root ?? entry.id) !== this.#root) return false;
    return entry.parents.every((id) => {
      const parent = this.#entry(id);
      return parent !== undefined && this.#isPlaced(parent);
    });
  }

  readonly #ancestorsOf = new Map<Entry, Set<Entry>>();
  #ancestors(entry: Entry): Set<Entry> {
    const known = this.#ancestorsOf.get(entry);
    if (known !== undefined) return known;
    const parents = entry.parents.flatMap((id) => this.#entry(id) ?? []);
    const all = new Set(parents);
    for (const parent of parents) for (const above of this.#ancestors(parent)) all.add(above);
    this.#ancestorsOf.set(entry, all);
    return all;
  }

  #isAncestor(one: Entry, of: Entry): boolean {
    return this.#ancestors(of).has(one);
  }

  #areConcurrent(one: Entry, other: Entry): boolean {
    return one !== other && !this.#isAncestor(one, other) && !this.#isAncestor(other, one);
  }

  #look(entry: Entry): number {
    return Math.max(this.#listed(entry.id), ...[...this.#ancestors(entry)].map(({ id }) => this.#listed(id)));
  }

  #depth(entry: Entry): number {
    return Math.max(0, ...entry.parents.flatMap((id) => this.#entry(id) ?? []).map((one) => this.#depth(one) + 1));
  }

  /** The record that a gift or a take is about. */
  #recordOf(entry: Entry): Entry | undefined {
    if (isRecord(entry)) return entry;
    if (entry.action.kind !== "give" && entry.action.kind !== "take") return undefined;
    const record = this.#entry(entry.action.member);
    return record !== undefined && isRecord(record) && this.#isAncestor(record, entry) ? record : undefined;
  }

  /** What counts, of some entries; `more` counts as well. */
  #within(set: Iterable<Entry>, more: ReadonlySet<Entry>, less: ReadonlySet<Entry>): Entry[] {
    return [...set].filter((one) => (this.#counting.has(one) || more.has(one)) && !less.has(one));
  }

  // The words. `set` are the counting entries that are looked at.

  /** What was asked since something was settled last. */
  readonly #asked = new Map<string, unknown>();

  #once<T>(question: string, answer: () => T): T {
    const known = this.#asked.get(question) as T | undefined;
    if (known !== undefined) return known;
    const given = answer();
    this.#asked.set(question, given);
    return given;
  }

  #takes(taking: Entry): Set<string> {
    return this.#once(`takes ${taking.id}`, () => this.#findTaken(taking));
  }

  #about(taking: Entry): { identifier: string; at: Entry }[] {
    return this.#once(`about ${taking.id}`, () => this.#findAbout(taking));
  }

  #findTaken(taking: Entry): Set<string> {
    const { action } = taking;
    if (action.kind === "take") return new Set(action.keys);
    if (action.kind !== "remove") return new Set();
    const set = this.#within(this.#ancestors(taking), NONE, NONE);
    const theirs = action.members.flatMap((one) => [...this.#has(this.#memberWith(one, set), set)]);
    return new Set([...action.members, ...theirs]);
  }

  /** What a taking is about: identifiers, and the entries by which it is about them. */
  #findAbout(taking: Entry): { identifier: string; at: Entry }[] {
    const { action } = taking;
    const set = this.#within(this.#ancestors(taking), NONE, NONE);
    const listed = action.kind === "remove" ? action.members : action.kind === "take" ? action.keys : [];
    const record = this.#recordOf(taking);
    const members =
      action.kind === "remove" ? listed.map((one) => this.#memberWith(one, set)) : [this.#memberOf(record, set)];
    const gifts = members.flatMap((member) => member?.gifts ?? []);
    return [
      ...listed.map((identifier) => ({ identifier, at: taking })),
      ...gifts.flatMap((gift) => bringsIn(gift).map((identifier) => ({ identifier, at: gift }))),
    ];
  }

  #isSame(identifier: string, one: Entry, other: Entry): boolean {
    return this.#once(`same ${identifier} ${one.id} ${other.id}`, () => this.#compare(identifier, one, other));
  }

  #compare(identifier: string, one: Entry, other: Entry): boolean {
    const takings = [...this.#counting].filter(
      (entry) => isTaking(entry) && this.#isAncestor(entry, one) !== this.#isAncestor(entry, other),
    );
    return takings.every((taking) => !this.#takes(taking).has(identifier));
  }

  #reaches(taking: Entry, identifier: string, gift: Entry): boolean {
    return this.#about(taking).some((one) => one.identifier === identifier && this.#isSame(identifier, one.at, gift));
  }

  #undoes(taking: Entry, gift: Entry): boolean {
    const record = this.#recordOf(gift);
    if (record === undefined || this.#isAncestor(taking, gift)) return false;
    return bringsIn(record).some((identifier) => this.#reaches(taking, identifier, record));
  }

  #isRemoved(record: Entry, set: readonly Entry[]): boolean {
    return set.some((one) => one.action.kind === "remove" && this.#undoes(one, record));
  }

  #isLost(identifier: string, gift: Entry, set: readonly Entry[]): boolean {
    const record = this.#recordOf(gift);
    if (record === undefined || this.#isRemoved(record, set)) return true;
    return set.some(
      (one) =>
        isTaking(one) &&
        this.#takes(one).has(identifier) &&
        !this.#isAncestor(one, gift) &&
        this.#reaches(one, identifier, gift),
    );
  }

  #memberOf(record: Entry | undefined, set: readonly Entry[]): Member | null {
    if (record === undefined || !set.includes(record) || this.#isRemoved(record, set)) return null;
    const records = new Set([record]);
    const giftsOf = (one: Entry): Entry[] => set.filter((entry) => isGift(entry) && this.#recordOf(entry) === one);
    for (const one of records) {
      for (const gift of giftsOf(one)) {
        for (const identifier of bringsIn(gift)) {
          for (const other of set.filter((entry) => isGift(entry) && bringsIn(entry).includes(identifier))) {
            const its = this.#recordOf(other);
            if (its === undefined || !set.includes(its) || this.#isRemoved(its, set)) continue;
            if (this.#isSame(identifier, gift, other)) records.add(its);
          }
        }
      }
    }
    return { records: [...records], gifts: [...records].flatMap(giftsOf) };
  }

  #memberWith(identifier: string, set: readonly Entry[]): Member | null {
    const gift = set.find(
      (one) => isGift(one) && bringsIn(one).includes(identifier) && !this.#isLost(identifier, one, set),
    );
    return gift === undefined ? null : this.#memberOf(this.#recordOf(gift), set);
  }

  #has(member: Member | null, set: readonly Entry[]): Set<string> {
    const gifts = member?.gifts ?? [];
    return new Set(
      gifts.flatMap((gift) => bringsIn(gift).filter((identifier) => !this.#isLost(identifier, gift, set))),
    );
  }

  #isAdmin({ gifts }: Member, set: readonly Entry[]): boolean {
    return gifts.some(
      (gift) =>
        (gift.action.kind === "start" || ("role" in gift.action && gift.action.role === "admin")) &&
        !set.some((one) => one.action.kind === "take" && one.action.role === "admin" && this.#undoes(one, gift)),
    );
  }

  #opens({ gifts }: Member, set: readonly Entry[]): Set<string> {
    return new Set(
      gifts.flatMap((gift) =>
        ("opens" in gift.action ? gift.action.opens : []).filter(
          (name) =>
            !set.some(
              (one) => one.action.kind === "take" && one.action.opens.includes(name) && this.#undoes(one, gift),
            ),
        ),
      ),
    );
  }

  #disarms(taking: Entry, key: string, { gifts }: Member): boolean {
    const { action } = taking;
    const reaches = (isMeant: (identifier: string) => boolean): boolean =>
      gifts.some((gift) => bringsIn(gift).some((one) => isMeant(one) && this.#reaches(taking, one, gift)));
    if (action.kind === "remove") return reaches(() => true);
    if (action.kind !== "take") return false;
    return (
      (action.role === "admin" && reaches(() => true)) || (action.keys.includes(key) && reaches((one) => one === key))
    );
  }

  // The rules.

  /**
   * The reason why an entry does not count; null where it does. `more` and `less` as in #within.
   */
  #reason(entry: Entry, more: ReadonlySet<Entry>, less: ReadonlySet<Entry>): string | null {
    const { author, action } = entry;
    if (!this.#log.signed.has(entry.id)) return "bad-signature";
    if (action.kind === "start") return null;
    const set = this.#within(this.#ancestors(entry), more, less);
    const member = this.#memberWith(author, set);
    if (member === null) {
      const gifts = [...this.#ancestors(entry)].filter((one) => bringsIn(one).includes(author));
      if (gifts.length === 0) return "stranger";
      return gifts.some((gift) => this.#isTaken(author, gift, set)) ? "author-removed" : "hangs-on";
    }
    const others = this.#within(this.#log.entries.values(), more, less).filter(
      (one) =>
        isTaking(one) && this.#areConcurrent(one, entry) && (isGift(entry) || this.#look(one) <= this.#look(entry)),
    );
    if (others.some((one) => this.#disarms(one, author, member))) return "author-removed";
    if (action.kind === "note") return null;
    if (!this.#isAdmin(member, set)) return "reader";
    if (action.kind === "add" || action.kind === "give") {
      const known = action.readmits.map((id) => [...this.#ancestors(entry)].find((one) => one.id === id));
      if (known.some((one) => one === undefined || !isTaking(one))) return "unknown-removal";
      for (const identifier of bringsIn(entry)) {
        const said = new Set(
          [entry, ...set.filter((one) => bringsIn(one).includes(identifier))].flatMap((one) =>
            "readmits" in one.action ? one.action.readmits : [],
          ),
        );
        if (set.some((one) => isTaking(one) && this.#tookFromAnyone(one, identifier, set) && !said.has(one.id))) {
          return "needs-readmission";
        }
      }
    }
    if (action.kind === "add" || action.kind === "give") {
      const before = this.#within(this.#earlier(entry), more, less);
      const own = action.kind === "give" ? [this.#memberOf(this.#recordOf(entry), before)] : [];
      const linked = [...own, ...bringsIn(entry).map((one) => this.#memberWith(one, before))];
      const members = new Set(
        linked.flatMap(
          (one) =>
            one?.records
              .map(({ id }) => id)
              .toSorted()
              .join() ?? [],
        ),
      );
      if (members.size > 1) return "links-members";
    }
    if (action.kind === "give") {
      const to = this.#memberOf(this.#recordOf(entry), set);
      if (to === null) return "no-such-member";
      const keys = [...this.#has(to, set), ...action.keys.map(({ id }) => id)];
      if (action.role === "admin" && !keys.some((id) => id.startsWith("SHA256:"))) return "cannot-sign";
    }
    if (isTaking(entry)) {
      if (this.#disarms(entry, author, member)) return "own-power";
      if (action.kind === "take") {
        const from = this.#memberOf(this.#recordOf(entry), set);
        if (from === null) return "no-such-member";
        const has = this.#has(from, set);
        if (action.keys.some((key) => !has.has(key))) return "no-such-key";
      }
    }
    return null;
  }

  #isTaken(identifier: string, gift: Entry, set: readonly Entry[]): boolean {
    return this.#recordOf(gift) !== undefined ? this.#isLost(identifier, gift, set) : false;
  }

  #tookFromAnyone(taking: Entry, identifier: string, set: readonly Entry[]): boolean {
    if (this.#takes(taking).has(identifier)) return true;
    const gifts = set.filter((one) => isGift(one) && bringsIn(one).includes(identifier));
    return gifts.some((gift) => taking.action.kind === "remove" && this.#undoes(taking, this.#recordOf(gift) ?? gift));
  }

  // The order of judging.

  #settle(entry: Entry, reason: string | null): void {
    this.#asked.clear();
    if (reason === null) {
      this.#counting.add(entry);
      this.#reasons.delete(entry.id);
    } else {
      this.#counting.delete(entry);
      this.#reasons.set(entry.id, reason);
    }
  }

  readonly #order: Entry[] = [];

  #earlier(entry: Entry): Entry[] {
    return this.#order.slice(0, this.#order.indexOf(entry));
  }

  #judge(): void {
    const hangsOn = new Set(
      [...this.#log.signed].flatMap((id) => this.#entry(id) ?? []).filter((one) => this.#isPlaced(one)),
    );
    for (const one of hangsOn) for (const above of this.#ancestors(one)) hangsOn.add(above);
    this.#order.push(
      ...[...hangsOn].toSorted(
        (a, b) => this.#look(a) - this.#look(b) || this.#depth(a) - this.#depth(b) || (a.id < b.id ? -1 : 1),
      ),
    );
    for (let look = 0; look <= this.#looks.length; look += 1) {
      const its = this.#order.filter((entry) => this.#look(entry) === look);
      const earlier = this.#order.filter(
        (entry) => isGift(entry) && this.#look(entry) < look && this.#counting.has(entry),
      );
      const gifts = its.filter(isGift);
      for (const gift of gifts) this.#settle(gift, this.#reason(gift, NONE, NONE));
      for (let open = its.filter(isTaking); open.length > 0;) {
        open = this.#round(open);
        // From the start, by what is taken by now.
        for (const gift of [...earlier, ...gifts]) this.#settle(gift, null);
        for (const gift of [...earlier, ...gifts]) this.#settle(gift, this.#reason(gift, NONE, NONE));
      }
      for (const entry of its)
        if (!isGift(entry) && !isTaking(entry)) this.#settle(entry, this.#reason(entry, NONE, NONE));
    }
  }

  /** Judges some of the open takings; gives those that are left. */
  #round(open: readonly Entry[]): Entry[] {
    const reasons = new Map(open.map((one) => [one, this.#reason(one, NONE, NONE)]));
    for (const [one, reason] of reasons) if (reason !== null) this.#settle(one, reason);
    const sound = open.filter((one) => reasons.get(one) === null);
    const less = new Set<Entry>();
    const more = new Set(sound);
    for (const one of this.#order) {
      if (isGift(one) && this.#counting.has(one) && this.#reason(one, more, less) !== null) less.add(one);
    }
    let chosen = sound.filter((one) => {
      const set = this.#within(this.#ancestors(one), more, less);
      const rest = this.#memberWith(one.author, set);
      const member = this.#memberWith(one.author, this.#within(this.#ancestors(one), NONE, NONE));
      if (rest === null || member === null || !this.#isAdmin(rest, set)) return false;
      return !sound.some((other) => this.#areConcurrent(other, one) && this.#disarms(other, one.author, member));
    });
    if (chosen.length === 0 && sound.length > 0) {
      const seniority = (one: Entry): number => {
        const set = this.#within(this.#ancestors(one), NONE, NONE);
        const gifts = set.filter(
          (gift) => isGift(gift) && bringsIn(gift).includes(one.author) && !this.#isLost(one.author, gift, set),
        );
        return Math.min(...gifts.map((gift) => this.#order.indexOf(gift)));
      };
      const byOrder = sound.toSorted((a, b) => this.#order.indexOf(a) - this.#order.indexOf(b));
      const best = byOrder.toSorted((a, b) => seniority(a) - seniority(b))[0];
      chosen = byOrder.filter((one) => one === best || (best !== undefined && this.#isAncestor(one, best))).slice(0, 1);
    }
    for (const one of chosen) this.#settle(one, null);
    return sound.filter((one) => !chosen.includes(one));
  }

  // What the log says.

  #audienceAt(entry: Entry, name: string): string {
    const set = this.#within([...this.#ancestors(entry), entry], NONE, NONE);
    const ids = new Set<string>();
    for (const record of set.filter(isRecord)) {
      const member = this.#memberOf(record, set);
      if (member === null || !this.#opens(member, set).has(name)) continue;
      for (const id of this.#has(member, set)) if (!/^[a-z].*\/\d+$/.test(id)) ids.add(id);
    }
    return createHash("sha256")
      .update(
        [...ids]
          .toSorted()
          .map((id) => `${id}\n`)
          .join(""),
      )
      .digest("hex");
  }

  /** Whether a taking took a name from anyone. */
  #tookName(taking: Entry, name: string): boolean {
    const { action } = taking;
    if (action.kind === "take" && action.opens.includes(name)) return true;
    if (action.kind === "take" && action.keys.length === 0) return false;
    const set = this.#within(this.#ancestors(taking), NONE, NONE);
    return [...this.#counting].filter(isGift).some((gift) => {
      if (!bringsIn(gift).some((identifier) => this.#reaches(taking, identifier, gift))) return false;
      const record = this.#recordOf(gift);
      const member = this.#memberOf(record, set);
      if (member !== null && this.#opens(member, set).has(name)) return true;
      return [...this.#counting].some(
        (one) =>
          isGift(one) &&
          this.#recordOf(one) === record &&
          this.#areConcurrent(one, taking) &&
          "opens" in one.action &&
          one.action.opens.includes(name),
      );
    });
  }

  #isVain(entry: Entry): boolean {
    const vain = ["unknown-removal", "needs-readmission", "links-members"];
    vain.push("no-such-member", "cannot-sign", "own-power", "no-such-key");
    return vain.includes(this.#reasons.get(entry.id) ?? "");
  }

  #leaks(name: string): Entry[] {
    return this.#order.filter((one) => {
      if (this.#counting.has(one)) return isTaking(one) && this.#tookName(one, name);
      if (!this.#isVain(one) || !isGift(one)) return false;
      const record = this.#recordOf(one);
      const gifts = [
        one,
        ...this.#order.filter((other) => record !== undefined && isGift(other) && this.#recordOf(other) === record),
      ];
      return gifts.some(({ action }) => "opens" in action && action.opens.includes(name));
    });
  }

  result(): Reference {
    const all = [...this.#counting];
    const members: Member[] = [];
    for (const record of this.#order.filter((one) => isRecord(one) && this.#counting.has(one))) {
      const member = this.#memberOf(record, all);
      if (member !== null && !members.some(({ records }) => records.includes(record))) members.push(member);
    }
    const inOrder = (entries: readonly Entry[]): Entry[] =>
      entries.toSorted((a, b) => this.#order.indexOf(a) - this.#order.indexOf(b));
    const generationsOf = (entry: Entry): { keyName: string; commitment: string; audience: string }[] =>
      "generations" in entry.action ? [...entry.action.generations] : [];
    const names = new Set(all.flatMap((entry) => generationsOf(entry).map(({ keyName }) => keyName)));
    const keyNames = [...names].toSorted().map((name) => {
      const of = (entry: Entry): { commitment: string; audience: string } | undefined =>
        generationsOf(entry).find(({ keyName }) => keyName === name);
      const its = inOrder(all).filter((entry) => of(entry) !== undefined);
      const heads = its.filter((entry) => !its.some((other) => this.#isAncestor(entry, other)));
      const leaks = this.#leaks(name);
      const isStale = (head: Entry): boolean =>
        its
          .filter((entry) => of(entry)?.commitment === of(head)?.commitment)
          .some(
            (entry) =>
              of(entry)?.audience !== this.#audienceAt(entry, name) ||
              leaks.some((leak) => leak !== entry && !this.#isAncestor(leak, entry)),
          );
      const fresh = heads.filter((head) => !isStale(head));
      const keys = new Set(fresh.map((head) => of(head)?.commitment));
      return {
        name,
        state: keys.size === 0 ? "stale" : keys.size === 1 ? "settled" : "two-heads",
        current: (fresh[0] ?? heads[0])?.id ?? "",
        heads: heads.map(({ id }) => id),
      };
    });
    const known = this.#order.filter(
      (one) => one.action.kind !== "note" && (this.#counting.has(one) || this.#isVain(one)),
    );
    const heads = known.filter((one) => !known.some((other) => this.#isAncestor(one, other)));
    return {
      reasons: this.#reasons,
      members: members.map((member) => {
        const has = [...this.#has(member, all)].toSorted();
        const labels = inOrder(member.gifts).flatMap(({ action }) =>
          "label" in action && action.label !== null ? action.label : [],
        );
        return {
          records: inOrder(member.records).map(({ id }) => id),
          has,
          isAdmin: this.#isAdmin(member, all) && has.some((id) => id.startsWith("SHA256:")),
          opens: [...this.#opens(member, all)].toSorted(),
          label: labels.at(-1) ?? null,
        };
      }),
      keyNames,
      heads: heads.map(({ id }) => id).toSorted(),
    };
  }
}

const NONE: ReadonlySet<Entry> = new Set();
