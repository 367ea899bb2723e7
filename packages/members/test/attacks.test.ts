import { describe, expect, test } from "vitest";
import {
  arrivalOf,
  provenOrder,
  fold as foldBoth,
  memberWith,
  openDisputes,
  readMemberKey,
  type Action,
  type LogCommit,
  type Look,
  type Membership,
} from "../src/index.ts";
import { commitmentNamed, keyNamed, namesOf, person, stranger, Story, type Person } from "./story.ts";

/*
 * Attacks, by name. Mallory tries; nothing that she wins is allowed to pass unnoticed.
 */

const alice = person("alice");
const bob = person("bob");
const carol = person("carol");
const mallory = person("mallory");
const sock = person("mallory's sock");

/** Alice, Bob, Carol and Mallory, all admins; Bob added Mallory. */
function team(): { story: Story; before: string[]; addMallory: string } {
  const story = new Story(alice);
  const before = [story.start(["default", "prod"])];
  before.push(story.add(alice, bob), story.add(alice, carol));
  const addMallory = story.add(bob, mallory);
  before.push(addMallory);
  return { story, before, addMallory };
}

/** The same, and Mallory is removed and every key replaced. */
function after(): ReturnType<typeof team> & { removal: string; looks: string[][] } {
  const its = team();
  const removal = its.story.remove(alice, mallory, undefined, ["default", "prod"]);
  return { ...its, removal, looks: [...its.before.map((id) => [id]), [removal]] };
}

const stateOf = ({ members, removed, keyNames, heads }: Membership): object => ({ members, removed, keyNames, heads });

/**
 * Expects that what was written late changes nothing, in a clone with the history and in one that
 * saw the removal.
 */
function expectNothing({ story, looks }: { story: Story; looks: readonly Look[] }, late: readonly string[]): void {
  const old = looks.flat();
  const before = story.fold({ ids: old, history: looks });
  for (const options of [
    { history: [...looks, late] },
    { history: [...looks, ...late.map((id) => [id])] },
    { remembered: looks },
  ]) {
    const now = story.fold({ ids: [...old, ...late], root: story.root, ...options });
    expect(stateOf(now)).toEqual(stateOf(before));
    expect(late.map((id) => now.verdicts.get(id)?.counts)).toEqual(late.map(() => false));
  }
}

describe("the attacks that worked on grants", () => {
  test("1. a removed account comes back renamed, or by its key under another name", () => {
    const { story, removal } = after();
    const renamed = { ...mallory, name: "mal2" };
    const byKey = { ...mallory, name: "file:mallory-laptop", account: null };
    const byAccount = { ...mallory, name: "new key", key: keyNamed("another") };
    for (const one of [renamed, byKey, byAccount]) {
      expect(story.verdict(story.add(alice, one, {}, [removal]))).toBe("needs-readmission");
    }
    expect(namesOf(story.fold())).toEqual(["alice*", "bob*", "carol*"]);
  });

  test("2. who is about to leave gives the key to an account of their own", () => {
    const { story, before } = team();
    const added = story.add(mallory, sock, {}, before.slice(-1));
    const removal = story.remove(alice, mallory, before.slice(-1), ["default"]);
    for (const history of [[before, [added], [removal]], [before, [removal], [added]], []]) {
      const membership = story.fold({ history });
      expect(namesOf(membership)).toEqual(["alice*", "bob*", "carol*"]);
      expect(membership.keyNames[0]).toMatchObject({ name: "default", state: "settled", current: { entry: removal } });
    }
  });

  test("2. if the remover saw it, the account stays, and it is told who added it", () => {
    const { story } = team();
    const added = story.add(mallory, sock);
    story.remove(alice, mallory);
    const membership = story.fold();
    expect(namesOf(membership)).toContain("mallory's sock*");
    expect(memberWith(membership, sock.key.id)?.records).toEqual([added]);
    expect(story.entry(added).author).toBe(mallory.key.id);
  });

  test("3. an outsider brings a key of their own, and one of a new name", () => {
    const { story } = team();
    const outsider = person("outsider");
    const before = story.fold();
    for (const keyName of ["default", "fresh"]) {
      const generations = [{ keyName, commitment: commitmentNamed("theirs"), audience: commitmentNamed("a") }];
      expect(story.verdict(story.write(outsider, { kind: "generation", generations }))).toBe("stranger");
    }
    expect(story.fold().keyNames).toEqual(before.keyNames);
  });

  test("4. after two rotations are merged, a removed person's later date is worth nothing", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const removal = story.remove(alice, mallory, tip, ["default", "prod"]);
    const other = story.rotate(bob, "default", tip);
    const merged = story.fold();
    // Bob made his for Mallory as well.
    expect(merged.keyNames[0]).toMatchObject({ state: "settled", current: { entry: removal } });
    expect(merged.keyNames[0]?.heads.map(({ entry }) => entry).toSorted()).toEqual([removal, other].toSorted());
    const draft: Action = {
      kind: "add",
      account: mallory.account,
      keys: [mallory.key],
      role: "admin",
      opens: ["default"],
      label: "m",
      readmits: [],
    };
    story.write(mallory, draft, [removal, other].toSorted());
    expect(stateOf(story.fold())).toEqual(stateOf(merged));
  });

  test("5. after a rejected push and a reset, the log is that of the branch", () => {
    const { story, before } = team();
    const local = story.rotate(alice);
    const { keyNames } = story.fold({ ids: before });
    expect(keyNames[0]?.current.entry).toBe(before[0]);
    expect(story.fold().keyNames[0]?.current.entry).toBe(local);
  });

  test("6. a rotation that is reverted in the tree stays in force, since its entry is remembered", () => {
    const { story, before, removal, looks } = after();
    expect(story.fold({ ids: before, remembered: looks })).toMatchObject({ lost: [removal] });
    expect(story.fold({ history: looks }).keyNames[0]?.current.entry).toBe(removal);
  });

  test("7. an OpenPGP key that no entry names is nobody's", () => {
    const { story } = team();
    const key = readMemberKey(`openpgp ${"AB".repeat(20)}`);
    expect(memberWith(story.fold(), key.id)).toBeNull();
    story.give(alice, story.root, { keys: [key] });
    expect(memberWith(story.fold(), key.id)?.label).toBe("alice");
  });

  test.for(["github:alice/../bob", "https://127.0.0.1:1/x", "‮evil", "github:ALICE", "-----BEGIN SSH SIGNATURE-----"])(
    "8. an odd name is data, and hides nobody: %s",
    (label) => {
      const { story } = team();
      const odd = { ...person("odd"), name: label };
      story.add(alice, odd);
      expect(story.fold().members.map((member) => member.label)).toEqual(["alice", "bob", "carol", "mallory", label]);
    },
  );
});

describe("back-dating", () => {
  test("the removal of the remover, on what was before the removal", () => {
    const its = after();
    for (const parent of its.before) expectNothing(its, [its.story.remove(mallory, alice, [parent])]);
  });

  test("the removal of the one who made the remover a member", () => {
    const { story, before } = team();
    const removal = story.remove(carol, mallory, undefined, ["default", "prod"]);
    const looks = [...before, removal].map((id) => [id]);
    // Alice added Carol. These do not know of it.
    const late = story.remove(mallory, alice, before.slice(0, 1));
    expect(story.verdict(late)).toBe("stranger");
    expectNothing({ story, looks }, [late, story.remove(mallory, alice, before.slice(-1))]);
  });

  test("a friend who is added first, and then removes the remover", () => {
    const its = after();
    const added = its.story.add(mallory, sock, {}, its.before.slice(-1));
    const byFriend = its.story.remove(sock, alice, [added]);
    expectNothing(its, [added, byFriend]);
  });

  test("the theft of the remover's key, role and names, one by one", () => {
    const its = after();
    const tip = its.before.slice(-1);
    const { story } = its;
    expectNothing(its, [
      story.take(mallory, story.root, { keys: [alice.key.id] }, tip),
      story.take(mallory, story.root, { role: "admin" }, tip),
      story.take(mallory, story.root, { opens: ["default", "prod"] }, tip),
    ]);
  });

  test("a key for the remover's record, which then removes others", () => {
    const its = after();
    const tip = its.before.slice(-1);
    const planted = its.story.give(mallory, its.story.root, { keys: [sock.key] }, tip);
    expectNothing(its, [planted, its.story.remove(sock, bob, [planted])]);
  });

  test("a readmission of herself", () => {
    const its = after();
    expectNothing(its, [
      its.story.add(mallory, mallory, { readmits: [its.removal] }, [its.removal]),
      its.story.add(mallory, mallory, { readmits: [its.removal] }, its.before.slice(-1)),
    ]);
  });

  test("a generation of her own, before the removal as she says", () => {
    const its = after();
    expectNothing(its, [its.story.rotate(mallory, "default", its.before.slice(-1))]);
  });

  test("a merge of what is there, in her name", () => {
    const its = after();
    expectNothing(its, [
      its.story.write(mallory, { kind: "note", text: "merge" }, [its.removal, ...its.before.slice(-1)]),
    ]);
  });

  test("a commit on an old one, merged into the branch: what the branch had came first", () => {
    const { story, before, removal } = after();
    const counter = story.remove(mallory, alice, before.slice(-1));
    const commits = new Map<string, LogCommit>([
      ["c0", { parents: [], entries: before }],
      ["c1", { parents: ["c0"], entries: [removal] }],
      ["forged", { parents: ["c0"], entries: [counter] }],
      ["merge", { parents: ["c1", "forged"], entries: [] }],
      ["squash", { parents: ["c1"], entries: [counter] }],
    ]);
    for (const head of ["merge", "squash"]) {
      const membership = story.fold({ history: arrivalOf(head, commits) });
      expect(namesOf(membership)).toEqual(["alice*", "bob*", "carol*"]);
      expect(membership.disputes).toEqual([{ stands: removal, fails: counter }]);
    }
  });
});

describe("a merge whose first parent is hers", () => {
  type Commits = Record<string, readonly [parents: readonly string[], entries: readonly string[]]>;
  /** What a clone makes of the history of `merge`. */
  function cloneOf(
    { story }: { story: Story },
    commits: Commits,
    remembered: readonly Look[] = [],
  ): { names: string[]; open: unknown[] } {
    const all = new Map(Object.entries(commits).map(([id, [parents, entries]]) => [id, { parents, entries }]));
    const options = { root: story.root, remembered, history: arrivalOf("merge", all) };
    const membership = story.fold(options);
    const order = { unordered: new Set<string>(), ...provenOrder(all) };
    return { names: namesOf(membership), open: openDisputes(story.log(), options, membership, order) };
  }
  const merged = (before: readonly string[], removal: string, forged: Commits, last = "forged"): Commits => ({
    c0: [[], before],
    c1: [["c0"], [removal]],
    ...forged,
    merge: [[last, "c1"], []],
  });

  test("settles nothing in a new clone, and deceives none that remembers", () => {
    const its = after();
    const counter = its.story.remove(mallory, alice, its.before.slice(-1));
    const commits = merged(its.before, its.removal, { forged: [["c0"], [counter]] });
    expect(cloneOf(its, commits).open).toEqual([
      { stands: counter, fails: its.removal, witnessed: null, needsHistory: false },
    ]);
    expect(cloneOf(its, commits, its.looks)).toEqual({ names: ["alice*", "bob*", "carol*"], open: [] });
    // The other way around both readings say the same, and nobody is bothered.
    const honest = { ...commits, merge: [["c1", "forged"], []] as const };
    expect(cloneOf(its, honest)).toEqual({ names: ["alice*", "bob*", "carol*"], open: [] });
    // Nor where what she wrote builds on the removal, as git knows it.
    const late = { ...commits, forged: [["c1"], [counter]] as const, merge: [["forged"], []] as const };
    expect(cloneOf(its, late)).toEqual({ names: ["alice*", "bob*", "carol*"], open: [] });
  });

  test("nor with a copy of the removal beside her own, before or after it", () => {
    const its = after();
    const counter = its.story.remove(mallory, alice, its.before.slice(-1));
    for (const forged of [
      { forged: [["c0"], [counter, its.removal]] },
      { f1: [["c0"], [counter]], forged: [["f1"], [its.removal]] },
    ] satisfies Commits[]) {
      const { names, open } = cloneOf(its, merged(its.before, its.removal, forged));
      expect([names.includes("alice*"), open.length]).toEqual([open.length === 0, open.length]);
    }
  });

  test("nor with a friend who removes the remover, added in an earlier commit", () => {
    const its = after();
    const added = its.story.add(mallory, sock, {}, its.before.slice(-1));
    const byFriend = its.story.remove(sock, alice, [added]);
    const forged = { f1: [["c0"], [added]], forged: [["f1"], [byFriend]] } satisfies Commits;
    const { open } = cloneOf(its, merged(its.before, its.removal, forged));
    expect(open).toEqual([{ stands: byFriend, fails: its.removal, witnessed: null, needsHistory: false }]);
  });

  test("nor where she says that the founder's key is hers as well: it is the key that is senior", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const removal = story.remove(bob, mallory, tip, ["default", "prod"]);
    const { account, key } = mallory;
    const joined = { account, keys: [key, alice.key], role: "admin", opens: [], label: "m", readmits: [] } as const;
    const link = story.write(mallory, { kind: "add", ...joined }, tip);
    const given = story.give(mallory, story.root, { keys: [key] }, [link]);
    for (const last of [tip[0] ?? "", link, given]) {
      const counter = story.remove(mallory, bob, [last]);
      const ids = [...before, removal, link, given, counter];
      const together = story.fold({ ids, history: [before, [link, given, counter, removal]] });
      expect([story.verdict(removal, together), story.verdict(counter, together)]).toEqual([
        "counts",
        "author-removed",
      ]);
      const commits = merged(before, removal, { forged: [["c0"], [link, given, counter]] });
      expect(cloneOf({ story }, commits).open).toMatchObject([{ stands: counter, fails: removal }]);
    }
  });

  test("nor where it removes the one who let the remover in, before they did", () => {
    const story = new Story(alice);
    const addBob = [story.start(["default", "prod"]), story.add(alice, bob)];
    const tip = addBob.slice(-1);
    const addCarol = story.add(bob, carol, {}, tip);
    const addMallory = story.add(alice, mallory, {}, tip);
    const removal = story.remove(carol, mallory, undefined, ["default", "prod"]);
    const counter = story.remove(mallory, bob, [addMallory]);
    const forged = { forged: [["c0"], [counter]], c00: [[], addBob] } satisfies Commits;
    const carolFirst = {
      ...merged([addMallory], removal, forged),
      c01: [["c00"], [addCarol]],
      c0: [["c01"], [addMallory]],
    } satisfies Commits;
    expect(cloneOf({ story }, carolFirst).open).toEqual([
      { stands: counter, fails: removal, witnessed: null, needsHistory: false },
    ]);
    // Where she is senior to the remover it is told.
    const [inTree, history] = [
      [...addBob, addMallory, addCarol],
      [addBob, [addMallory], [addCarol], [counter], [removal]],
    ];
    expect(story.fold({ ids: [...inTree, counter, removal], history }).disputes).toEqual([
      { stands: counter, fails: removal },
    ]);
  });

  test("nor among many such of hers", () => {
    const its = after();
    const tip = its.before.slice(-1);
    const counters = Array.from({ length: 40 }, () => its.story.remove(mallory, alice, tip));
    const commits = merged(its.before, its.removal, { forged: [["c0"], counters] });
    expect(cloneOf(its, commits).open).toHaveLength(1);
    const honest = { ...commits, merge: [["c1", "forged"], []] as const };
    expect(cloneOf(its, honest)).toEqual({ names: ["alice*", "bob*", "carol*"], open: [] });
  });

  test("is settled for everybody by an admin who is no party, and by no friend of hers", () => {
    const its = after();
    const { story, removal, before } = its;
    const counter = story.remove(mallory, alice, before.slice(-1));
    const friend = story.add(mallory, sock, {}, before.slice(-1));
    const byFriend = story.rotate(sock, "default", [counter, friend].toSorted());
    const forged = { forged: [["c0"], [counter, friend, byFriend]] } satisfies Commits;
    const commits = merged(before, removal, forged);
    expect(cloneOf(its, commits).open).toEqual([
      { stands: counter, fails: removal, witnessed: null, needsHistory: false },
    ]);
    const byBob = story.rotate(bob, "default", [removal]);
    const next = { ...commits, m1: commits["merge"] ?? [[], []], merge: [["m1"], [byBob]] } satisfies Commits;
    expect(cloneOf(its, next).open).toEqual([
      { stands: counter, fails: removal, witnessed: removal, needsHistory: false },
    ]);
    const ofBoth = story.rotate(carol, "default", [removal, counter].toSorted());
    expect(cloneOf(its, { ...next, merge: [["m1"], [ofBoth]] }).open).toHaveLength(1);
  });

  test("of the more senior one is taken at its word, and is a dispute", () => {
    const its = team();
    const { story, before } = its;
    const removal = story.remove(bob, alice, before.slice(-1));
    const counter = story.remove(alice, bob, before.slice(-1));
    const commits = merged(before, removal, { forged: [["c0"], [counter]] });
    expect(cloneOf(its, commits).open).toEqual([]);
    const history = [before, [counter], [removal]];
    expect(story.fold({ history }).disputes).toEqual([{ stands: counter, fails: removal }]);
  });
});

describe("two who remove each other at once", () => {
  test("without any order, the more senior one stays", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const byMallory = story.remove(mallory, bob, tip);
    const byBob = story.remove(bob, mallory, tip);
    const membership = story.fold();
    expect(namesOf(membership)).toEqual(["alice*", "bob*", "carol*"]);
    expect([story.verdict(byMallory), story.verdict(byBob)]).toEqual(["author-removed", "counts"]);
    expect(membership.disputes).toEqual([{ stands: byBob, fails: byMallory }]);
  });

  test("with others beside, of two in one commit also", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const both = [story.remove(carol, mallory, tip), story.remove(mallory, carol, tip)];
    expect(namesOf(story.fold({ history: [before, both] }))).toEqual(["alice*", "bob*", "carol*"]);
  });

  test("in a circle of three, somebody stays", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const circle = [
      story.remove(alice, bob, tip),
      story.remove(bob, carol, tip),
      story.remove(carol, alice, tip),
      story.remove(carol, mallory, tip),
    ];
    const membership = story.fold();
    expect(circle.map((id) => story.verdict(id, membership))).toEqual(["counts", "author-removed", "counts", "counts"]);
    expect(namesOf(membership)).toEqual(["carol*"]);
  });

  test("two laptops of one person that take each other's key: one stays", () => {
    const story = new Story(alice);
    const start = story.start();
    const laptop = keyNamed("laptop");
    const given = story.give(alice, start, { keys: [laptop] });
    story.take(alice, start, { keys: [laptop.id] }, [given]);
    story.take(laptop, start, { keys: [alice.key.id] }, [given]);
    expect(story.fold().members).toMatchObject([{ role: "admin", keys: [expect.anything()] }]);
  });

  test("two who make readers of each other: one stays an admin", () => {
    const story = new Story(alice);
    const start = story.start();
    const added = story.add(alice, bob);
    story.take(alice, added, { role: "admin" }, [added]);
    story.take(bob, start, { role: "admin" }, [added]);
    expect(namesOf(story.fold())).toEqual(["alice*", "bob"]);
  });
});

describe("power over oneself", () => {
  test.for([
    ["removal", (story: Story) => story.remove(alice, alice)],
    ["demotion", (story: Story) => story.take(alice, story.root, { role: "admin" })],
    ["the key that signs", (story: Story) => story.take(alice, story.root, { keys: [alice.key.id] })],
    ["removal by account alone", (story: Story) => story.remove(alice, [alice.account ?? ""])],
    ["removal among others", (story: Story) => story.remove(alice, [alice.key.id, bob.key.id])],
  ] as const)("nobody takes it: %s", ([, write]) => {
    const { story } = team();
    expect(story.verdict(write(story))).toBe("own-power");
    expect(namesOf(story.fold())).toContain("alice*");
  });

  test("the founder can be removed by others, and the log goes on", () => {
    const { story } = team();
    story.remove(bob, alice);
    expect(story.verdict(story.add(bob, sock))).toBe("counts");
    expect(story.fold().root).toBe(story.root);
    expect(namesOf(story.fold())).not.toContain("alice*");
  });

  test("a removed member does not get far with entries on the removal", () => {
    const its = after();
    expectNothing(its, [
      its.story.rotate(mallory, "default", [its.removal]),
      its.story.add(mallory, sock, {}, [its.removal]),
    ]);
  });

  test("a reader adds, removes, rotates and promotes nobody", () => {
    const { story } = team();
    const reader = person("reader");
    const record = story.add(alice, reader, { role: "reader" });
    const tries = [
      story.add(reader, sock),
      story.remove(reader, alice),
      story.rotate(reader),
      story.give(reader, record, { role: "admin" }),
      story.take(reader, story.root, { role: "admin" }),
    ];
    expect(tries.map((id) => story.verdict(id))).toEqual(tries.map(() => "reader"));
    expect(story.verdict(story.write(reader, { kind: "note", text: "hello" }))).toBe("counts");
  });

  test("roles given in a circle are worth what their root is worth", () => {
    const { story, before } = team();
    const [, , , addMallory = ""] = before;
    const reader = person("reader");
    const record = story.add(alice, reader, { role: "reader" });
    // Mallory promotes the reader, who then promotes Mallory again after Alice demoted her.
    const promoted = story.give(mallory, record, { role: "admin" });
    const demoted = story.take(alice, addMallory, { role: "admin" }, [record]);
    const back = story.give(reader, addMallory, { role: "admin" }, [promoted, demoted].toSorted());
    const membership = story.fold();
    expect([promoted, back].map((id) => story.verdict(id, membership))).toEqual(["author-removed", "reader"]);
    expect(namesOf(membership)).toEqual(["alice*", "bob*", "carol*", "mallory", "reader"]);
  });
});

describe("other names, other keys", () => {
  test("a second key of a removed person goes with the first", () => {
    const { story, addMallory } = team();
    const second = keyNamed("mallory's second");
    story.give(bob, addMallory, { keys: [second] });
    const removal = story.remove(alice, [mallory.key.id]);
    expect(memberWith(story.fold(), second.id)).toBeNull();
    expect(memberWith(story.fold(), mallory.account ?? "")).toBeNull();
    const byAccount = { ...mallory, name: "x", key: second, account: null };
    expect(story.verdict(story.add(alice, byAccount, {}, [removal]))).toBe("needs-readmission");
  });

  test("a key that is given to a removed person meanwhile goes, and does not come back", () => {
    const { story, addMallory, before } = team();
    const second = keyNamed("mallory's second");
    const given = story.give(carol, addMallory, { keys: [second] }, before.slice(-1));
    const removal = story.remove(alice, mallory, before.slice(-1));
    expect(story.verdict(given)).toBe("outdone");
    expect(memberWith(story.fold(), second.id)).toBeNull();
    const again = story.add(alice, { ...sock, key: second }, {}, [given, removal].toSorted());
    expect(story.verdict(again)).toBe("needs-readmission");
  });

  test("a removed person who is added again meanwhile stays out", () => {
    const { story, before } = team();
    const again = story.add(carol, { ...mallory, name: "mal2" }, { opens: ["prod"] }, before.slice(-1));
    const removal = story.remove(alice, mallory, before.slice(-1), ["default"]);
    for (const history of [[before, [again], [removal]], [before, [removal], [again]], []]) {
      const membership = story.fold({ history });
      expect(namesOf(membership)).toEqual(["alice*", "bob*", "carol*"]);
      expect(story.verdict(again, membership)).toBe("outdone");
      // Carol gave her the other key, too.
      expect(membership.keyNames.map(({ name, state }) => [name, state])).toEqual([
        ["default", "settled"],
        ["prod", "stale"],
      ]);
    }
  });

  test("one person under two names is one member, and goes at once", () => {
    const story = new Story(alice);
    story.start();
    const laptop: Person = { name: "laptop", account: null, key: bob.key };
    story.add(alice, bob, { role: "reader", opens: ["default"] });
    story.add(alice, laptop, { role: "reader", opens: ["prod"] });
    expect(story.fold().members[1]).toMatchObject({
      accounts: [bob.account],
      keys: [bob.key],
      opens: ["default", "prod"],
      label: "laptop",
    });
    story.remove(alice, [bob.account ?? ""]);
    expect(namesOf(story.fold())).toEqual(["alice*"]);
  });

  test("two who are added with one account number at once are one member", () => {
    const { story, before } = team();
    const one = { ...bob, name: "one", account: "github.com/77", key: keyNamed("one") };
    const two = { ...bob, name: "two", account: "github.com/77", key: keyNamed("two") };
    const both = [
      story.add(alice, one, { role: "reader" }, before.slice(-1)),
      story.add(carol, two, { role: "reader" }, before.slice(-1)),
    ];
    const member = memberWith(story.fold(), "github.com/77");
    expect(member?.keys.map(({ id }) => id).toSorted()).toEqual([one.key.id, two.key.id].toSorted());
    expect([...(member?.records ?? [])].toSorted()).toEqual(both.toSorted());
  });

  test("a case twin of an account cannot be written", () => {
    const { story } = team();
    expect(() => story.add(alice, { ...sock, account: (mallory.account ?? "").replace("github", "GitHub") })).toThrow(
      "account",
    );
  });

  test("an account is its number, on its server", () => {
    const { story } = team();
    const elsewhere = { ...sock, account: (mallory.account ?? "").replace("github.com", "gitlab.com") };
    story.remove(alice, mallory);
    expect(story.verdict(story.add(alice, elsewhere))).toBe("counts");
  });

  describe("nobody makes one member of several", () => {
    const apart = ["alice*", "bob*", "carol*", "mallory*"];

    test("by an account of theirs that has the keys of all", () => {
      const { story } = team();
      const { account, key } = sock;
      const keys = [key, alice.key, bob.key, carol.key, mallory.key];
      const all = story.write(mallory, {
        kind: "add",
        account,
        keys,
        role: "admin",
        opens: [],
        label: "m",
        readmits: [],
      });
      expect([story.verdict(all), namesOf(story.fold())]).toEqual(["links-members", apart]);
    });

    test("by giving them their key, or their own records the others' keys", () => {
      const { story, before, addMallory } = team();
      const gifts = [
        ...before.slice(0, 3).map((record) => story.give(mallory, record, { keys: [mallory.key] })),
        ...[alice, bob, carol].map(({ key }) => story.give(mallory, addMallory, { keys: [key] })),
      ];
      expect(gifts.map((gift) => story.verdict(gift))).toEqual(gifts.map(() => "links-members"));
      expect(namesOf(story.fold())).toEqual(apart);
      // A removal by what she goes by takes her alone.
      story.remove(alice, mallory);
      expect(namesOf(story.fold())).toEqual(apart.slice(0, 3));
    });

    test("by a key that she gives to two of them, in one step or in two", () => {
      const { story, before } = team();
      const other = keyNamed("between");
      const first = story.give(mallory, before[1] ?? "", { keys: [other] });
      expect(story.verdict(first)).toBe("counts");
      for (const parents of [[first], before.slice(-1)]) {
        const second = story.give(mallory, before[2] ?? "", { keys: [other] }, parents);
        const now = story.fold({ history: [...before, first, second].map((id) => [id]) });
        expect(story.verdict(second, now)).toBe("links-members");
      }
    });

    test("by an older parent, so that she knows nothing of who was let in since", () => {
      const { story, before, addMallory } = team();
      const dave = story.add(alice, person("dave"));
      const late = story.give(mallory, addMallory, { keys: [person("dave").key] }, [addMallory]);
      const now = story.fold({ history: [...before, dave, late].map((id) => [id]) });
      expect([story.verdict(late, now), story.verdict(dave, now)]).toEqual(["links-members", "counts"]);
      expect(namesOf(now)).toEqual(["alice*", "bob*", "carol*", "dave*", "mallory*"]);
    });

    test("but two admins who let in one person at once do, and one is let in again as another", () => {
      const { story, before } = team();
      const tip = before.slice(-1);
      const dave = person("dave");
      const twice = [story.add(alice, dave, {}, tip), story.add(bob, dave, { opens: ["prod"] }, tip)];
      for (const history of [
        [before, twice],
        [before, ...twice.map((id) => [id])],
      ]) {
        const now = story.fold({ history });
        expect(twice.map((id) => story.verdict(id, now))).toEqual(["counts", "counts"]);
        expect(memberWith(now, dave.key.id)?.opens).toEqual(["default", "prod"]);
      }
      const removal = story.remove(alice, carol);
      const given = story.give(alice, before[1] ?? "", { keys: [carol.key], readmits: [removal] });
      expect(story.verdict(given)).toBe("counts");
      expect(memberWith(story.fold(), carol.key.id)?.label).toBe("bob");
    });
  });

  test("a key that is linked to a removed person by others does not take them along", () => {
    // Carol, deceived, gives Alice's key to Mallory's record while Alice removes Mallory.
    const { story, addMallory, before } = team();
    const linked = story.give(carol, addMallory, { keys: [alice.key] }, before.slice(-1));
    const removal = story.remove(alice, mallory, before.slice(-1), ["default", "prod"]);
    for (const history of [[before, [linked], [removal]], [before, [removal], [linked]], []]) {
      expect(namesOf(story.fold({ history }))).toEqual(["alice*", "bob*", "carol*"]);
    }
    expect(story.verdict(story.add(alice, sock))).toBe("counts");
  });

  test("a stolen key signs nothing more, and its owner stays", () => {
    const { story, before } = team();
    const record = before[1] ?? "";
    const laptop = keyNamed("bob's new laptop");
    story.give(alice, record, { keys: [laptop] });
    const taken = story.take(alice, record, { keys: [bob.key.id] });
    const thief = story.write(bob, { kind: "note", text: "hello" }, [taken]);
    expect(story.verdict(thief)).toBe("author-removed");
    expect(memberWith(story.fold(), bob.account ?? "")).toMatchObject({ keys: [laptop], role: "admin" });
    expect(story.verdict(story.write(laptop, { kind: "note", text: "hello" }))).toBe("counts");
    expect(story.fold().keyNames.map(({ state }) => state)).toEqual(["stale", "settled"]);
  });

  test("a thief's own key, given with the stolen one without knowing of its end, is out", () => {
    const { story, before } = team();
    const record = before[1] ?? "";
    const tip = before.slice(-1);
    const planted = story.give(bob, record, { keys: [sock.key] }, tip);
    const taken = story.take(alice, record, { keys: [bob.key.id] }, tip);
    for (const history of [[before, [planted], [taken]], [before, [taken], [planted]], []]) {
      expect(memberWith(story.fold({ history }), sock.key.id)).toBeNull();
    }
  });

  test("a taken key comes back only where that is said", () => {
    const { story, before } = team();
    const record = before[1] ?? "";
    const taken = story.take(alice, record, { keys: [bob.key.id] });
    expect(story.verdict(story.give(alice, record, { keys: [bob.key] }, [taken]))).toBe("needs-readmission");
    expect(story.verdict(story.give(alice, record, { keys: [bob.key], readmits: [taken] }, [taken]))).toBe("counts");
    expect(memberWith(story.fold(), bob.key.id)?.label).toBe("bob");
  });

  test("a key that went from one person to another is the other's alone", () => {
    const { story, before } = team();
    const record = before[1] ?? "";
    const laptop = keyNamed("bob's new laptop");
    story.give(alice, record, { keys: [laptop] });
    const taken = story.take(alice, record, { keys: [bob.key.id] });
    const dave = { ...person("dave"), key: bob.key };
    story.add(alice, dave, { readmits: [taken] });
    expect(namesOf(story.fold())).toEqual(["alice*", "bob*", "carol*", "dave*", "mallory*"]);
    story.remove(alice, [bob.account ?? ""]);
    expect(namesOf(story.fold())).toEqual(["alice*", "carol*", "dave*", "mallory*"]);
    expect(story.verdict(story.add(dave, sock))).toBe("counts");
  });
});

describe("readmission", () => {
  test("names the removal, by an admin, after it; then what the member writes counts", () => {
    const { story, removal } = after();
    const back = story.add(bob, mallory, { readmits: [removal] });
    expect(story.verdict(back)).toBe("counts");
    expect(story.verdict(story.add(mallory, sock))).toBe("counts");
    expect(story.fold().removed).toEqual([]);
  });

  test("does not make good what was written between", () => {
    const { story, removal } = after();
    const between = story.add(mallory, sock, {}, [removal]);
    story.add(bob, mallory, { readmits: [removal] }, [removal]);
    expect(story.verdict(between)).toBe("author-removed");
  });

  test("brings back what it names, and no other key", () => {
    const { story, addMallory } = team();
    const second = keyNamed("mallory's second");
    story.give(bob, addMallory, { keys: [second] });
    const removal = story.remove(alice, mallory);
    story.add(bob, mallory, { readmits: [removal] });
    expect(memberWith(story.fold(), second.id)).toBeNull();
    expect(story.verdict(story.give(bob, story.fold().heads[0] ?? "", { keys: [second] }))).toBe("needs-readmission");
  });

  test("lets no stolen key back that it does not list, whatever entries it names", () => {
    const { story, addMallory } = team();
    const second = keyNamed("mallory's second");
    story.give(bob, addMallory, { keys: [second] });
    const stolen = story.take(alice, addMallory, { keys: [second.id] });
    const removal = story.remove(alice, mallory);
    const back = story.add(bob, mallory, { readmits: [stolen, removal] });
    expect(story.verdict(back)).toBe("counts");
    expect(memberWith(story.fold(), second.id)).toBeNull();
    const record = story.fold().heads[0] ?? "";
    for (const readmits of [[], [removal], [stolen]]) {
      const given = story.give(bob, record, { keys: [second], readmits }, [record]);
      expect(story.verdict(given)).toBe("needs-readmission");
    }
    story.give(bob, record, { keys: [second], readmits: [stolen, removal] }, [record]);
    expect(memberWith(story.fold(), second.id)?.label).toBe("mallory");
  });

  test("of one removal does not answer another that was made meanwhile", () => {
    const { story, removal } = after();
    const back = story.add(bob, mallory, { readmits: [removal] }, [removal]);
    const again = story.remove(carol, mallory, [removal]);
    expect(namesOf(story.fold())).toEqual(["alice*", "bob*", "carol*"]);
    const both = story.add(bob, mallory, { readmits: [removal, again] }, [back, again].toSorted());
    expect(story.verdict(both)).toBe("counts");
    expect(namesOf(story.fold())).toContain("mallory*");
  });

  test("must know of the removal", () => {
    const { story, removal, before } = after();
    const blind = story.add(bob, mallory, { readmits: [removal] }, before.slice(-1));
    expect(story.verdict(blind)).toBe("unknown-removal");
    const wrong = story.add(bob, mallory, { readmits: [before[0] ?? ""] });
    expect(story.verdict(wrong)).toBe("unknown-removal");
  });
});

describe("the log as a whole", () => {
  test("that was cut in the middle says so, and what hangs on it does not count", () => {
    const { story, before, removal } = after();
    const cut = story.fold({ ids: [...before.slice(0, 2), ...before.slice(3), removal] });
    expect(cut.missing).toEqual([before[2]]);
    expect(story.verdict(removal, cut)).toBe("missing-parent");
  });

  test("is not said to be cut because an outsider names what is not there", () => {
    const its = after();
    const hole = its.story.add(mallory, sock, {}, ["ee".repeat(32)]);
    const membership = its.story.fold({ history: [...its.looks, [hole]] });
    expect(membership.missing).toEqual([]);
    expect(its.story.verdict(hole, membership)).toBe("missing-parent");
  });

  test("that lacks its end is known to those who saw it", () => {
    const { story, before, removal, looks } = after();
    expect(story.fold({ ids: before, remembered: looks }).lost).toEqual([removal]);
    expect(story.fold({ ids: before }).lost).toEqual([]);
  });

  test("has one root: a second one is another log, and is told", () => {
    const { story, looks } = after();
    const evil = new Story(mallory);
    const other = evil.start(["default"]);
    const log = { ...story.log(), entries: new Map([...story.log().entries, ...evil.log().entries]) };
    const both = { ...log, signed: new Set(log.entries.keys()) };
    expect(foldBoth(both, { history: [...looks, [other]] })).toMatchObject({
      root: story.root,
      roots: [story.root, other].toSorted(),
    });
    expect(foldBoth(both, { root: story.root })).toMatchObject({ root: story.root });
    // Nobody knows which was first: nothing counts until somebody says so.
    expect(foldBoth(both, {})).toMatchObject({ root: null, members: [], keyNames: [], heads: [] });
    expect(foldBoth(both, { root: "ab".repeat(32) })).toMatchObject({ root: null, members: [] });
  });

  test("does not take entries of another log, nor those that hang on one", () => {
    const { story, before } = team();
    const evil = new Story(alice);
    const start = evil.start(["default"], "1".repeat(32));
    const replayed = evil.add(alice, mallory);
    const entries = new Map([...story.log().entries, ...evil.log().entries]);
    const membership = foldBoth({ ...story.log(), entries, signed: new Set(entries.keys()) }, { root: story.root });
    expect([start, replayed].map((id) => story.verdict(id, membership))).toEqual(["other-root", "other-root"]);
    expect(membership.heads).toEqual(before.slice(-1));
  });

  test("does not take what nobody signed, even where somebody builds on it", () => {
    const { story } = team();
    // Alice never signed it; Bob is deceived, or helps.
    const forged = story.add(alice, sock);
    const built = story.write(bob, { kind: "generation", generations: story.generations(["default"], bob, null, []) }, [
      forged,
    ]);
    const log = story.log();
    const signed = new Set([...log.signed].filter((id) => id !== forged));
    const membership = foldBoth({ ...log, signed, forged: new Set([forged]) }, {});
    expect([forged, built].map((id) => story.verdict(id, membership))).toEqual(["bad-signature", "counts"]);
    expect(namesOf(membership)).not.toContain("mallory's sock*");
  });

  test("is the same whether an entry is there once or again", () => {
    const { story } = after();
    expect(story.fold({ ids: [...story.ids, ...story.ids] })).toEqual(story.fold());
  });

  test("an entry slipped into the middle is no part of what others signed", () => {
    const { story, before, removal } = after();
    const slipped = story.add(mallory, sock, {}, [before[1] ?? "", before[2] ?? ""].toSorted());
    const history = [
      ...before.slice(0, 3).map((id) => [id]),
      [slipped],
      ...before.slice(3).map((id) => [id]),
      [removal],
    ];
    expect(story.verdict(slipped, story.fold({ history }))).toBe("stranger");
    const byMember = story.add(mallory, sock, {}, before.slice(-1));
    const arrived = [...before.map((id) => [id]), [byMember], [removal]];
    expect(story.verdict(byMember, story.fold({ history: arrived }))).toBe("author-removed");
  });
});

describe("keys", () => {
  test("two rotations at once: two heads, which a generation on both ends", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const both = [story.rotate(alice, "default", tip), story.rotate(bob, "default", tip)];
    const merged = story.fold({ history: [before, [both[1] ?? ""], [both[0] ?? ""]] });
    expect(merged.keyNames[0]).toMatchObject({ state: "two-heads", current: { entry: both[1] } });
    const end = story.rotate(carol, "default", both.toSorted());
    expect(story.fold().keyNames[0]).toMatchObject({
      state: "settled",
      current: { entry: end },
      heads: [{ entry: end }],
    });
  });

  test("a removal without a rotation leaves the key stale, of the names that were open alone", () => {
    const { story } = team();
    const reader = person("reader");
    story.add(alice, reader, { role: "reader", opens: ["prod"] });
    const removal = story.remove(alice, reader);
    expect(story.fold().keyNames.map(({ name, state, staleBy }) => ({ name, state, staleBy }))).toEqual([
      { name: "default", state: "settled", staleBy: [] },
      { name: "prod", state: "stale", staleBy: [removal] },
    ]);
    const rotation = story.rotate(bob, "prod");
    expect(story.fold().keyNames[1]).toMatchObject({ state: "settled", current: { entry: rotation } });
  });

  test("a name that is taken from a member leaves that key stale", () => {
    const { story, addMallory } = team();
    story.give(alice, addMallory, { opens: ["prod"] });
    story.take(alice, addMallory, { opens: ["prod"] });
    expect(memberWith(story.fold(), mallory.key.id)?.opens).toEqual(["default"]);
    expect(story.fold().keyNames.map(({ state }) => state)).toEqual(["settled", "stale"]);
  });

  test("an old key that is named again stays as stale as it was", () => {
    const { story } = after();
    const [start] = story.ids;
    const { action } = story.entry(start ?? "");
    if (action.kind !== "start") throw new Error("no start");
    const [made] = story.generations(["default"], alice, null, []);
    const [old] = action.generations;
    if (made === undefined || old === undefined) throw new Error("no generation");
    const generations = [{ ...made, commitment: old.commitment }];
    story.write(alice, { kind: "generation", generations });
    expect(story.fold().keyNames[0]).toMatchObject({ state: "stale" });
  });

  test("a generation of anyone who is removed meanwhile does not count, unless it had arrived before", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const theirs = story.rotate(mallory, "default", tip);
    const removal = story.remove(alice, mallory, tip, ["default"]);
    for (const history of [[before, [removal], [theirs]], [before, [removal, theirs]], []]) {
      expect(story.verdict(theirs, story.fold({ history }))).toBe("author-removed");
    }
    // What was encrypted with it meanwhile can be opened, and nothing more is.
    const membership = story.fold({ history: [before, [theirs], [removal]] });
    expect(membership.keyNames[0]).toMatchObject({ state: "settled", current: { entry: removal } });
    expect(membership.keyNames[0]?.generations.map(({ entry }) => entry)).toContain(theirs);
  });

  test("a key that was made for others than the reader knows as members is stale", () => {
    const { story } = team();
    const generations = [{ keyName: "default", commitment: commitmentNamed("x"), audience: commitmentNamed("others") }];
    const rotation = story.write(alice, { kind: "generation", generations });
    expect(story.fold().keyNames[0]).toMatchObject({ state: "stale", staleBy: [rotation] });
  });

  test("what an admin gave to whom it turned out to be nobody's to give leaves the key stale", () => {
    const { story, before } = team();
    const tip = before.slice(-1);
    const added = story.add(mallory, sock, {}, tip);
    const given = story.give(carol, added, { opens: ["prod"] }, [added]);
    const removal = story.remove(alice, mallory, tip, ["default"]);
    const membership = story.fold();
    expect([added, given].map((id) => story.verdict(id, membership))).toEqual(["author-removed", "no-such-member"]);
    expect(membership.keyNames.map(({ name, state }) => [name, state])).toEqual([
      ["default", "stale"],
      ["prod", "stale"],
    ]);
    story.rotate(alice, "default");
    story.rotate(alice, "prod");
    expect(story.fold().keyNames.map(({ state }) => state)).toEqual(["settled", "settled"]);
    expect(story.verdict(removal)).toBe("counts");
  });
});

describe("admins without a key to sign", () => {
  test("are none: neither made, nor left", () => {
    const story = new Story(alice);
    story.start();
    const age = readMemberKey("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p");
    const ci = story.write(alice, {
      kind: "add",
      account: null,
      keys: [age],
      role: "reader",
      opens: ["default"],
      label: "ci",
      readmits: [],
    });
    expect(story.verdict(story.give(alice, ci, { role: "admin" }))).toBe("cannot-sign");
    const both = story.add(alice, bob);
    story.give(alice, both, { keys: [readMemberKey(`openpgp ${"CD".repeat(20)}`)] });
    story.take(alice, both, { keys: [bob.key.id] });
    expect(namesOf(story.fold())).toEqual(["alice*", "bob", "ci"]);
  });

  test("a member of keys alone is found by their key, and removed by it", () => {
    const story = new Story(alice);
    story.start();
    const file = stranger("file:laptop");
    story.add(alice, file, { role: "reader" });
    story.remove(alice, file);
    expect(namesOf(story.fold())).toEqual(["alice*"]);
  });
});
