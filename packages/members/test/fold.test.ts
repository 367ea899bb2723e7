import { describe, expect, test } from "vitest";
import { memberWith } from "../src/index.ts";
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
  test("whoever starts a log is its first admin", () => {
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
