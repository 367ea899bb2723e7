import { gunzipSync } from "node:zlib";

const BLOCK = 512;
/** The most that an archive may unpack to: 64 MiB. Helm's own limit is 100 MiB. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The regular files of a chart's archive, by their names: gzip over POSIX's ustar and pax (IEEE Std
 * 1003.1), as Go writes it.
 *
 * @param most what it may unpack to, in bytes
 * @throws Error where the bytes are no such archive
 */
export function readArchive(archive: Uint8Array, most: number = MOST_BYTES): Map<string, Buffer> {
  const bytes = gunzipSync(archive, { maxOutputLength: Math.max(1, Math.min(most, MOST_BYTES)) });
  const files = new Map<string, Buffer>();
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const header = bytes.subarray(at, at + BLOCK);
    const size = Number.parseInt(field(header, 124, 12).trim() || "0", 8);
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (!Number.isSafeInteger(size) || content.length !== size) throw new Error("the archive is cut off");
    const type = String.fromCodePoint(header[156] ?? 0);
    if (type === "x") longName = /\d+ path=(.*)\n/.exec(content.toString())?.[1];
    if (type === "0" || type === "\0") {
      const prefix = field(header, 345, 155);
      files.set(longName ?? (prefix === "" ? "" : `${prefix}/`) + field(header, 0, 100), content);
    }
    if (type !== "x") longName = undefined;
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

const field = (header: Buffer, start: number, length: number): string =>
  header.toString("utf8", start, start + length).replace(/\0[\s\S]*$/, "");
