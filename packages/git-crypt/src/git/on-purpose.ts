import { linesWith } from "./attribute-lines.ts";
import { attributesFilesIn, type AttributeState, foldersOf, readPresent } from "./attribute-states.ts";
import type { CommonPlace } from "./git.ts";
import { filtersIn } from "./once-protected.ts";
import { attributesOf, listIndex } from "./protected-files.ts";

/**
 * The attribute by which somebody says that a path is not protected on purpose, with the value
 * `unprotected`: it is then no finding that it holds plaintext where it held ciphertext, or
 * ciphertext that no key of the repository is for.
 */
const PURPOSE = "git-vault";
const VALUE = "unprotected";

/**
 * Those of `names` that the work tree's or the index's attributes leave unprotected on purpose. Who
 * reviews a change is to see it, so that only a line which says so itself counts, and only in a
 * file that is tracked: no macro, and nothing in `.git/info/attributes`.
 */
export function unprotectedOnPurpose(place: CommonPlace, names: readonly string[]): Set<string> {
  const values = (["work tree", "index"] as const).map((from) => attributesOf(place, names, [PURPOSE], from));
  const said = names.filter((_, at) => values.some((all) => all[at]?.[0] === VALUE));
  if (said.length === 0) return new Set();
  const index = listIndex(place, ...attributesFilesIn(foldersOf(said)));
  const { used, staged } = readPresent(place, index, said);
  const tracked = new Set(staged.map(({ name }) => name));
  const states = [used.filter(({ name }) => tracked.has(name)), staged].map(
    (all): AttributeState => new Map(all.map(({ name, text }) => [name, linesWith(text, PURPOSE)])),
  );
  const found = filtersIn(place, states, said);
  return new Set(said.filter((_, at) => found.some((filters) => filters[at] === VALUE)));
}
