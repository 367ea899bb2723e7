import { isAlias, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Alias, Document, ParsedNode, Scalar as ScalarNode, YAMLMap } from "yaml";
import { DeployError, type DeployErrorCode } from "../errors.ts";
import { isDeepYaml, MOST_DEPTH } from "./nesting.ts";
import type { Value } from "./value.ts";
import { type EntryYaml, type Position, valueOf, type Yaml, type YamlFile, type YamlOddity } from "./yaml.ts";
import { type Dialect, HELM_DIALECT, type Scalar } from "./yaml-scalar.ts";

/** How many nodes a file may amount to once its aliases are followed. */
const MOST_NODES = 1_000_000;
/** How many characters aliases may add: as many as the largest layer has bytes. */
const MOST_COPIED = 16 * 1024 * 1024;
const TOO_DEEP = "expected YAML, got lists or maps nested too deeply";

/** Whether a file is YAML or JSON, by its name. */
export const isStructured = (path: string): boolean => /\.(?:ya?ml|json)$/.test(path);

/**
 * Reads YAML as Helm does (sigs.k8s.io/yaml on go-yaml v2), or as another program does.
 *
 * @throws DeployError MALFORMED_YAML, TOO_MANY_ALIASES. They tell the place, and never what stands
 * there.
 */
export function readYaml(file: string, text: string, dialect: Dialect = HELM_DIALECT): YamlFile {
  return new Reader(file, dialect).read(text);
}

/**
 * The value of the first document of YAML; null where there is none.
 *
 * @throws DeployError as {@link readYaml}
 */
export function readValue(file: string, text: string): Value {
  const [document] = readYaml(file, text).documents;
  return document === undefined ? null : valueOf(document);
}

/** What something amounts to, or is left of what a file may. */
interface Size {
  readonly nodes: number;
  /** Characters of texts and keys. */
  readonly characters: number;
}

class Reader {
  readonly #file: string;
  readonly #dialect: Dialect;
  readonly #lines = new LineCounter();
  readonly #oddities: YamlOddity[] = [];
  /** Of the document that is read; `open` until the end of what the anchor names. */
  readonly #anchors = new Map<string, { readonly node: Yaml; readonly size: Size } | "open">();
  /** What was read, with what aliases lead to. */
  #nodes = 0;
  #characters = 0;
  /** Characters that aliases added. */
  #copied = 0;

  constructor(file: string, dialect: Dialect) {
    this.#file = file;
    this.#dialect = dialect;
  }

  read(text: string): YamlFile {
    const documents = this.#parse(text).flatMap((document) => {
      const [error] = document.errors;
      if (error?.code === "RESOURCE_EXHAUSTION") this.#fail("MALFORMED_YAML", TOO_DEEP, error.pos[0]);
      if (error !== undefined) this.#fail("MALFORMED_YAML", `expected YAML, got ${mistake(error.code)}`, error.pos[0]);
      this.#anchors.clear();
      return document.contents === null ? [] : [this.#node(document.contents, 0)];
    });
    const [, second] = documents;
    if (second !== undefined) {
      const message = `expected one YAML document, got ${documents.length}`;
      this.#oddities.push({ code: "SEVERAL_DOCUMENTS", message, position: second.position });
    }
    return { documents, oddities: this.#oddities };
  }

  #parse(text: string): readonly Document.Parsed<ParsedNode, false>[] {
    if (isDeepYaml(text)) this.#fail("MALFORMED_YAML", TOO_DEEP, 0);
    try {
      const parsed = parseAllDocuments<ParsedNode, false>(text, {
        schema: "failsafe",
        version: "1.1",
        uniqueKeys: false,
        prettyErrors: false,
        logLevel: "silent",
        lineCounter: this.#lines,
      });
      return "empty" in parsed ? [] : parsed;
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new DeployError("MALFORMED_YAML", `${this.#file}: ${TOO_DEEP}`, { cause });
    }
  }

  #positionOf(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  #fail(code: DeployErrorCode, message: string, offset: number): never {
    const place = { file: this.#file, ...this.#positionOf(offset) };
    throw new DeployError(code, `${place.file}:${place.line}:${place.column}: ${message}`, { place });
  }

  #node(node: ParsedNode, depth: number): Yaml {
    const [offset] = node.range;
    if (depth > MOST_DEPTH) this.#fail("MALFORMED_YAML", "lists or maps are nested too deeply", offset);
    if (isAlias(node)) return this.#follow(node);
    const { anchor } = node;
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const [nodes, characters] = [this.#nodes, this.#characters];
    this.#count({ nodes: 1, characters: 0 }, offset);
    const result = this.#convert(node, depth);
    const size = { nodes: this.#nodes - nodes, characters: this.#characters - characters };
    if (anchor !== undefined) this.#anchors.set(anchor, { node: result, size });
    return result;
  }

  #count({ nodes, characters }: Size, offset: number): void {
    this.#nodes += nodes;
    this.#characters += characters;
    if (this.#nodes > MOST_NODES)
      this.#fail("TOO_MANY_ALIASES", `the file amounts to more than ${MOST_NODES} values`, offset);
  }

  #follow(alias: Alias.Parsed): Yaml {
    const [offset] = alias.range;
    const target = this.#anchors.get(alias.source);
    if (target === undefined) return this.#fail("MALFORMED_YAML", "the alias names no anchor before it", offset);
    if (target === "open") return this.#fail("TOO_MANY_ALIASES", "the alias stands inside of what it names", offset);
    this.#count(target.size, offset);
    if ((this.#copied += target.size.characters) > MOST_COPIED)
      this.#fail("TOO_MANY_ALIASES", `the file's aliases amount to more than ${MOST_COPIED} characters`, offset);
    return target.node;
  }

  #convert(node: Exclude<ParsedNode, Alias.Parsed>, depth: number): Yaml {
    const position = this.#positionOf(node.range[0]);
    if (isScalar(node)) {
      const scalar = this.#resolve(node);
      const value = typeof scalar === "bigint" ? Number(scalar) : scalar;
      if (typeof value === "number" && !Number.isFinite(value))
        this.#fail("MALFORMED_YAML", "a value that is infinite or no number, which Helm refuses", node.range[0]);
      const text = textOf(node);
      this.#characters += text.length;
      return { kind: "scalar", value, text, plain: node.type === "PLAIN", position };
    }
    if (isSeq(node)) return { kind: "list", items: node.items.map((item) => this.#node(item, depth + 1)), position };
    return { kind: "map", entries: this.#entries(node, depth), position };
  }

  #resolve(node: ScalarNode.Parsed): Scalar {
    const text = textOf(node);
    if (node.tag === undefined) return node.type === "PLAIN" ? this.#dialect.plain(text) : text;
    const value = this.#dialect.tagged(node.tag, text);
    if (value === undefined) this.#fail("MALFORMED_YAML", "the value does not fit its tag", node.range[0]);
    return value;
  }

  #entries(map: YAMLMap.Parsed, depth: number): Map<string, EntryYaml> {
    const entries = new Map<string, EntryYaml>();
    const own = new Set<string>();
    for (const { key, value } of map.items) {
      const position = this.#positionOf(key.range[0]);
      if (this.#dialect.merges && isMergeKey(key)) {
        if (value !== null) this.#merge(value, entries, depth);
        continue;
      }
      const read = this.#key(key);
      this.#characters += read.text.length;
      if (own.has(read.key)) {
        const message = "the map has this key twice, and the last one counts";
        this.#oddities.push({ code: "DUPLICATE_KEY", message, position });
      }
      own.add(read.key);
      const held: Yaml =
        value === null
          ? { kind: "scalar", value: null, text: "", plain: true, position }
          : this.#node(value, depth + 1);
      entries.delete(read.key);
      entries.set(read.key, { ...read, position, value: held });
    }
    return entries;
  }

  #key(key: ParsedNode): Pick<EntryYaml, "key" | "text" | "plain"> {
    if (isAlias(key)) {
      const node = this.#follow(key);
      const name = node.kind === "scalar" && node.value !== null ? this.#dialect.key(node.value) : null;
      if (name === null || node.kind !== "scalar") return this.#badKey(key.range[0]);
      return { key: name, text: node.text, plain: node.plain };
    }
    if (!isScalar(key)) return this.#badKey(key.range[0]);
    if (key.anchor !== undefined) this.#node(key, 0);
    const name = this.#dialect.key(this.#resolve(key));
    return name === null ? this.#badKey(key.range[0]) : { key: name, text: textOf(key), plain: key.type === "PLAIN" };
  }

  #badKey(offset: number): never {
    return this.#fail("MALFORMED_YAML", this.#dialect.badKey, offset);
  }

  /** `<<`: the entries of a map, or of several, where the map has them not. */
  #merge(value: ParsedNode, entries: Map<string, EntryYaml>, depth: number): void {
    const node = this.#node(value, depth + 1);
    const maps = node.kind === "list" ? [...node.items].toReversed() : [node];
    for (const source of maps) {
      if (source.kind !== "map") return this.#fail("MALFORMED_YAML", "expected a map to merge", value.range[0]);
      for (const [key, entry] of source.entries) entries.set(key, entry);
    }
  }
}

/** The parser's own name of a mistake, in words: its messages may quote the file. */
const mistake = (code: string): string => `a mistake (${code.toLowerCase().replaceAll("_", " ")})`;

const textOf = ({ value }: ScalarNode.Parsed): string => (typeof value === "string" ? value : "");

const isMergeKey = (key: ParsedNode): boolean =>
  isScalar(key) && key.value === "<<" && (key.tag === undefined ? key.type === "PLAIN" : key.tag === MERGE_TAG);

const MERGE_TAG = "tag:yaml.org,2002:merge";
