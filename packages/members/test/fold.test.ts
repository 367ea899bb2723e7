import { describe, expect, test } from "vitest";
import { memberWith, openDisputes, type FoldOptions } from "../src/index.ts";
import { keyNamed, namesOf, person, stranger, Story } from "./story.ts";

const alice = person("alice");
const bob = person("bob");
const carol = person("carol");
const mallory = person("mallory");

/** Alice, Bob and Carol, all admins. */
const team = (): { story: Story; start: string; addBob: string; addCarol: string } => {
  const story = new Story(alice);
  const start = story.start();
  const addBob = story.add(alice, bob);
  const addCarol = story.add(bob, carol);
  return { story, start, addBob, addCarol };
};

describe("who may", () => {
  test("the one who starts a log is its first admin", () => {
    const story = new Story(alice);
    const start = story.start();
    const membership = story.fold();
    expect(membership).toMatchObject({
      root: start,
      roots: [start],
      heads: [start],
      missing: [],
      lost: [],
      removed: [],
    });
    expect(membership.members).toEqual([
      {
        records: [start],
        accounts: [alice.account],
        keys: [alice.key],
        role: "admin",
        opens: ["default"],
        label: "alice",
      },
    ]);
    expect(membership.keyNames).toMatchObject([{ name: "default", state: "settled", current: { entry: start } }]);
  });

  test("an admin adds, and those who were added add others", () => {
    const { story } = team();
    expect(namesOf(story.fold())).toEqual(["alice*", "bob*", "carol*"]);
  });

  test("an outsider and a reader change nothing", () => {
    const { story } = team();
    const reader = person("reader");
    story.add(alice, reader, { role: "reader" });
    const before = story.fold();
    const tries = [
      story.add(mallory, mallory),
      story.remove(mallory, alice),
      story.rotate(mallory),
      story.add(reader, mallory),
      story.rotate(reader),
      story.remove(reader, alice),
    ];
    const after = story.fold();
    expect(tries.map((id) => story.verdict(id))).toEqual([...Array(3).fill("stranger"), ...Array(3).fill("reader")]);
    expect({ ...after, verdicts: null }).toEqual({ ...before, verdicts: null });
  });

  test("a removed member is out with account and key, and what they write then does not count", () => {
    const { story } = team();
    const removal = story.remove(alice, bob);
    expect(namesOf(story.fold())).toEqual(["alice*", "carol*"]);
    expect(story.fold().removed).toEqual(
      [bob.account ?? "", bob.key.id].toSorted().map((identifier) => ({ identifier, by: [removal] })),
    );
    expect(story.verdict(story.add(bob, mallory))).toBe("author-removed");
  });
});

describe("removal wins", () => {
  test("what was given without knowing of its author's removal is undone, whenever it arrived", () => {
    const { story, addBob, addCarol } = team();
    const added = story.add(bob, mallory, {}, [addCarol]);
    const removal = story.remove(alice, bob, [addCarol]);
    for (const history of [[], [[added], [removal]], [[removal], [added]]]) {
      const looks = history.length === 0 ? [] : [[story.root, addBob, addCarol], ...history];
      const membership = story.fold({ history: looks });
      expect(story.verdict(added, membership)).toBe("author-removed");
      expect(namesOf(membership)).toEqual(["alice*", "carol*"]);
    }
  });

  test("of two who remove each other the one whose removal arrived first stays", () => {
    const { story, addBob, addCarol } = team();
    const one = story.remove(alice, bob, [addCarol]);
    const two = story.remove(bob, alice, [addCarol]);
    const before = [[story.root, addBob, addCarol]];
    expect(namesOf(story.fold({ history: [...before, [one], [two]] }))).toEqual(["alice*", "carol*"]);
    expect(namesOf(story.fold({ history: [...before, [two], [one]] }))).toEqual(["bob*", "carol*"]);
    expect(namesOf(story.fold())).toEqual(["alice*", "carol*"]);
  });
});

describe("what a clone saw at once", () => {
  const twoRemovals = (): { story: Story; one: string; two: string; before: string[] } => {
    const { story, addBob, addCarol } = team();
    const one = story.remove(alice, bob, [addCarol]);
    const two = story.remove(bob, alice, [addCarol]);
    return { story, one, two, before: [story.root, addBob, addCarol] };
  };

  test("came in the order of the history, and what it saw before that came before", () => {
    const { story, one, two, before } = twoRemovals();
    const history = [before, [two], [one]];
    for (const remembered of [[], [[...before, one, two]], [before, [one, two]]]) {
      expect(namesOf(story.fold({ remembered, history }))).toEqual(["bob*", "carol*"]);
    }
    expect(namesOf(story.fold({ remembered: [[...before, one], [two]], history }))).toEqual(["alice*", "carol*"]);
  });

  test("is open where no history tells, and who is a member depends on it", () => {
    const { story, one, two, before } = twoRemovals();
    const all = [...before, one, two];
    const open = (options: FoldOptions, unordered: readonly string[] = all): unknown =>
      openDisputes(story.log(), options, story.fold(options), { unordered: new Set(unordered), isBefore: () => false });
    for (const options of [{ history: [all] }, { remembered: [all] }, {}]) {
      expect(open(options)).toEqual([{ stands: one, fails: two, witnessed: null, needsHistory: true }]);
    }
    expect(open({ history: [all] }, before)).toEqual([]);
    expect(open({ remembered: [[...before, two]], history: [all] })).toEqual([]);
    expect(open({ history: [before, [two], [one]] })).toEqual([]);
  });

  test("is settled where it does not matter who came first", () => {
    const { story, addBob, addCarol } = team();
    const late = story.remove(bob, mallory, [addCarol]);
    const removal = story.remove(alice, bob, [addCarol]);
    const all = [story.root, addBob, addCarol, late, removal];
    // Nobody is called so: it removes nobody, whether it counts or not.
    expect(story.verdict(late)).toBe("author-removed");
    const openAt = (ids: readonly string[]): unknown => {
      const options = { history: [ids] };
      return openDisputes(story.log(), options, story.fold(options), {
        unordered: new Set(ids),
        isBefore: () => false,
      });
    };
    expect(openAt(all)).toEqual([]);
    const other = story.remove(bob, carol, [addCarol]);
    const more = [...all, other];
    expect(openAt(more)).toEqual([{ stands: removal, fails: other, witnessed: null, needsHistory: true }]);
    const again = story.remove(alice, carol);
    const most = [...more, again];
    expect(openAt(most)).toEqual([]);
  });
});

describe("one person", () => {
  test("a laptop is changed, also by whom nothing but keys is known", () => {
    const story = new Story(stranger("alice"));
    const start = story.start();
    const laptop = keyNamed("alice's new laptop");
    story.give(story.founder, start, { keys: [laptop] });
    story.take(laptop, start, { keys: [story.founder.key.id] });
    const membership = story.fold();
    expect(membership.members).toMatchObject([{ keys: [laptop], role: "admin", label: "alice" }]);
    expect(story.verdict(story.add(story.founder, bob))).toBe("author-removed");
    const added = story.write(laptop, {
      kind: "add",
      account: bob.account,
      keys: [bob.key],
      role: "admin",
      opens: [],
      label: "bob",
      readmits: [],
    });
    expect(story.verdict(added)).toBe("counts");
    expect(memberWith(story.fold(), story.founder.key.id)).toBeNull();
  });
});
