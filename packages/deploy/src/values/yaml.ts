import { isAlias, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Alias, Document, ParsedNode, Scalar as ScalarNode, YAMLMap } from "yaml";
import { DeployError, type DeployErrorCode } from "../errors.ts";
import type { Value, ValueMap } from "./value.ts";
import { keyText, resolvePlain, resolveTagged, type Scalar } from "./yaml-scalar.ts";

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

/**
 * A node of a YAML file, read as Helm reads it, with its place. Aliases lead to the very node that
 * they name.
 */
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

/** How many nodes a file may amount to once its aliases are followed. */
const MOST_NODES = 1_000_000;
/**
 * How many characters of texts and keys its aliases may add: as many as the largest layer has
 * bytes.
 */
const MOST_COPIED = 16 * 1024 * 1024;

/** What something amounts to, or is left of what a file may. */
interface Size {
  nodes: number;
  /** Characters of texts and keys. */
  characters: number;
}
const MOST_DEPTH = 500;

/**
 * Reads YAML as Helm does (sigs.k8s.io/yaml on go-yaml v2).
 *
 * @throws DeployError MALFORMED_YAML, TOO_MANY_ALIASES. They tell the place, and never what stands
 * there.
 */
export function readYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const fail: Fail = (code, message, offset) => {
    const { line, col } = lines.linePos(offset);
    throw new DeployError(code, `${file}:${line}:${col}: ${message}`, { place: { file, line, column: col } });
  };
  let parsed;
  try {
    parsed = parseAllDocuments<ParsedNode, false>(text, {
      schema: "failsafe",
      version: "1.1",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
      lineCounter: lines,
    });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DeployError("MALFORMED_YAML", `${file}: expected YAML, got lists or maps nested too deeply`, { cause });
  }
  const documents: readonly Document.Parsed<ParsedNode, false>[] = "empty" in parsed ? [] : parsed;
  const oddities: YamlOddity[] = [];
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const room: Size = { nodes: MOST_NODES, characters: MOST_COPIED };
  const nodes = documents.flatMap((document) => {
    const [error] = document.errors;
    if (error?.code === "RESOURCE_EXHAUSTION")
      fail("MALFORMED_YAML", "expected YAML, got lists or maps nested too deeply", error.pos[0]);
    if (error !== undefined) fail("MALFORMED_YAML", `expected YAML, got ${mistake(error.code)}`, error.pos[0]);
    return document.contents === null ? [] : [new Reader(document, fail, positionOf, oddities, room).read()];
  });
  const second = nodes[1];
  if (second !== undefined) {
    oddities.push({
      code: "SEVERAL_DOCUMENTS",
      message: `expected one YAML document, got ${nodes.length}`,
      position: second.position,
    });
  }
  return { documents: nodes, oddities };
}

type Fail = (code: DeployErrorCode, message: string, offset: number) => never;

/** The parser's own name of a mistake, in words: its messages may quote the file. */
const mistake = (code: string): string => `a mistake (${code.toLowerCase().replaceAll("_", " ")})`;

class Reader {
  readonly #anchors = new Map<string, { node: Yaml; size: Size } | "open">();
  readonly #document: Document.Parsed<ParsedNode, false>;
  readonly #fail: Fail;
  readonly #positionOf: (offset: number) => Position;
  readonly #oddities: YamlOddity[];
  /** For all documents of the file. */
  readonly #room: Size;
  /** What was read, with what aliases lead to. */
  readonly #read: Size = { nodes: 0, characters: 0 };

  constructor(
    document: Document.Parsed<ParsedNode, false>,
    fail: Fail,
    positionOf: (offset: number) => Position,
    oddities: YamlOddity[],
    room: Size,
  ) {
    this.#document = document;
    this.#fail = fail;
    this.#positionOf = positionOf;
    this.#oddities = oddities;
    this.#room = room;
  }

  read(): Yaml {
    return this.#node(this.#document.contents, 0);
  }

  #node(node: ParsedNode, depth: number): Yaml {
    const [offset] = node.range;
    if (depth > MOST_DEPTH) this.#fail("MALFORMED_YAML", "lists or maps are nested too deeply", offset);
    if (isAlias(node)) return this.#follow(node);
    const { anchor } = node;
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const before = { ...this.#read };
    this.#count({ nodes: 1, characters: 0 }, offset);
    const result = this.#convert(node, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, { node: result, size: sizeSince(before, this.#read) });
    return result;
  }

  #count({ nodes, characters }: Size, offset: number): void {
    this.#read.nodes += nodes;
    this.#read.characters += characters;
    if ((this.#room.nodes -= nodes) < 0)
      this.#fail("TOO_MANY_ALIASES", `the file amounts to more than ${MOST_NODES} values`, offset);
  }

  #follow(alias: Alias.Parsed): Yaml {
    const [offset] = alias.range;
    const target = this.#anchors.get(alias.source);
    if (target === undefined) return this.#fail("MALFORMED_YAML", "the alias names no anchor before it", offset);
    if (target === "open") return this.#fail("TOO_MANY_ALIASES", "the alias stands inside of what it names", offset);
    this.#count(target.size, offset);
    if ((this.#room.characters -= target.size.characters) < 0)
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
      this.#read.characters += text.length;
      return { kind: "scalar", value, text, plain: node.type === "PLAIN", position };
    }
    if (isSeq(node)) return { kind: "list", items: node.items.map((item) => this.#node(item, depth + 1)), position };
    return { kind: "map", entries: this.#entries(node, depth), position };
  }

  #resolve(node: ScalarNode.Parsed): Scalar {
    const text = textOf(node);
    if (node.tag === undefined) return node.type === "PLAIN" ? resolvePlain(text) : text;
    const value = resolveTagged(node.tag, text);
    if (value === undefined) this.#fail("MALFORMED_YAML", "the value does not fit its tag", node.range[0]);
    return value;
  }

  #entries(map: YAMLMap.Parsed, depth: number): Map<string, EntryYaml> {
    const entries = new Map<string, EntryYaml>();
    const own = new Set<string>();
    for (const { key, value } of map.items) {
      const [offset] = key.range;
      const position = this.#positionOf(offset);
      if (isMergeKey(key)) {
        if (value !== null) this.#merge(value, entries, depth);
        continue;
      }
      const read = this.#key(key);
      this.#read.characters += read.text.length;
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

  #key(key: ParsedNode): { key: string; text: string; plain: boolean } {
    const node = isAlias(key) ? this.#follow(key) : null;
    if (node !== null) {
      const name = node.kind === "scalar" && node.value !== null ? keyText(node.value) : null;
      if (name === null || node.kind !== "scalar") return this.#badKey(key.range[0]);
      return { key: name, text: node.text, plain: node.plain };
    }
    if (!isScalar(key)) return this.#badKey(key.range[0]);
    if (key.anchor !== undefined) this.#node(key, 0);
    const name = keyText(this.#resolve(key));
    return name === null ? this.#badKey(key.range[0]) : { key: name, text: textOf(key), plain: key.type === "PLAIN" };
  }

  #badKey(offset: number): never {
    return this.#fail("MALFORMED_YAML", "a key that is null, a list or a map, which Helm refuses", offset);
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

const sizeSince = (before: Size, now: Size): Size => ({
  nodes: now.nodes - before.nodes,
  characters: now.characters - before.characters,
});

const textOf = ({ value }: ScalarNode.Parsed): string => (typeof value === "string" ? value : "");

const isMergeKey = (key: ParsedNode): boolean =>
  isScalar(key) && key.value === "<<" && (key.tag === undefined ? key.type === "PLAIN" : key.tag === MERGE_TAG);

const MERGE_TAG = "tag:yaml.org,2002:merge";

/** The value of a node, as Helm has it. What aliases name is shared. */
export function valueOf(node: Yaml): Value {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(valueOf);
  const map: ValueMap = Object.create(null);
  for (const [key, { value }] of node.entries) map[key] = valueOf(value);
  return map;
}
