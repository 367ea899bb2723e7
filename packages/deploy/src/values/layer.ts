import { isUtf8 } from "node:buffer";
import { DeployError, errorAt } from "../errors.ts";
import type { FileSource, TrackedFile } from "../files/tree.ts";
import { readYaml } from "./read-yaml.ts";
import type { Path } from "./value.ts";
import { type MapYaml, type Position, scalarsIn, withScalars, type YamlFile } from "./yaml.ts";

/** The most that a values file may have: 16 MiB. */
export const MOST_LAYER_BYTES: number = 16 * 1024 * 1024;

/** Reads a file of the commit as YAML; {@link Layer} and everything else goes through here. */
export function readYamlFile(tree: Pick<FileSource, "find" | "read">, path: string): YamlFile {
  return parseYamlFile(tree, path, (file) => tree.read(file));
}

function parseYamlFile(tree: Pick<FileSource, "find">, path: string, read: (file: TrackedFile) => Buffer): YamlFile {
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
  const content = read(file);
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

/** What a layer is read from. */
type LayerSource = Pick<FileSource, "find" | "read" | "hasKey" | "readReal" | "standInsAlone">;

/** A values file: the chart's own, a shared one, an environment's, or one that was given. */
export class Layer {
  /** From the top folder. */
  readonly path: string;
  readonly role: LayerRole;
  /** The file; undefined where the commit does not have it. */
  readonly file: TrackedFile | undefined;
  readonly #tree: LayerSource;
  #yaml: YamlFile | undefined;

  constructor(tree: LayerSource, path: string, role: LayerRole) {
    this.#tree = tree;
    this.path = path;
    this.role = role;
    this.file = tree.find(path);
  }

  /** Whether its values are secret. */
  get secret(): boolean {
    return this.file?.secret ?? this.path.startsWith("secrets/");
  }

  /** Whether its values are stand-ins for what is encrypted. */
  get hasStandIns(): boolean {
    return this.file?.encrypted === true && (this.#tree.standInsAlone ?? null) !== null;
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
    return (this.#yaml ??= this.#read());
  }

  /** Of an encrypted file with a stand-in for each value, where nothing else is read. */
  #read(): YamlFile {
    const { standInsAlone = null } = this.#tree;
    if (standInsAlone === null || this.file?.encrypted !== true) return readYamlFile(this.#tree, this.path);
    const read = (file: TrackedFile): Buffer => this.#tree.readReal?.(file) ?? this.#tree.read(file);
    const yaml = parseYamlFile(this.#tree, this.path, read);
    return withScalars(yaml, (value) => standInsAlone.scalar(this.path, value));
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
