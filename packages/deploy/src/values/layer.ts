import { isUtf8 } from "node:buffer";
import { DeployError, errorAt, orElse } from "../errors.ts";
import type { FileSource, FileStandIns, TrackedFile } from "../files/tree.ts";
import { readYaml } from "./read-yaml.ts";
import type { Path } from "./value.ts";
import { holdsSecret, type MapYaml, type Position, scalarsIn, withScalars, type Yaml, type YamlFile } from "./yaml.ts";

/** The most that a values file may have: 16 MiB. */
export const MOST_LAYER_BYTES: number = 16 * 1024 * 1024;

/** Reads a file of the commit as YAML; {@link Layer} and everything else goes through here. */
export function readYamlFile(tree: Pick<FileSource, "find" | "read">, path: string): YamlFile {
  return readYaml(
    path,
    readTextFile(tree, path, (file) => tree.read(file)),
  );
}

function readTextFile(tree: Pick<FileSource, "find">, path: string, read: (file: TrackedFile) => Buffer): string {
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
  return content.toString();
}

/** Reads layers that hold encrypted values, as sops leaves them. */
export interface LayerDecrypter {
  /**
   * What the text holds, each decrypted value marked as secret; null where it is an ordinary file.
   *
   * @throws DeployError LOCKED, TAMPERED_FILE
   */
  read(path: string, text: string): YamlFile | null;
  /** Why nothing here opens such values in it, as a part of a sentence; null where it does. */
  whyLocked(path: string, text: string): string | null;
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
  /** Whether it is secret. */
  readonly secret: boolean;
}

/** How a value begins that sops encrypted. */
export const CIPHERTEXT = "ENC[AES256_GCM,";

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
  readonly #decrypter: LayerDecrypter | null;
  #yaml: YamlFile | undefined;
  #isDecrypted = false;
  #foundCiphertext: boolean | undefined;

  /** @param decrypter reads values that are encrypted one by one; null where none may be */
  constructor(tree: LayerSource, path: string, role: LayerRole, decrypter: LayerDecrypter | null) {
    this.#tree = tree;
    this.#decrypter = decrypter;
    this.path = path;
    this.role = role;
    this.file = tree.find(path);
  }

  /** Whether all of its values are secret. */
  get secret(): boolean {
    return this.file?.secret ?? this.path.startsWith("secrets/");
  }

  /** Whether something that it sets is secret: all of it, or what was decrypted within it. */
  isSecret(node: Yaml): boolean {
    return this.secret || holdsSecret(node);
  }

  /**
   * Whether holders of the key encrypted it, as a whole or value by value. The latter is known once
   * it was read.
   */
  get encrypted(): boolean {
    return this.file?.encrypted === true || this.#isDecrypted;
  }

  /** Whether its values are stand-ins for what is encrypted. */
  get hasStandIns(): boolean {
    return this.encrypted && this.#standInsAlone !== null;
  }

  /** Whether it is encrypted and the key is not here. */
  get locked(): boolean {
    return this.file?.locked === true || this.whyLockedWithin !== null;
  }

  /** Why nothing here opens values that are encrypted in it; null where it does. */
  get whyLockedWithin(): string | null {
    const decrypter = this.#decrypter;
    if (decrypter === null) return null;
    return orElse(null, () => (this.#hasCiphertext ? decrypter.whyLocked(this.path, this.text()) : null));
  }

  /** Remembered, since most layers hold none, and each look at the text reads the file. */
  get #hasCiphertext(): boolean {
    return (this.#foundCiphertext ??= this.text().includes(CIPHERTEXT));
  }

  get #standInsAlone(): FileStandIns | null {
    return this.#tree.standInsAlone ?? null;
  }

  /**
   * The file's text, with nothing in it decrypted but the whole.
   *
   * @throws DeployError MISSING_FILE, TOO_LARGE, LOCKED, TAMPERED_FILE, MALFORMED_YAML
   */
  text(): string {
    const { readReal } = this.#tree;
    const isReal = this.file?.encrypted === true && this.#standInsAlone !== null;
    return readTextFile(this.#tree, this.path, (file) =>
      isReal && readReal !== undefined ? readReal.call(this.#tree, file) : this.#tree.read(file),
    );
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

  /** With a stand-in for each encrypted value, where nothing else is read. */
  #read(): YamlFile {
    const text = this.text();
    const decrypted = this.#decrypter?.read(this.path, text) ?? null;
    this.#isDecrypted = decrypted !== null;
    const yaml = decrypted ?? readYaml(this.path, text);
    if (text.includes(CIPHERTEXT)) this.#assertNoCiphertext(yaml);
    const standInsAlone = this.#standInsAlone;
    if (standInsAlone === null || (decrypted === null && this.file?.encrypted !== true)) return yaml;
    const isWhole = this.file?.encrypted === true;
    return withScalars(yaml, ({ value, secret }) =>
      isWhole || secret === true ? standInsAlone.scalar(this.path, value) : value,
    );
  }

  /** A password must never be the ciphertext of one. */
  #assertNoCiphertext({ documents }: YamlFile): void {
    for (const { node } of documents.flatMap((document) => [...scalarsIn(document)]))
      if (typeof node.value === "string" && node.value.startsWith(CIPHERTEXT)) {
        const isChart = this.role === "defaults";
        const message = isChart
          ? "sops encrypted this value of the chart's own, which Helm would take as it is"
          : "sops encrypted this value, and the file has no longer what opens it";
        throw errorAt(isChart ? "SECRET_IN_CHART" : "TAMPERED_FILE", { file: this.path, ...node.position }, message, {
          hint: isChart ? "put it into a layer over the chart" : "restore the file from a commit that is right",
        });
      }
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
   * Those scalars that are secret.
   *
   * @throws DeployError as `yaml` does
   */
  secretScalars(): LayerScalar[] {
    // Most layers hold none, and need not be parsed for that.
    if (!this.secret && !this.#hasCiphertext) return [];
    return this.scalars().filter(({ secret }) => secret);
  }

  /**
   * Every scalar but nulls, those in lists, too.
   *
   * @throws DeployError as `yaml` does
   */
  scalars(): LayerScalar[] {
    return this.yaml().documents.flatMap((document) =>
      [...scalarsIn(document)].flatMap(({ path, node: { value, text, position, secret } }) =>
        value === null ? [] : [{ value, text, path, layer: this, position, secret: this.secret || secret === true }],
      ),
    );
  }
}
