import { DeployError } from "../errors.ts";
import { remember } from "../remember.ts";
import { isMap, textAt, type ValueMap } from "../values/value.ts";
import { readYaml } from "../values/read-yaml.ts";
import { valueOf, type Yaml } from "../values/yaml.ts";

/** A Kubernetes object that a chart renders. Secrets may be in it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty where the object has none. */
  readonly name: string;
  /** As it stands in the object; null where it has none, and goes to the release's. */
  readonly namespace: string | null;
  /** The template it came from, from the chart's name: `mybinder/charts/sub/templates/x.yaml`. */
  readonly source: string;
  readonly object: ValueMap;
  readonly yaml: Yaml;
  /** The document that it stands in. */
  readonly text: string;
}

/**
 * Reads what `helm template` prints.
 *
 * @param known what was read of documents before, by their text: each is read once
 */
export const readManifests = (rendered: string, known?: Map<string, Manifest[]>): Manifest[] =>
  documentsIn(rendered).flatMap((document) =>
    known === undefined ? readDocument(document) : remember(known, document, () => readDocument(document)),
  );

/** The documents of what Helm prints. */
export const documentsIn = (rendered: string): string[] => rendered.split(/^---(?:[ \t].*)?$/m);

/** The objects of one of them. */
export function readDocument(document: string): Manifest[] {
  const source = /^# Source: (.*)$/m.exec(document)?.[1]?.trim() ?? "";
  const title = source === "" ? "the rendered chart" : source;
  return readYaml(title, document).documents.flatMap((yaml) => {
    const object = valueOf(yaml);
    if (object === null) return [];
    if (!isMap(object))
      throw new DeployError("MALFORMED_YAML", `${title}: expected a Kubernetes object, got something else`);
    return [
      {
        apiVersion: textAt(object, "apiVersion"),
        kind: textAt(object, "kind"),
        name: textAt(object, "metadata", "name"),
        namespace: textAt(object, "metadata", "namespace") || null,
        source,
        object,
        yaml,
        text: document,
      },
    ];
  });
}

/** When Helm runs an object, such as `pre-install,pre-upgrade`; empty for what is no hook. */
const hookOf = ({ object }: Manifest): string => textAt(object, "metadata", "annotations", "helm.sh/hook");

/** Whether Helm runs an object at some moment of an upgrade, and does not keep it. */
export const isHook = (manifest: Manifest): boolean => hookOf(manifest) !== "";

/** Whether Helm runs it once all else of an upgrade is done. */
export const runsAfter = (manifest: Manifest): boolean => /post-(?:install|upgrade)/.test(hookOf(manifest));
