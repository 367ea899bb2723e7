/*
 * JSON Schemas of charts that lead out of their file. Helm would fetch what they name, over the
 * network or from the disk, wherever a chart is rendered.
 */
import { posix } from "node:path";
import { DeployError } from "../errors.ts";
import { isMap, readJson } from "../values/value.ts";
import { readArchive } from "./tar.ts";

/** Archives within archives, deeper than anybody needs. */
const MOST_DEPTH = 8;
/** What all of them may unpack to, in bytes. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Asserts that no schema among a chart's files, in archives too, leads out of its file.
 *
 * @param files of the chart, by their paths, which errors name
 * @throws DeployError FOREIGN_SCHEMA; NOT_A_CHART for an archive that is none
 */
export function assertOwnSchemas(files: Iterable<readonly [path: string, content: Buffer]>): void {
  for (const [path, content] of filesWithin(files))
    if (posix.basename(path.replaceAll("\\", "/")) === "values.schema.json") assertOwn(path, content);
}

/**
 * A chart's files, and those of the archives among them in place of these: `charts/x.tgz:x/y`.
 *
 * @throws DeployError NOT_A_CHART for an archive that is none
 */
export const filesWithin = (files: Iterable<readonly [path: string, content: Buffer]>): readonly File[] =>
  unpacked(files, 0, { bytes: MOST_BYTES });

type File = readonly [path: string, content: Buffer];

function unpacked(files: Iterable<File>, depth: number, room: { bytes: number }): File[] {
  return Array.from(files).flatMap(([path, content]) => {
    // Helm takes a backslash in an archive for a slash.
    if (!/(?:^|\/)charts\/[^/]+\.tgz$/.test(path.replaceAll("\\", "/"))) return [[path, content] as const];
    const inner = filesIn(path, content, depth, room);
    return unpacked(
      Array.from(inner, ([of, bytes]) => [`${path}:${of}`, bytes] as const),
      depth + 1,
      room,
    );
  });
}

function filesIn(path: string, content: Buffer, depth: number, room: { bytes: number }): Map<string, Buffer> {
  const place = { file: path.replace(/:.*$/s, "") };
  if (depth >= MOST_DEPTH)
    throw new DeployError("NOT_A_CHART", `${path}: archives lie in archives more than ${MOST_DEPTH} deep`, { place });
  try {
    const files = readArchive(content, room.bytes);
    for (const bytes of files.values()) room.bytes -= bytes.length;
    return files;
  } catch (cause) {
    throw new DeployError("NOT_A_CHART", `${path}: expected a chart's archive, got something else`, { place, cause });
  }
}

function assertOwn(path: string, content: Buffer): void {
  const schema = readJson(content.toString().replace(/^\uFEFF/, ""));
  const reason = schema === undefined ? "it is no JSON, or nested too deeply" : wayOut(schema);
  if (reason === null) return;
  throw new DeployError("FOREIGN_SCHEMA", `${path} cannot be used: ${reason}`, {
    hint: "put what it refers to into the file, and refer to it by #/…",
    place: { file: path.replace(/:.*$/s, "") },
  });
}

/** What refers, in any draft, wherever it stands: what looks like data may be referred to. */
const REFERENCES = ["$ref", "$dynamicRef", "$recursiveRef"] as const;

/** The drafts that Helm's validators have within them. */
const DIALECT = /^https?:\/\/json-schema\.org\/(?:draft-0[467]\/schema|draft\/20(?:19-09|20-12)\/schema|schema)#?$/;

/** How a schema leads out of its file; null where it does not. */
export function wayOut(schema: unknown): string | null {
  const own = isMap(schema) ? [schema["$id"], schema["id"]].filter((id) => typeof id === "string") : [];
  const isOwn = (reference: string): boolean => {
    const [to = ""] = reference.split("#", 1);
    return to === "" || own.some((id) => id.split("#", 1)[0] === to);
  };
  const waiting: unknown[] = [schema];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (Array.isArray(part)) for (const item of part) waiting.push(item);
    if (!isMap(part)) continue;
    for (const key of REFERENCES) {
      const reference = part[key];
      if (typeof reference === "string" && !isOwn(reference)) return `a ${key} in it leads out of the file`;
    }
    const dialect = part["$schema"];
    if (typeof dialect === "string" && !DIALECT.test(dialect)) return "its $schema is no draft that Helm has within it";
    for (const value of Object.values(part)) waiting.push(value);
  }
  return null;
}
