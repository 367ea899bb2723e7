import { isDeepStrictEqual } from "node:util";
import type { ManifestMask } from "../secrets/mask-manifests.ts";
import type { ReleaseContent } from "../cluster/helm-releases.ts";
import { type Manifest, readManifests } from "../helm/manifests.ts";
import { remember } from "../remember.ts";
import { identityOf, likelyTwin, type Twin, twinAt, Twins } from "../secrets/twins.ts";
import type { Value } from "../values/value.ts";

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
}

interface Documents {
  readonly texts: ReadonlySet<string>;
  readonly hook: boolean;
}

interface Found {
  readonly manifest: Manifest;
  readonly hook: boolean;
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
  for (const { manifest } of [...oldObjects.found, ...freshObjects.found]) mask.add(manifest.object);
  const twins = new TwinFinder(freshObjects.found, others);
  const byKey = new Map(oldObjects.found.map((found) => [keyOf(found), found]));
  const changes: Change[] = [];
  let reformatted = 0;
  for (const found of freshObjects.found) {
    const known = byKey.get(keyOf(found));
    byKey.delete(keyOf(found));
    if (known !== undefined && isDeepStrictEqual(known.manifest.object, found.manifest.object)) reformatted += 1;
    else changes.push(await changeOf(known, found, mask, twins));
  }
  for (const gone of byKey.values()) changes.push(await changeOf(gone, undefined, mask, twins));
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

const parsed = ({ manifest, hooks }: ReleaseContent, hook: boolean): Manifest[] =>
  readManifests(hook ? hooks : manifest);

/** Finds, for objects of what runs and of what is to run, what tells which of it may be shown. */
class TwinFinder {
  readonly #others: OtherRenderings;
  readonly #fresh: readonly Found[];
  /** Each reads a whole rendering: they are made once something is to be shown. */
  readonly #after = new Map<boolean, Twins>();
  readonly #like = new Map<boolean, { readonly own: Map<string, Manifest>; readonly twins: Twins }[]>();

  constructor(fresh: readonly Found[], others: OtherRenderings) {
    this.#fresh = fresh;
    this.#others = others;
  }

  ofNew({ manifest, hook }: Found): Twin {
    const { after } = this.#others;
    if (typeof after === "string") return after;
    const own = this.#fresh.filter((found) => found.hook === hook).map((found) => found.manifest);
    return remember(this.#after, hook, () => new Twins(parsed(after, hook), own)).of(manifest);
  }

  ofOld(old: Found, after: Found | undefined, afterTwin: Twin): Twin {
    const key = identityOf(old.manifest);
    const like = this.#pairs(old.hook).flatMap(({ own, twins }) => {
      const manifest = own.get(key);
      return manifest === undefined ? [] : [[manifest.object, twins.of(manifest)] as const];
    });
    return likelyTwin(old.manifest.object, [...like, [after?.manifest.object, afterTwin]]);
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

async function changeOf(
  before: Found | undefined,
  after: Found | undefined,
  mask: ManifestMask,
  twins: TwinFinder,
): Promise<Change> {
  const shown = after ?? before;
  if (shown === undefined) throw new Error("expected an object before or after");
  const afterTwin = after === undefined ? "none" : twins.ofNew(after);
  const [old, fresh] = await Promise.all([
    before === undefined ? "" : textOf(before.manifest.object, mask, twins.ofOld(before, after, afterTwin)),
    after === undefined ? "" : textOf(after.manifest.object, mask, afterTwin),
  ]);
  // What is gone is told by its name, unless that is known as a secret.
  const metadata = after === undefined ? "same" : twinAt(afterTwin, "metadata");
  const nameOf = (field: "name" | "namespace", text: string): string =>
    mask.maskName(text, typeof metadata === "string" ? metadata : twinAt(metadata, field));
  return {
    action: before === undefined ? "add" : after === undefined ? "remove" : "change",
    apiVersion: shown.manifest.apiVersion,
    kind: shown.manifest.kind,
    namespace: shown.manifest.namespace === null ? null : nameOf("namespace", shown.manifest.namespace),
    name: nameOf("name", shown.manifest.name),
    hook: shown.hook,
    diff: await diffOf(old, fresh),
  };
}

async function textOf(object: Value, mask: ManifestMask, twin: Twin): Promise<string> {
  const { stringify } = await import("yaml");
  const options = { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false } as const;
  return stringify(mask.mask(object, twin), options);
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
