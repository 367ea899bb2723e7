import type { Finding, FindingPlace } from "./finding.ts";

/** One finding, and all of it that came. */
interface Same {
  readonly first: Finding;
  readonly all: Finding[];
}

/** The name of the main release of each environment: it has another in each, and is the same. */
type MainReleases = ReadonlyMap<string, string>;

/**
 * Findings of which each is told once: the same one of several environments names them all in a
 * list, and where it stands in each of them. In the order in which the first of each came.
 */
export function withSameOnce(findings: Iterable<Finding>, mains: MainReleases): Finding[] {
  const known = new Map<string, Same>();
  for (const finding of findings) {
    const key = keyOf(finding, mains);
    const same = known.get(key) ?? { first: finding, all: [] };
    known.set(key, same);
    same.all.push(finding);
  }
  return [...known.values()].map((same) => told(same, mains));
}

/** The names of the environments that a finding is about; none where it is about none alone. */
export const environmentsOf = ({ environment, environments }: Finding): readonly string[] =>
  environments ?? (environment === undefined ? [] : [environment]);

const releaseOf = ({ release, environment = "" }: Finding, mains: MainReleases): string | undefined =>
  release === mains.get(environment) ? undefined : release;

/** What stands at another place is another finding, but where its message tells all of it. */
function keyOf(finding: Finding, mains: MainReleases): string {
  const { id, severity, message, messageOfSeveral, hint, file, line, column, subject } = finding;
  const isOfAny = environmentsOf(finding).length > 0;
  const what = isOfAny && messageOfSeveral !== undefined ? [messageOfSeveral] : [message, file, line, column];
  return JSON.stringify([
    id,
    severity,
    what,
    hint,
    subject,
    isOfAny,
    isOfAny ? releaseOf(finding, mains) : finding.release,
  ]);
}

function told({ first, all }: Same, mains: MainReleases): Finding {
  const { messageOfSeveral, ...alone } = first;
  const environments = [...new Set(all.flatMap(environmentsOf))];
  if (all.length === 1 || environments.length === 0) return alone;
  const places = placesOf(all);
  const { environment: _, environments: __, release: ___, ...rest } = alone;
  const release = environments.length > 1 ? releaseOf(first, mains) : first.release;
  return {
    ...rest,
    ...(environments.length > 1
      ? { message: messageOfSeveral ?? rest.message, environments }
      : { environment: first.environment }),
    ...(release === undefined ? {} : { release }),
    ...(places.length > 1 ? { places } : {}),
  };
}

/** Each place once, with an environment that it is of. */
function placesOf(findings: readonly Finding[]): FindingPlace[] {
  const places = new Map<string, FindingPlace>();
  for (const { file, line, column, environment } of findings) {
    const key = JSON.stringify([file, line, column]);
    if (file === undefined || places.has(key)) continue;
    places.set(key, {
      file,
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      environment,
    });
  }
  return [...places.values()];
}
