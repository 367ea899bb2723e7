import { gunzipSync } from "node:zlib";

const BLOCK = 512;
/** The most that an archive may unpack to: 64 MiB. Helm's own limit is 100 MiB. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Headers that nothing follows, whatever size they tell: links, devices, folders. */
const HEADER_ONLY = /^[1-6]$/;

/**
 * The files of a chart's archive, by their names, as Helm (Go's archive/tar) reads them: gzip over
 * ustar and pax (IEEE Std 1003.1) or GNU's own format. To Helm, a link is an empty file.
 *
 * Libraries were looked at: nanotar leaves out ustar's prefix, and the others read streams alone.
 *
 * @param most what it may unpack to, in bytes
 * @throws Error where the bytes are no such archive
 */
export function readArchive(archive: Uint8Array, most: number = MOST_BYTES): Map<string, Buffer> {
  const bytes = gunzipSync(archive, { maxOutputLength: Math.max(1, Math.min(most, MOST_BYTES)) });
  const files = new Map<string, Buffer>();
  /** What headers of their own say of the next file. */
  let [longName, records] = ["", new Map<string, string>()];
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    assertSum(header);
    const type = textAt(header, 156, 1) || "0";
    const size = HEADER_ONLY.test(type) ? 0 : Number(records.get("size") ?? numberAt(header, 124, 12));
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (!Number.isSafeInteger(size) || content.length !== size) throw new Error("the archive is cut off");
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "L") longName = textAt(content, 0, size);
    else if (type === "x") records = recordsIn(content);
    else if (type === "S") throw new Error("the archive holds a sparse file");
    else if (type !== "K") {
      const name = longName || records.get("path") || nameIn(header);
      if (type !== "g" && type !== "5" && !name.endsWith("/")) files.set(name, content);
      [longName, records] = ["", new Map()];
    }
  }
  return files;
}

const textAt = (bytes: Buffer, start: number, length: number): string =>
  bytes.toString("utf8", start, start + length).replace(/\0[\s\S]*$/, "");

/** In base 8; not a number where it is in another base, as sizes are that no chart has. */
const numberAt = (header: Buffer, start: number, length: number): number =>
  Number(`0o${textAt(header, start, length).trim() || "0"}`);

/** The sum of a header's bytes, in which the sum itself counts as spaces. */
function assertSum(header: Buffer): void {
  const own = header.subarray(148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0) - own.reduce((total, byte) => total + byte, 0);
  if (sum + own.length * 0x20 !== numberAt(header, 148, 8)) throw new Error("the archive is damaged");
}

/** GNU's format has other things where ustar has the beginning of long names. */
function nameIn(header: Buffer): string {
  const prefix = textAt(header, 257, 6) === "ustar" && header[262] === 0 ? textAt(header, 345, 155) : "";
  return (prefix === "" ? "" : `${prefix}/`) + textAt(header, 0, 100);
}

/** The records of a pax header: `LENGTH KEY=VALUE`, each with a newline at its end. */
function recordsIn(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length;) {
    const length = Number(/^(\d+) /.exec(content.toString("latin1", at, at + 20))?.[1]);
    const [, key, value] = /^\d+ ([^=]*)=([\s\S]*)\n$/.exec(content.toString("utf8", at, at + length)) ?? [];
    if (key === undefined || value === undefined || at + length > content.length)
      throw new Error("the archive has a damaged pax header");
    records.set(key, value);
    at += length;
  }
  return records;
}
