import type { DeployErrorCode } from "../errors.ts";
import { newMap, type Path, type Value } from "./value.ts";

/** Where something stands in a file. Both begin with 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A scalar of a file. */
export interface ScalarYaml {
  readonly kind: "scalar";
  readonly value: null | boolean | number | string;
  /** The text it was written as, without quotes and folded into one line where it had several. */
  readonly text: string;
  /** Whether it stands without quotes, so that Helm guesses its type. */
  readonly plain: boolean;
  readonly position: Position;
  /** Whether it was decrypted within its file, whose other values may be plain. */
  readonly secret?: true;
}

export interface ListYaml {
  readonly kind: "list";
  readonly items: readonly Yaml[];
  readonly position: Position;
}

/** A key of a map and what it holds. */
export interface EntryYaml {
  readonly key: string;
  /** The key as it was written: `on` where `key` is `true`. */
  readonly text: string;
  /** Whether the key stands without quotes. */
  readonly plain: boolean;
  readonly position: Position;
  readonly value: Yaml;
}

export interface MapYaml {
  readonly kind: "map";
  /** In the order of the file; of several with one key, the last, which Helm takes. */
  readonly entries: ReadonlyMap<string, EntryYaml>;
  readonly position: Position;
}

/** A YAML node as Helm reads it, with its place; an alias leads to the node itself. */
export type Yaml = ScalarYaml | ListYaml | MapYaml;

/** What Helm lets pass, and no values file should have. */
export interface YamlOddity {
  readonly code: Extract<DeployErrorCode, "DUPLICATE_KEY" | "SEVERAL_DOCUMENTS">;
  readonly message: string;
  readonly position: Position;
}

/** A file of YAML. */
export interface YamlFile {
  /** One for each document; an empty file has none. */
  readonly documents: readonly Yaml[];
  readonly oddities: readonly YamlOddity[];
}

/** The value of a node, as Helm has it. What aliases name is shared. */
export function valueOf(node: Yaml): Value {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(valueOf);
  const map = newMap();
  for (const [key, { value }] of node.entries) map[key] = valueOf(value);
  return map;
}

/** Every scalar in a node, with its path. What aliases name is met wherever they stand. */
export function* scalarsIn(node: Yaml, path: Path = []): Generator<{ readonly path: Path; readonly node: ScalarYaml }> {
  if (node.kind === "scalar") yield { path, node };
  else if (node.kind === "list") for (const [at, item] of node.items.entries()) yield* scalarsIn(item, [...path, at]);
  else for (const [key, { value }] of node.entries) yield* scalarsIn(value, [...path, key]);
}

/** Whether something in a node was decrypted within its file. */
export function holdsSecret(node: Yaml): boolean {
  if (node.kind === "scalar") return node.secret === true;
  if (node.kind === "list") return node.items.some(holdsSecret);
  return [...node.entries.values()].some(({ value }) => holdsSecret(value));
}

/** The file with other scalars at the same places. What aliases name stays shared. */
export const withScalars = (file: YamlFile, change: (scalar: ScalarYaml) => ScalarYaml["value"]): YamlFile =>
  withNodes(file, (node) => {
    const value = change(node);
    return value === node.value ? node : { ...node, value, text: String(value) };
  });

/** The file with every scalar marked as decrypted. */
export const withMarkedScalars = (file: YamlFile): YamlFile => withNodes(file, (node) => ({ ...node, secret: true }));

function withNodes(file: YamlFile, change: (scalar: ScalarYaml) => ScalarYaml): YamlFile {
  const known = new Map<Yaml, Yaml>();
  const changed = (node: Yaml): Yaml => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const other = changedNode(node);
    known.set(node, other);
    return other;
  };
  const changedNode = (node: Yaml): Yaml => {
    if (node.kind === "list") return { ...node, items: node.items.map(changed) };
    if (node.kind === "map") {
      const entries = [...node.entries].map(
        ([key, entry]) => [key, { ...entry, value: changed(entry.value) }] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
    return change(node);
  };
  return { ...file, documents: file.documents.map(changed) };
}
