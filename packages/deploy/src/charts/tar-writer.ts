import { gzipSync } from "node:zlib";

const BLOCK = 512;

/**
 * Packs files as an archive (gzip over ustar) that Helm takes for a chart's. Nothing but names and
 * contents goes in, and nothing is compressed: it goes nowhere.
 */
export function writeArchive(files: Iterable<readonly [path: string, content: Buffer]>): Buffer {
  const blocks: Buffer[] = [];
  for (const [path, content] of files) {
    const name = Buffer.from(path);
    // What does not fit goes before, as GNU's format has it.
    if (name.length > 100) blocks.push(header("././@LongLink", name.length, "L"), padded(name));
    blocks.push(header(name.subarray(0, 100), content.length, "0"), padded(content));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 0 });
}

const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);

function header(name: string | Buffer, size: number, type: "0" | "L"): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): unknown =>
    block.write(value.toString(8).padStart(length - 1, "0"), at);
  block.set(typeof name === "string" ? Buffer.from(name) : name);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write(type, 156);
  block.write("ustar\u000000", 257);
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
