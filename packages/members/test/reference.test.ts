import * as fc from "fast-check";
import { cases, seed } from "@git-vault/testkit";
import { expect, test } from "vitest";
import type { Membership } from "../src/index.ts";
import { RandomHistory, steps } from "./random-history.ts";
import { ReferenceFold, type Reference } from "./reference.ts";

const RUNS = cases(15, 500);

/** What both say, in one form. */
const plain = ({ members, keyNames, heads, verdicts }: Membership): Reference => ({
  reasons: new Map(
    [...verdicts].flatMap(([id, verdict]) =>
      verdict.counts || verdict.reason === "missing-parent" ? [] : [[id, verdict.reason]],
    ),
  ),
  members: members.map(({ records, accounts, keys, role, opens, label }) => ({
    records: [...records],
    has: [...accounts, ...keys.map(({ id }) => id)].toSorted(),
    isAdmin: role === "admin",
    opens: [...opens],
    label,
  })),
  keyNames: keyNames.map(({ name, state, current, heads: its }) => ({
    name,
    state,
    current: current.entry,
    heads: its.map(({ entry }) => entry),
  })),
  heads,
});

test("the fold says what a plain reading of docs/formats.md does", () => {
  fc.assert(
    fc.property(steps({ write: 10, branch: 4, merge: 4, attack: 3 }, 24), (all) => {
      const history = new RandomHistory();
      history.run(all);
      const ids = history.idsAt(history.main);
      const main = history.historyAt(history.main);
      for (const [remembered, looks] of [
        [[], main],
        [[], []],
        [[ids.slice(0, ids.length / 2), ids], main],
      ]) {
        const options = { remembered, history: looks, root: history.story.root };
        const reference = new ReferenceFold(history.story.log(ids), options).result();
        const { reasons, ...rest } = plain(history.story.fold({ ids, ...options }));
        expect(Object.fromEntries(reasons)).toEqual(Object.fromEntries(reference.reasons));
        expect(rest).toEqual({ members: reference.members, keyNames: reference.keyNames, heads: reference.heads });
      }
    }),
    { numRuns: RUNS, seed: seed(1) },
  );
});
