// The page on deploy.yaml, from its JSON Schema.

const link = (name) => `[${name}](#${name.toLowerCase()})`;
/** A text on a page or in its tables, of which nothing is theirs or Vue's. */
export const asText = (words = "") => words.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("{", "&#123;");

/** What a value may be one of; undefined where it is one thing. */
const choicesOf = ({ anyOf, oneOf, then, else: otherwise }) =>
  anyOf ?? oneOf ?? (then === undefined ? undefined : [then, otherwise]);

/** What a value may be, in a few words. */
function typeOf(schema) {
  if (schema.$ref !== undefined) return link(schema.$ref.split("/").at(-1));
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  const either = choicesOf(schema);
  if (either !== undefined) return either.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${schema.items === undefined ? "anything" : typeOf(schema.items)}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return `map of names to ${typeOf(schema.additionalProperties)}`;
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  return schema.type ?? "anything";
}

/** The settings of an object, a row each. */
function rowsOf({ properties = {}, required = [] }) {
  const rows = Object.entries(properties).map(
    ([name, schema]) =>
      `| \`${name}\`${required.includes(name) ? " (required)" : ""} | ${typeOf(schema)} | ${asText(schema.description)} |`,
  );
  return rows.length === 0 ? "" : `| setting | type | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** Where an object stands among what a value may be. */
const objectsIn = (schema) =>
  schema.properties !== undefined ? [schema] : (choicesOf(schema) ?? []).flatMap(objectsIn);

/** The page, of the schema. */
export function schemaPage(schema) {
  const definitions = Object.entries(schema.definitions ?? {}).map(([name, definition]) => {
    const objects = objectsIn(definition).map(rowsOf).join("\n");
    const words = definition.description === undefined ? typeOf(definition) : asText(definition.description);
    return `## ${name}\n\n${words}\n\n${objects}`;
  });
  return `# deploy.yaml\n\n${asText(schema.description)}\n\nEditors that know JSON Schema check it with \`deploy.schema.json\` of \`@git-vault/deploy\`.\n\n${rowsOf(schema)}\n${definitions.join("\n")}`;
}
