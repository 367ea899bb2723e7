import { isOfKubernetes } from "../helm/api-versions.ts";
import type { Manifest } from "../helm/manifests.ts";
import { clusterWideKindsIn, inNamespace, textInNamespace } from "../helm/namespaces.ts";
import { type Environment, type Release, releaseIn } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { ManifestMask } from "../secrets/mask-manifests.ts";
import { NO_TWIN, Twins } from "../secrets/twins.ts";
import { Redactor } from "../secrets/redactor.ts";
import { otherRendering } from "./rehearsal.ts";
import { isMap, type Value, type ValueMap } from "../values/value.ts";

/** How {@link template} shows what would be applied. */
export interface TemplateOptions {
  /** Only that release, by its key in the settings or its name; all where left out. */
  readonly release?: string | undefined;
  /** Shows secrets as they are: anyone who reads it must be allowed to have them. */
  readonly withSecrets?: boolean;
  /** Leaves out what is encrypted where there is no key, instead of refusing. */
  readonly withoutSecrets?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What would be applied for a release. */
export interface TemplatedRelease {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  /** Layers and files of the chart that were left out, since no key here opens them. */
  readonly leftOut: readonly string[];
  readonly objects: readonly TemplatedObject[];
}

/** An object that would be applied. */
export interface TemplatedObject {
  /** The template that it comes from; null where what it shows of secrets is hidden with it. */
  readonly source: string | null;
  /**
   * Its text as Helm renders it, with the release's namespace where it names none, if secrets are
   * shown; null where they are hidden, or the namespace cannot be put into the text.
   */
  readonly text: string | null;
  /** In the release's namespace where it names none. Secrets are hidden unless asked for. */
  readonly object: Value;
}

/**
 * What would be applied to an environment, as Helm renders it without a cluster, in the order of
 * its releases. Whatever depends on a secret is hidden, as in a plan, unless it is asked for.
 *
 * @throws DeployError NO_SUCH_RELEASE for a release that the environment does not have; what
 * rendering a release throws
 */
export async function template(
  project: Project,
  environment: Environment,
  { release: only, withSecrets = false, withoutSecrets = false, signal }: TemplateOptions = {},
): Promise<TemplatedRelease[]> {
  const releases = only === undefined ? environment.releases : [releaseIn(environment, only)];
  const mask = new ManifestMask(new Redactor(project.redactor));
  const rendered: (readonly [Release, readonly Manifest[]])[] = [];
  for (const release of releases)
    rendered.push([release, await release.render({ withoutSecrets, ...(signal === undefined ? {} : { signal }) })]);
  const clusterWide = clusterWideKindsIn(rendered.flatMap(([, manifests]) => manifests));
  const result: TemplatedRelease[] = [];
  for (const [release, manifests] of rendered) {
    const { key, name, namespace } = release;
    const place = (object: ValueMap): ValueMap => inNamespace(object, namespace, clusterWide);
    const objects = withSecrets
      ? manifests.map((manifest) => whole(manifest, namespace, place))
      : (await hidden(project, release, manifests, mask, signal)).map(({ source, text, object }) => {
          return { source, text, object: isMap(object) ? place(object) : object };
        });
    result.push({ key, name, namespace, leftOut: project.lockedIn(release), objects });
  }
  return result;
}

function whole(manifest: Manifest, namespace: string, place: (object: ValueMap) => ValueMap): TemplatedObject {
  const object = place(manifest.object);
  const text = object === manifest.object ? manifest.text : textInNamespace(manifest, namespace);
  return { source: manifest.source, text, object };
}

/** Compared with what stand-ins for the secrets render to. */
async function hidden(
  project: Project,
  release: Release,
  manifests: readonly Manifest[],
  mask: ManifestMask,
  signal: AbortSignal | undefined,
): Promise<TemplatedObject[]> {
  const other = await otherRendering(project, release, signal);
  if (other === null)
    return manifests.map((manifest) => {
      const kind = isOfKubernetes(manifest) ? manifest.kind : mask.maskName(manifest.kind, "none");
      return { source: null, text: null, object: { kind, hidden: NO_TWIN } };
    });
  const twins = new Twins(other, manifests);
  const paired = manifests.map((manifest) => ({ manifest, twin: twins.of(manifest) }));
  for (const { manifest, twin } of paired) mask.add(manifest.object, twin);
  return paired.map(({ manifest: { source, object }, twin }) => {
    const shown = mask.maskName(source, twin === "none" ? "none" : "same");
    return { source: shown, text: null, object: mask.mask(object, twin) };
  });
}
