/* Run by the build: a JSON Schema for what each command prints with --json. */
import { JSON_OUTPUTS, NAMED_SHAPES } from "./cli/json-shapes.ts";

/** A JSON Schema, as far as it is made here. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

const WORDS: Readonly<Record<string, Schema>> = {
  text: { type: "string" },
  number: { type: "number" },
  bool: { type: "boolean" },
  null: { type: "null" },
  any: {},
};

interface Members {
  readonly properties: Record<string, Schema>;
  readonly required: string[];
  /** Whether fields may be there that it does not name. */
  open: boolean;
}

/** Reads the notation of json-shapes.ts. */
class Reader {
  readonly #tokens: readonly string[];
  readonly #isStrict: boolean;
  #at = 0;

  constructor(shape: string, isStrict: boolean) {
    this.#tokens = shape.match(/\.\.\.|[{}[\],:|?]|map of|\w+/g) ?? [];
    this.#isStrict = isStrict;
  }

  /** All of it. */
  whole(): Schema {
    const schema = this.#type();
    if (this.#at < this.#tokens.length) throw this.#unexpected();
    return schema;
  }

  #type(): Schema {
    const choices = [this.#one()];
    while (this.#takes("|")) choices.push(this.#one());
    return choices.length === 1 ? (choices[0] ?? {}) : { anyOf: choices };
  }

  #one(): Schema {
    if (this.#takes("{")) return this.#object();
    if (this.#takes("map of")) return { type: "object", additionalProperties: this.#one() };
    if (this.#takes("[")) {
      const items = this.#type();
      this.#demand("]");
      return { type: "array", items };
    }
    const word = this.#word();
    const known = WORDS[word];
    return known ?? new Reader(shapeOf(word), this.#isStrict).whole();
  }

  #object(): Schema {
    const members: Members = { properties: {}, required: [], open: !this.#isStrict };
    do this.#member(members);
    while (this.#takes(","));
    this.#demand("}");
    const { properties, required, open } = members;
    return { type: "object", properties, required, additionalProperties: open };
  }

  #member(members: Members): void {
    if (this.#takes("...")) {
      const word = this.#word();
      if (word === "any") members.open = true;
      else {
        const inner = new Reader(shapeOf(word).slice(1), this.#isStrict);
        do inner.#member(members);
        while (inner.#takes(","));
      }
      return;
    }
    const name = this.#word();
    const isOptional = this.#takes("?");
    members.properties[name] = this.#takes(":") ? this.#type() : { type: "string" };
    if (!isOptional) members.required.push(name);
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #demand(token: string): void {
    if (!this.#takes(token)) throw this.#unexpected();
  }

  #word(): string {
    const token = this.#tokens[this.#at] ?? "";
    if (!/^\w+$/.test(token)) throw this.#unexpected();
    this.#at += 1;
    return token;
  }

  #unexpected(): Error {
    return new Error(`unexpected ${this.#tokens[this.#at] ?? "end"} in ${this.#tokens.join(" ")}`);
  }
}

function shapeOf(name: string): string {
  const shape = NAMED_SHAPES[name];
  if (shape === undefined) throw new Error(`no shape is called ${name}`);
  return shape;
}

/**
 * The schemas by the names of the commands.
 *
 * @param isStrict whether fields are refused that a schema does not name. Those that are published
 * let them pass: later versions may add some
 */
export const jsonSchemas = (isStrict = false): Readonly<Record<string, Schema>> =>
  Object.fromEntries(
    Object.entries(JSON_OUTPUTS).map(([name, { shape, note }]) => [
      name.replaceAll(" ", "-"),
      {
        $schema: "http://json-schema.org/draft-07/schema#",
        title: name === "error" ? "an error" : `vault ${name === "version" ? "--version" : name} --json`,
        ...(note === undefined ? {} : { description: note }),
        ...new Reader(shape, isStrict).whole(),
      },
    ]),
  );
