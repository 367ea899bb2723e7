import { isDeepStrictEqual } from "node:util";
import type { ManifestMask } from "../secrets/mask-manifests.ts";
import type { ReleaseContent } from "../cluster/helm-record.ts";
import { isOfKubernetes } from "../helm/api-versions.ts";
import { type Manifest, readManifests } from "../helm/manifests.ts";
import { remember } from "../remember.ts";
import { identityOf, likelyTwin, type Twin, twinAt, Twins } from "../secrets/twins.ts";

/** What an upgrade does to an object. It holds no secret. */
export interface Change {
  readonly action: "add" | "change" | "remove";
  readonly apiVersion: string;
  readonly kind: string;
  /** Null where the object has none: it is the release's, or the kind has none. */
  readonly namespace: string | null;
  readonly name: string;
  /** Whether it is a hook: Helm makes those at their time, and keeps them out of the release. */
  readonly hook: boolean;
  /** The lines of a unified diff of the YAML, with [secret …] for what is secret. */
  readonly diff: string;
}

/** Other renderings, which differ in secrets alone, and by which it is told what may be shown. */
export interface OtherRenderings {
  /** Of what is to run: `same` where it depends on no secret, `none` where there is no other. */
  readonly after: ReleaseContent | "same" | "none";
  /** Pairs of renderings that may be like what runs. */
  readonly like: readonly (readonly [like: ReleaseContent, other: ReleaseContent])[];
  /** Gives the other rendering of just what runs, where something of it is gone; null for none. */
  readonly recorded?: () => Promise<ReleaseContent | null>;
}

interface Documents {
  readonly texts: ReadonlySet<string>;
  readonly hook: boolean;
}

interface Found {
  readonly manifest: Manifest;
  readonly hook: boolean;
}

/** With what tells which of it may be shown. */
interface Twinned extends Found {
  readonly twin: Twin;
  /** Whether its kind may be: one that a chart made of a secret is in no other rendering. */
  readonly tellsKind: boolean;
}

/** An object of what runs, and the same of what is to run; one of them, at least. */
interface Pair {
  readonly before: Twinned | undefined;
  readonly after: Twinned | undefined;
}

/** Lines of context around a change. */
const CONTEXT = 3;
/** Texts that differ in more lines are shown one after the other. */
const MOST_EDITS = 4000;

/**
 * Compares what a cluster runs with what it is to run, object by object.
 *
 * @param before null for what is not there yet
 */
export async function compareReleases(
  before: ReleaseContent | null,
  after: ReleaseContent,
  mask: ManifestMask,
  others: OtherRenderings = { after: "same", like: [] },
): Promise<{ readonly changes: Change[]; readonly unchanged: number }> {
  const old = before === null ? [] : documentsOf(before);
  const fresh = documentsOf(after);
  const oldObjects = changedObjects(old, fresh);
  const freshObjects = changedObjects(fresh, old);
  const same = fresh.reduce((count, { texts }) => count + texts.size, 0) - freshObjects.documents;
  const twins = new TwinFinder(freshObjects.found, others);
  const byKey = new Map(oldObjects.found.map((found) => [keyOf(found), found]));
  const pairs: Pair[] = [];
  let reformatted = 0;
  for (const found of freshObjects.found) {
    const known = byKey.get(keyOf(found));
    byKey.delete(keyOf(found));
    if (known !== undefined && isDeepStrictEqual(known.manifest.object, found.manifest.object)) reformatted += 1;
    else pairs.push(twins.pairOf(known, found));
  }
  const recorded = before === null || byKey.size === 0 ? null : await others.recorded?.();
  // Nothing of what is to run is like what is gone.
  const gone = before && recorded ? new TwinFinder([], { after: "none", like: [[before, recorded]] }) : twins;
  for (const found of byKey.values()) pairs.push(gone.pairOf(found, undefined));
  // What Secrets hold is known before anything is shown.
  for (const side of pairs.flatMap((pair) => [pair.before, pair.after]))
    if (side !== undefined) mask.add(side.manifest.object, side.twin);
  const changes: Change[] = [];
  for (const pair of pairs) changes.push(await changeOf(pair, mask));
  return { changes, unchanged: same + reformatted };
}

/** The documents of YAML that hold something, each once. */
const documentsIn = (text: string): Set<string> =>
  new Set(
    text
      .split(/^---(?:[ \t].*)?$/m)
      .map((document) => document.trim())
      .filter((document) => /^[^#\s]/m.test(document)),
  );

const documentsOf = ({ manifest, hooks }: ReleaseContent): Documents[] => [
  { texts: documentsIn(manifest), hook: false },
  { texts: documentsIn(hooks), hook: true },
];

/** The objects that the other text lacks word for word: only these must be parsed. */
function changedObjects(
  those: readonly Documents[],
  others: readonly Documents[],
): { found: Found[]; documents: number } {
  let documents = 0;
  const found = those.flatMap(({ texts, hook }, at) => {
    const changed = [...texts].filter((text) => others[at]?.texts.has(text) !== true);
    documents += changed.length;
    return readManifests(changed.join("\n---\n")).map((manifest) => ({ manifest, hook }));
  });
  return { found, documents };
}

/** Objects are the same by kind and name, whatever the version of their API. */
const keyOf = ({ manifest, hook }: Found): string => `${identityOf(manifest)} ${hook}`;

const kindOf = ({ apiVersion, kind }: Manifest): string => `${apiVersion} ${kind}`;

const parsed = ({ manifest, hooks }: ReleaseContent, hook: boolean): Manifest[] =>
  readManifests(hook ? hooks : manifest);

/** Finds, for objects of what runs and of what is to run, what tells which of it may be shown. */
class TwinFinder {
  readonly #others: OtherRenderings;
  readonly #fresh: readonly Found[];
  /** Those of the other rendering. */
  #kinds: ReadonlySet<string> | undefined;
  /** Each reads a whole rendering: they are made once something is to be shown. */
  readonly #after = new Map<boolean, Twins>();
  readonly #like = new Map<boolean, { readonly own: Map<string, Manifest>; readonly twins: Twins }[]>();

  constructor(fresh: readonly Found[], others: OtherRenderings) {
    this.#fresh = fresh;
    this.#others = others;
  }

  /** Each object is to be asked for once. */
  pairOf(before: Found | undefined, after: Found | undefined): Pair {
    const fresh =
      after === undefined ? undefined : { ...after, twin: this.#ofNew(after), tellsKind: this.#tellsKind(after) };
    // What runs is of a kind that its cluster has.
    const old = before === undefined ? undefined : { ...before, twin: this.#ofOld(before, fresh), tellsKind: true };
    return { before: old, after: fresh };
  }

  #tellsKind({ manifest }: Found): boolean {
    const { after } = this.#others;
    if (after === "same" || isOfKubernetes(manifest)) return true;
    if (after === "none") return false;
    this.#kinds ??= new Set([false, true].flatMap((hook) => parsed(after, hook).map(kindOf)));
    return this.#kinds.has(kindOf(manifest));
  }

  #ofNew({ manifest, hook }: Found): Twin {
    const { after } = this.#others;
    if (typeof after === "string") return after;
    const own = this.#fresh.filter((found) => found.hook === hook).map((found) => found.manifest);
    return remember(this.#after, hook, () => new Twins(parsed(after, hook), own)).of(manifest);
  }

  #ofOld(old: Found, after: Twinned | undefined): Twin {
    const key = identityOf(old.manifest);
    const like = this.#pairs(old.hook).flatMap(({ own, twins }) => {
      const manifest = own.get(key);
      return manifest === undefined ? [] : [[manifest.object, twins.of(manifest)] as const];
    });
    return likelyTwin(old.manifest.object, [...like, [after?.manifest.object, after?.twin ?? "none"]]);
  }

  #pairs(hook: boolean): { readonly own: Map<string, Manifest>; readonly twins: Twins }[] {
    return remember(this.#like, hook, () =>
      this.#others.like.map(([like, other]) => {
        const own = parsed(like, hook);
        return {
          own: new Map(own.map((manifest) => [identityOf(manifest), manifest])),
          twins: new Twins(parsed(other, hook), own),
        };
      }),
    );
  }
}

async function changeOf({ before, after }: Pair, mask: ManifestMask): Promise<Change> {
  const shown = after ?? before;
  if (shown === undefined) throw new Error("expected an object before or after");
  const [old, fresh] = await Promise.all([textOf(before, mask), textOf(after, mask)]);
  const metadata = twinAt((after ?? before)?.twin ?? "same", "metadata");
  const nameOf = (field: "name" | "namespace", text: string): string => {
    const twin = typeof metadata === "string" ? metadata : twinAt(metadata, field);
    const isKnown = after !== undefined || (twin !== "none" && twin !== "same" && twin.value === text);
    // What is gone is told by its name, unless that is known as a secret.
    return mask.maskName(text, isKnown ? twin : "same");
  };
  // What the other rendering has as well depends on no secret.
  const typeTold = (field: "apiVersion" | "kind", text: string): string => {
    const twin = twinAt(shown.twin, field);
    const isKnown = typeof twin !== "string" && twin.value === text;
    return mask.maskName(text, isKnown ? twin : shown.tellsKind ? "same" : "none");
  };
  return {
    action: before === undefined ? "add" : after === undefined ? "remove" : "change",
    apiVersion: typeTold("apiVersion", shown.manifest.apiVersion),
    kind: typeTold("kind", shown.manifest.kind),
    namespace: shown.manifest.namespace === null ? null : nameOf("namespace", shown.manifest.namespace),
    name: nameOf("name", shown.manifest.name),
    hook: shown.hook,
    diff: await diffOf(old, fresh),
  };
}

async function textOf(found: Twinned | undefined, mask: ManifestMask): Promise<string> {
  if (found === undefined) return "";
  const { stringify } = await import("yaml");
  const options = { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false } as const;
  return stringify(mask.mask(found.manifest.object, found.twin), options);
}

async function diffOf(before: string, after: string): Promise<string> {
  const { structuredPatch } = await import("diff");
  const patch = structuredPatch("", "", before, after, "", "", { context: CONTEXT, maxEditLength: MOST_EDITS });
  if (patch === undefined) return [...linesOf("-", before), ...linesOf("+", after)].join("\n");
  return patch.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines].join("\n"),
    )
    .join("\n");
}

const linesOf = (sign: string, text: string): string[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => sign + line);
