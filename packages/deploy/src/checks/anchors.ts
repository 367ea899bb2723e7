import { remember } from "../remember.ts";
import type { Layer } from "../values/layer.ts";
import type { Setting } from "../values/merge.ts";
import type { EntryYaml, Yaml } from "../values/yaml.ts";

/** The entries of a layer in which something stands that an alias further down names. */
const named = new WeakMap<Layer, ReadonlySet<EntryYaml>>();

/**
 * Whether something in what is set has an anchor that an alias further down names: it is there for
 * what stands there.
 */
export const isNamedElsewhere = ({ layer, entry }: Setting): boolean =>
  remember(named, layer, () => namedEntries(layer.yaml().documents)).has(entry);

function namedEntries(documents: readonly Yaml[]): Set<EntryYaml> {
  const first = new Map<Yaml, readonly EntryYaml[]>();
  const entries = new Set<EntryYaml>();
  const visit = (node: Yaml, above: readonly EntryYaml[]): void => {
    const before = first.get(node);
    if (before !== undefined) {
      // An alias leads to the node itself: this is its second place.
      for (const entry of before) entries.add(entry);
      return;
    }
    first.set(node, above);
    if (node.kind === "list") for (const item of node.items) visit(item, above);
    if (node.kind === "map") for (const entry of node.entries.values()) visit(entry.value, [...above, entry]);
  };
  for (const document of documents) visit(document, []);
  return entries;
}
