import { isUtf8 } from "node:buffer";
import { DeployError, errorAt } from "../errors.ts";
import type { FileSource, TrackedFile } from "../files/tree.ts";
import { readYaml } from "./read-yaml.ts";
import type { Path } from "./value.ts";
import { type MapYaml, type Position, scalarsIn, type YamlFile } from "./yaml.ts";

/** The most that a values file may have: 16 MiB. */
export const MOST_LAYER_BYTES: number = 16 * 1024 * 1024;

/** Reads a file of the commit as YAML; {@link Layer} and everything else goes through here. */
export function readYamlFile(tree: Pick<FileSource, "find" | "read">, path: string): YamlFile {
  const file = tree.find(path);
  const place = { file: path };
  if (file === undefined || !file.mode.startsWith("100")) {
    const what = file === undefined ? "is not in the commit" : "is no regular file";
    throw new DeployError("MISSING_FILE", `${path} ${what}`, {
      hint: "commit it, or take it out of the project's settings",
      place,
    });
  }
  if (file.bytes > MOST_LAYER_BYTES) {
    throw new DeployError("TOO_LARGE", `${path} has ${file.bytes} bytes: expected at most ${MOST_LAYER_BYTES}`, {
      place,
    });
  }
  const content = tree.read(file);
  if (!isUtf8(content) || content.includes(0))
    throw new DeployError("MALFORMED_YAML", `${path}: expected text in UTF-8, got other bytes`, { place });
  return readYaml(path, content.toString());
}

/** Where a layer stands among the others. */
export type LayerRole = "defaults" | "common" | "environment" | "given";

/** A value of a layer, whether another overrides it or not. */
export interface LayerScalar {
  readonly value: string | number | boolean;
  /** As {@link ScalarYaml} has it. */
  readonly text: string;
  readonly path: Path;
  readonly layer: Layer;
  readonly position: Position;
}

/** A values file: the chart's own, one shared by environments, an environment's, or one that was given. */
export class Layer {
  /** From the top folder. */
  readonly path: string;
  readonly role: LayerRole;
  /** The file; undefined where the commit does not have it. */
  readonly file: TrackedFile | undefined;
  readonly #tree: Pick<FileSource, "find" | "read" | "hasKey">;
  #yaml: YamlFile | undefined;

  constructor(tree: Pick<FileSource, "find" | "read" | "hasKey">, path: string, role: LayerRole) {
    this.#tree = tree;
    this.path = path;
    this.role = role;
    this.file = tree.find(path);
  }

  /** Whether its values are secret. */
  get secret(): boolean {
    return this.file?.secret ?? this.path.startsWith("secrets/");
  }

  /** Whether it is encrypted and there is no key. */
  get locked(): boolean {
    return this.file?.encrypted === true && !this.#tree.hasKey;
  }

  /**
   * The file as it is, oddities and all.
   *
   * @throws DeployError MISSING_FILE, TOO_LARGE, LOCKED, TAMPERED_FILE, MALFORMED_YAML,
   * TOO_MANY_ALIASES
   */
  yaml(): YamlFile {
    return (this.#yaml ??= readYamlFile(this.#tree, this.path));
  }

  /**
   * The values: one map, without oddities. Only the chart's own may be empty.
   *
   * @throws DeployError as `yaml` does; EMPTY_LAYER, SEVERAL_DOCUMENTS, DUPLICATE_KEY
   */
  map(): MapYaml {
    const { documents, oddities } = this.yaml();
    const [oddity] = oddities;
    if (oddity !== undefined) {
      const { code, message, position } = oddity;
      throw errorAt(code, { file: this.path, ...position }, message);
    }
    const [node] = documents;
    if (node?.kind === "map" && (node.entries.size > 0 || this.role === "defaults")) return node;
    if (node !== undefined && node.kind !== "map" && !(node.kind === "scalar" && node.value === null)) {
      const message = `${this.path}: expected a map of values, got a ${node.kind}`;
      throw new DeployError("MALFORMED_YAML", message, { place: { file: this.path, line: 1 } });
    }
    if (this.role === "defaults") return { kind: "map", entries: new Map(), position: { line: 1, column: 1 } };
    throw new DeployError("EMPTY_LAYER", `${this.path} says nothing: a layer must set something`, {
      hint: "restore its content, or take it out of the project's settings",
      place: { file: this.path },
    });
  }

  /**
   * Every scalar but nulls, those in lists, too.
   *
   * @throws DeployError as `yaml` does
   */
  scalars(): LayerScalar[] {
    return this.yaml().documents.flatMap((document) =>
      [...scalarsIn(document)].flatMap(({ path, node: { value, text, position } }) =>
        value === null ? [] : [{ value, text, path, layer: this, position }],
      ),
    );
  }
}
