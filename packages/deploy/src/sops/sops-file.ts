/*
 * A file of sops: read as sops reads it, and decrypted in place, so that each value keeps where it
 * stands.
 */
import { createHash, type Hash } from "node:crypto";
import { DeployError, errorAt, orElse } from "../errors.ts";
import { CIPHERTEXT } from "../values/layer.ts";
import { readYaml } from "../values/read-yaml.ts";
import { type EntryYaml, type ListYaml, type ScalarYaml, type Yaml, type YamlFile } from "../values/yaml.ts";
import { boolText, decrypt, decryptMac, floatText, isCiphertext, isComment } from "./cipher.ts";
import { SOPS_DIALECT } from "./go-yaml-3.ts";
import { metadataIn, metadataOf, type SopsMetadata } from "./metadata.ts";

/** A file that sops encrypted. */
export interface SopsFile {
  readonly path: string;
  readonly yaml: YamlFile;
  readonly metadata: SopsMetadata;
}

/** Whether a text may be a file of sops. */
export const isSopsFile = (text: string): boolean => /(?:^|\n)sops:|"sops"\s*:/.test(text) && text.includes(CIPHERTEXT);

/**
 * Reads a file as one of sops; null where it is none.
 *
 * @throws DeployError TAMPERED_FILE where sops's part of it cannot be used
 */
export async function readSopsFile(path: string, text: string): Promise<SopsFile | null> {
  const yaml = yamlOf(path, text);
  const metadata = await metadataOf(path, yaml?.documents[0]);
  return yaml === null || metadata === null ? null : { path, yaml: withoutMetadata(yaml), metadata };
}

/** Whether {@link readSopsFile} takes a text for a file of sops. */
export const isWholeSopsFile = (path: string, text: string): boolean =>
  metadataIn(yamlOf(path, text)?.documents[0]) !== null;

function yamlOf(path: string, text: string): YamlFile | null {
  if (!isSopsFile(text)) return null;
  // Anyone who reads it as what it is otherwise tells what is wrong with it.
  return orElse(null, () => readYaml(path, text, SOPS_DIALECT));
}

/** sops takes its own key out of every document. */
function withoutMetadata(yaml: YamlFile): YamlFile {
  const documents = yaml.documents.map((document) =>
    document.kind === "map"
      ? { ...document, entries: new Map([...document.entries].filter(([key]) => key !== "sops")) }
      : document,
  );
  return { ...yaml, documents };
}

/** What sops appends to the hash where it holds encrypted values alone (of its own name). */
const ENCRYPTED_ONLY = createHash("sha256").update("sops").digest();

/**
 * The file with its values decrypted, each of which is marked as secret.
 *
 * @throws DeployError TAMPERED_FILE where a value or the whole is not as sops left it
 */
export function decryptFile(file: SopsFile, key: Buffer): YamlFile {
  const { yaml, metadata } = file;
  const walk = new Walk(file, key);
  const documents = yaml.documents.map((document) => walk.node(document, []));
  const mac = decryptMac(metadata.mac, key, metadata.lastModified);
  if (mac === null || mac !== walk.mac())
    throw tampered(file.path, "its values are not those that sops left there: its MAC does not hold");
  return { ...yaml, documents: documents.map((document) => merged(file.path, document)) };
}

const tampered = (file: string, what: string, { position }: Partial<Pick<Yaml, "position">> = {}): DeployError => {
  const place = { file, ...position };
  return new DeployError("TAMPERED_FILE", `${file}${position === undefined ? "" : `:${position.line}`}: ${what}`, {
    place,
    hint: "restore it from a commit that is right, or encrypt it again with sops",
  });
};

/** Decrypts what is encrypted, in the order in which sops hashes it. */
class Walk {
  readonly #path: string;
  readonly #metadata: SopsMetadata;
  readonly #key: Buffer;
  readonly #hash: Hash = createHash("sha512");

  constructor({ path, metadata }: SopsFile, key: Buffer) {
    this.#path = path;
    this.#metadata = metadata;
    this.#key = key;
    if (metadata.macOnlyEncrypted) this.#hash.update(ENCRYPTED_ONLY);
  }

  mac(): string {
    return this.#hash.digest("hex").toUpperCase();
  }

  node(node: Yaml, path: readonly string[]): Yaml {
    if (node.kind === "scalar") return this.#scalar(node, path) ?? node;
    if (node.kind === "list") return this.#list(node, path);
    const entries = [...node.entries].map(([key, entry]): [string, EntryYaml] => [
      key,
      { ...entry, value: this.node(entry.value, [...path, key]) },
    ]);
    return { ...node, entries: new Map(entries) };
  }

  /** Comments of a list stand in it as items, once they are encrypted. */
  #list(node: ListYaml, path: readonly string[]): ListYaml {
    const items = node.items.flatMap((item) =>
      item.kind === "scalar" ? (this.#scalar(item, path) ?? []) : this.node(item, path),
    );
    return { ...node, items };
  }

  /** Null for a comment. */
  #scalar(node: ScalarYaml, path: readonly string[]): ScalarYaml | null {
    const { value } = node;
    if (value === null) return node;
    const { rule, macOnlyEncrypted } = this.#metadata;
    const mayBe = rule === "comments" || rule.isEncrypted(path);
    const plain = mayBe && typeof value === "string" ? decrypt(value, this.#key, path) : null;
    // Where comments say what is encrypted, it is what this key opens here: the MAC holds the rest.
    const isEncrypted = rule === "comments" ? plain !== null && value !== "" : mayBe;
    if (!isEncrypted) {
      if (!macOnlyEncrypted) this.#hash.update(bytesOf(node));
      return node;
    }
    if (plain === null) throw tampered(this.#path, "this value is not one that sops encrypted here", node);
    this.#hash.update(plain.bytes);
    if (typeof plain.value === "object") return null;
    return decrypted(node, plain.value, typeof plain.value === "number" ? String(plain.bytes) : String(plain.value));
  }
}

/** A value in the place of its ciphertext. What is empty was never encrypted. */
const decrypted = (node: ScalarYaml, value: string | number | boolean, text = String(value)): ScalarYaml =>
  value === "" ? node : { ...node, value, text, plain: typeof value !== "string", secret: true };

/** As sops hashes a value that it does not encrypt. */
function bytesOf({ value, text, plain }: ScalarYaml): string {
  if (typeof value === "boolean") return boolText(value);
  if (typeof value !== "number") return value ?? "";
  // Integers keep their digits.
  const exact = plain ? SOPS_DIALECT.plain(text) : value;
  return typeof exact === "bigint" ? String(exact) : floatText(value);
}

/**
 * The file with what another program decrypted in the place of each encrypted value.
 *
 * @throws DeployError TAMPERED_FILE where that is of another shape
 */
export function withPlain(file: SopsFile, plain: Yaml): YamlFile {
  const [document] = file.yaml.documents;
  if (document === undefined) return file.yaml;
  return { ...file.yaml, documents: [merged(file.path, placed(file.path, document, plain))] };
}

/** With what `<<` brings in, as Helm merges what sops writes. */
function merged(file: string, node: Yaml): Yaml {
  if (node.kind === "scalar") return node;
  if (node.kind === "list") return { ...node, items: node.items.map((item) => merged(file, item)) };
  const entries = new Map<string, EntryYaml>();
  for (const [key, entry] of node.entries) {
    const value = merged(file, entry.value);
    if (key === "<<")
      for (const source of sourcesOf(file, value)) for (const [name, its] of source) entries.set(name, its);
    else {
      entries.delete(key);
      entries.set(key, { ...entry, value });
    }
  }
  return { ...node, entries };
}

function sourcesOf(file: string, value: Yaml): ReadonlyMap<string, EntryYaml>[] {
  const maps = value.kind === "list" ? value.items.toReversed() : [value];
  return maps.map((map) => {
    if (map.kind === "map") return map.entries;
    throw errorAt("MALFORMED_YAML", { file, ...map.position }, "expected a map to merge");
  });
}

function placed(file: string, node: Yaml, plain: Yaml | undefined): Yaml {
  const wrong = (): DeployError => tampered(file, "sops decrypted it to something of another shape", node);
  if (node.kind === "scalar") {
    if (plain?.kind !== "scalar") throw wrong();
    const { value } = plain;
    if (value === null || value === node.value || typeof node.value !== "string" || !isCiphertext(node.value)) {
      if ((value === null) === (node.value === null)) return node;
      throw wrong();
    }
    return decrypted(node, value, typeof value === "number" ? bytesOf(plain) : String(value));
  }
  if (node.kind === "list") {
    const items = node.items.filter(
      (item) => !(item.kind === "scalar" && typeof item.value === "string" && isComment(item.value)),
    );
    if (plain?.kind !== "list" || plain.items.length !== items.length) throw wrong();
    return { ...node, items: items.map((item, at) => placed(file, item, plain.items[at])) };
  }
  if (plain?.kind !== "map") throw wrong();
  const entries = [...node.entries].map(([key, entry]): [string, EntryYaml] => [
    key,
    { ...entry, value: placed(file, entry.value, plain.entries.get(key)?.value) },
  ]);
  return { ...node, entries: new Map(entries) };
}
