import * as fc from "fast-check";
import { cases, seed } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { audienceOf, fold, type Action, type Membership } from "../src/index.ts";
import { isAdmin, OUTSIDERS, RandomHistory, steps } from "./random-history.ts";
import { commitmentNamed, person } from "./story.ts";

const RUNS = cases(40, 2000);
const numRuns = { numRuns: RUNS, seed: seed(1) };
const numbers = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 12, maxLength: 12 });

/** What a log says, without what it says of single entries. */
const stateOf = ({ root, members, removed, keyNames, heads }: Membership): object => ({
  root,
  members,
  removed,
  keyNames,
  heads,
});

const historyOf = (all: Parameters<RandomHistory["run"]>[0]): RandomHistory => {
  const history = new RandomHistory();
  history.run(all);
  return history;
};

const shuffled = <T>(list: readonly T[], from: number): T[] =>
  list
    .map((value, at) => [((at + 1) * (from * 2 + 1) * 7919) % 104_729, value] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, value]) => value);

const anything = steps({ write: 10, branch: 4, merge: 4, attack: 3 }, 40);

describe("whatever is written, in whatever order", () => {
  test("one set of entries in one order of arrival makes one state", () => {
    fc.assert(
      fc.property(anything, fc.nat({ max: 1000 }), (all, order) => {
        const history = historyOf(all);
        const ids = history.idsAt(history.main);
        for (const looks of [history.historyAt(history.main), []]) {
          const options = { history: looks, root: history.story.root };
          const one = history.story.fold({ ids, ...options });
          const other = fold(history.story.log(shuffled(ids, order)), options);
          expect(other).toEqual(one);
          const within = fold(history.story.log(ids), {
            ...options,
            history: looks.map((look) => shuffled(look, order)),
          });
          expect(within).toEqual(one);
          // A clone that saw all of it at once.
          expect(history.story.fold({ ids, ...options, remembered: [ids] })).toEqual(one);
        }
      }),
      numRuns,
    );
  });

  test("the order of merging changes who is a member only where removed people had removed others", () => {
    let compared = 0;
    fc.assert(
      fc.property(anything, fc.array(fc.nat({ max: 40 }), { maxLength: 40 }), (all, order) => {
        const history = historyOf(all);
        const ids = history.idsAt(history.main);
        const together = history.story.fold({ ids });
        const isTaking = (id: string): boolean => ["take", "remove"].includes(history.story.entry(id).action.kind);
        if (!ids.every((id) => !isTaking(id) || together.verdicts.get(id)?.counts === true)) return;
        compared += 1;
        const looks = order.map((at) => [ids[at % ids.length] ?? ""]);
        expect(history.story.fold({ ids, history: looks }).members).toEqual(together.members);
      }),
      numRuns,
    );
    expect(compared).toBeGreaterThan(RUNS / 20);
  });

  test("somebody can always go on: every admin's next entry counts, and a rotation mends every key", () => {
    fc.assert(
      fc.property(anything, (all) => {
        const history = historyOf(all);
        for (const looks of [history.historyAt(history.main), []]) {
          const { story } = history;
          const ids = history.idsAt(history.main);
          const options = { history: looks, root: story.root };
          const before = story.fold({ ids, ...options });
          const admins = before.members.filter(({ role }) => role === "admin");
          expect(admins.length).toBeGreaterThan(0);
          for (const { keys } of admins) {
            const key = keys.find(({ signs }) => signs);
            if (key === undefined) throw new Error("an admin who cannot sign");
            const newcomer = person(`newcomer ${ids.length}`);
            const mine = [...ids];
            const write = (action: Action, parents: readonly string[]): string => {
              mine.push(story.write(key, action, parents));
              return mine.at(-1) ?? "";
            };
            const { account } = newcomer;
            const add = write(
              { kind: "add", account, keys: [newcomer.key], role: "reader", opens: [], label: null, readmits: [] },
              before.heads,
            );
            const { members } = story.fold({ ids: mine, ...options });
            const generations = before.keyNames.map(({ name }, number) => ({
              keyName: name,
              commitment: commitmentNamed(`${name} ${number} ${mine.length} ${key.id}`),
              audience: audienceOf(members, name),
            }));
            write({ kind: "generation", generations }, [add]);
            const after = story.fold({ ids: mine, ...options });
            expect(mine.slice(ids.length).map((id) => after.verdicts.get(id))).toEqual(
              mine.slice(ids.length).map(() => ({ counts: true, outdoneBy: null })),
            );
            expect(after.members.some(({ keys: its }) => its.some(({ id }) => id === newcomer.key.id))).toBe(true);
            expect(after.keyNames.map(({ state }) => state)).toEqual(before.keyNames.map(() => "settled"));
          }
        }
      }),
      numRuns,
    );
  });
});

describe("an adversary", () => {
  test("who never was a member changes nothing", () => {
    fc.assert(
      fc.property(
        steps({ write: 8, branch: 3, merge: 3, attack: 0 }, 30),
        fc.array(numbers, { minLength: 1, maxLength: 8 }),
        fc.nat({ max: 50 }),
        (all, attacks, at) => {
          const history = historyOf(all);
          const ids = history.idsAt(history.main);
          const looks = history.historyAt(history.main);
          const options = { history: looks, root: history.story.root };
          const before = history.story.fold({ ids, ...options });
          const written = attacks.flatMap((one) => history.attackWith(one, OUTSIDERS, null));
          for (const position of [0, at % (looks.length + 1), looks.length]) {
            const arrival = looks.toSpliced(position, 0, written);
            const after = history.story.fold({ ids: [...ids, ...written], ...options, history: arrival });
            expect(stateOf(after)).toEqual(stateOf(before));
          }
        },
      ),
      numRuns,
    );
  });

  test("who was removed changes nothing by what arrives after the removal, whatever it says and hangs on", () => {
    let removedSome = 0;
    fc.assert(
      fc.property(anything, fc.array(numbers, { minLength: 1, maxLength: 12 }), (all, attacks) => {
        const history = historyOf(all);
        const removed = history.removedPeople(history.main);
        if (removed.length > 0) removedSome += 1;
        const ids = history.idsAt(history.main);
        const looks = history.historyAt(history.main);
        const options = { root: history.story.root };
        const before = history.story.fold({ ids, history: looks, ...options });
        const written = attacks.flatMap((one) => history.attackWith(one, [...removed, person("trent")], null));
        // As one look, as many, and as a clone that has no history but remembers what it saw.
        for (const late of [
          { history: [...looks, written] },
          { history: [...looks, ...written.map((id) => [id])] },
          { remembered: looks },
        ]) {
          const after = history.story.fold({ ids: [...ids, ...written], ...options, ...late });
          expect(stateOf(after)).toEqual(stateOf(before));
        }
      }),
      numRuns,
    );
    expect(removedSome).toBeGreaterThan(RUNS / 4);
  });

  test("who was removed has no key that is not said to be stale", () => {
    fc.assert(
      fc.property(anything, (all) => {
        const history = historyOf(all);
        for (const looks of [history.historyAt(history.main), []]) {
          const { keyNames, members } = history.story.fold({
            ids: history.idsAt(history.main),
            history: looks,
            root: history.story.root,
          });
          for (const { name, state, current } of keyNames.filter((one) => one.state !== "stale")) {
            const allowed = new Set(
              members.filter(({ opens }) => opens.includes(name)).flatMap(({ keys }) => keys.map(({ id }) => id)),
            );
            const others = history
              .audienceOf(current.commitment, history.idsAt(history.main))
              .filter((id) => !allowed.has(id));
            expect({ name, state, others }).toEqual({ name, state, others: [] });
          }
        }
      }),
      numRuns,
    );
  });

  test("who is removed is no member, under no name and with no key, until a readmission says so", () => {
    fc.assert(
      fc.property(anything, (all) => {
        const history = historyOf(all);
        const membership = history.membershipAt(history.main);
        for (const { key } of history.removedPeople(history.main)) expect(isAdmin(membership, key.id)).toBe(false);
        const held = membership.members.flatMap(({ accounts, keys }) => [...accounts, ...keys.map(({ id }) => id)]);
        expect(membership.removed.filter(({ identifier }) => held.includes(identifier))).toEqual([]);
        expect(new Set(held).size).toBe(held.length);
      }),
      numRuns,
    );
  });
});
