import { type AttributeState, type PresentAttributes, presentStates } from "../git/attribute-states.ts";
import type { CommonPlace } from "../git/git.ts";
import { filtersIn } from "../git/once-protected.ts";
import { type IndexEntry, keyNameOf } from "../git/protected-files.ts";

/** Names that a pattern for all that is in a folder fits. */
const ANYTHING = ["git-vault", "git-vault/git-vault"];

const EXCEPTED = "excepted";

const isOurs = (filter: string | null | undefined): boolean => keyNameOf(filter ?? "") !== null;

/** What lines except from being filtered, as if that were a filter. */
const exceptionsOf = (state: AttributeState): AttributeState =>
  new Map(
    [...state].map(([name, lines]) => [
      name,
      lines.flatMap(({ pattern, filters }) => (filters.at(-1) === null ? [{ pattern, filters: [EXCEPTED] }] : [])),
    ]),
  );

/** The patterns that protect, from the top folder. */
const protectedPatterns = (state: AttributeState): string[] =>
  [...state].flatMap(([name, lines]) => {
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    return lines.flatMap(({ pattern, filters }) =>
      isOurs(filters.at(-1)) ? folder + pattern.replace(/^"?\/?/, "") : [],
    );
  });

/**
 * The links and submodules in whose place attributes protect a folder, or one below: git looks into
 * neither, so that what lies there is stored as it is.
 *
 * @param linked entries that no attribute protects themselves
 */
export function inPlaceOfFolders(
  place: CommonPlace,
  linked: readonly IndexEntry[],
  attributes: PresentAttributes,
): IndexEntry[] {
  if (linked.length === 0) return [];
  const [state] = presentStates(place, attributes);
  if (state === undefined) return [];
  const names = linked.flatMap(({ name }) => [name, ...ANYTHING.map((inside) => `${name}/${inside}`)]);
  const [filters = [], exceptions = []] = filtersIn(place, [state, exceptionsOf(state)], names);
  const patterns = protectedPatterns(state);
  return linked.filter(({ name }, at) => {
    const first = at * (1 + ANYTHING.length);
    const isInside = ANYTHING.some((_, more) => isOurs(filters[first + 1 + more]));
    const isNamed = patterns.some((pattern) => pattern.startsWith(`${name}/`));
    return (isInside || isNamed) && exceptions[first] !== EXCEPTED;
  });
}
