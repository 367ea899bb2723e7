import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { peer, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArchive } from "../src/charts/tar.ts";
import { filesOfArchive } from "../src/charts/loaded-chart.ts";
import { HELMS } from "./cluster-world.ts";

/** A path of 144 bytes, one of 100 to its last folder, and one that is not ASCII. */
const LONG = `templates/${"folder-of-30-characters-or-so/".repeat(4)}${"x".repeat(9)}.yaml`;
const SPLIT = `files/${"d".repeat(90)}/${"f".repeat(80)}.txt`;
const FILES: Readonly<Record<string, string>> = {
  "Chart.yaml": "apiVersion: v2\nname: hub\nversion: 1.0.0\n",
  "values.yaml": "a: 1\n",
  "empty.txt": "",
  "block.bin": "b".repeat(512),
  "ünïcode/名.txt": "name",
  [SPLIT]: "split",
  [LONG]: 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: long}\ndata: {files: "{{ .Files.Get "empty.txt" }}"}\n',
};
const HUB = Object.fromEntries(Object.entries(FILES).map(([path, content]) => [`hub/${path}`, content]));

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder();
  for (const [path, content] of Object.entries(HUB)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), content);
  }
});
afterAll(() => folder.remove());

function tar(name: string, ...options: string[]): Buffer {
  execFileSync("tar", ["-czf", name, ...options, "hub"], { cwd: folder.path });
  return readFileSync(join(folder.path, name));
}

const textsIn = (files: ReadonlyMap<string, Buffer>): Record<string, string> =>
  Object.fromEntries([...files].map(([path, content]) => [path, content.toString()]));

describe("an archive of GNU tar", () => {
  test.each(["gnu", "oldgnu", "pax", "posix", "ustar"])("in the format %s is read, long names and all", (format) => {
    const named = Object.fromEntries(Object.entries(HUB).filter(([path]) => format !== "ustar" || path.length <= 256));
    expect(textsIn(readArchive(tar(`${format}.tgz`, `--format=${format}`)))).toEqual(named);
  });

  test("in the format v7 is read, where names fit", () => {
    const short = [`--exclude=${"d".repeat(90)}`, "--exclude=folder-of*"];
    const { [`hub/${SPLIT}`]: _, [`hub/${LONG}`]: __, ...rest } = HUB;
    expect(textsIn(readArchive(tar("v7.tgz", "--format=v7", ...short)))).toEqual(rest);
  });

  test("with a long link before a file keeps the file's own name", () => {
    const at = join(folder.path, "linked");
    mkdirSync(at);
    symlinkSync("t".repeat(200), join(at, "a"));
    writeFileSync(join(at, "b"), "text");
    const options = ["-czf", "linked.tgz", "--format=gnu", "linked/a", "linked/b"];
    execFileSync("tar", options, { cwd: folder.path });
    const files = readArchive(readFileSync(join(folder.path, "linked.tgz")));
    expect(textsIn(files)).toEqual({ "linked/a": "", "linked/b": "text" });
  });
});

describe.each(HELMS.filter(({ missing }) => !missing))("beside $label", ({ path: helm }) => {
  const run = (...words: string[]): string =>
    execFileSync(helm, words, { cwd: folder.path, encoding: "utf8", env: { HOME: folder.path, PATH: "" } });

  test("an archive that it packs is read", () => {
    run("package", "hub", "--destination", "packed");
    expect(textsIn(filesOfArchive(readFileSync(join(folder.path, "packed/hub-1.0.0.tgz"))))).toEqual(FILES);
  });

  test.each(["gnu", "pax"])("the long name of a template is the one that it renders by (%s)", (format) => {
    tar("chart.tgz", `--format=${format}`);
    expect(run("template", "chart.tgz")).toContain(`# Source: hub/${LONG}\n`);
    expect([...filesOfArchive(readFileSync(join(folder.path, "chart.tgz"))).keys()]).toContain(LONG);
  });
});

/** A header of ustar, with a right sum. */
function header(name: string, { size = 0, type = "0", magic = "ustar\x0000", rest = "" } = {}): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write(" ".repeat(8), 148);
  block.write(type, 156);
  block.write(magic, 257, "latin1");
  block.write(rest, 345, "latin1");
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  return block;
}

const padded = (text: string): Buffer =>
  Buffer.concat([Buffer.from(text), Buffer.alloc(-Buffer.byteLength(text) & 511)]);
const file = (name: string, text: string, more: { type?: string; magic?: string; rest?: string } = {}): Buffer =>
  Buffer.concat([header(name, { size: Buffer.byteLength(text), ...more }), padded(text)]);
const END = Buffer.alloc(1024);
const read = (...blocks: Buffer[]): Record<string, string> =>
  textsIn(readArchive(gzipSync(Buffer.concat([...blocks, END]))));

describe("a hostile archive", () => {
  test.each<[string, Buffer[], Record<string, string>]>([
    ["a name that is empty hides nothing after it", [file("", "a"), file("b", "b")], { "": "a", b: "b" }],
    [
      "what a folder seems to hold is the next file",
      [header("d/", { size: 512, type: "5" }), file("b", "b")],
      { b: "b" },
    ],
    [
      "what a link seems to hold is the next file",
      [header("l", { size: 512, type: "2" }), file("b", "b")],
      { l: "", b: "b" },
    ],
    [
      "a name is that of the next file alone",
      [file("long", "n", { type: "L" }), file("a", "a"), file("b", "b")],
      { n: "a", b: "b" },
    ],
    [
      "GNU's name counts more than that of pax",
      [file("p", "12 path=pax\n", { type: "x" }), file("l", "gnu", { type: "L" }), file("a", "a")],
      { gnu: "a" },
    ],
    ["a global header says nothing of a file", [file("g", "12 path=pax\n", { type: "g" }), file("a", "a")], { a: "a" }],
    [
      "pax says the size",
      [file("p", "10 size=3\n", { type: "x" }), header("a", { size: 9 }), padded("abc")],
      { a: "abc" },
    ],
    ["GNU's times are no part of a name", [file("a", "a", { magic: "ustar  \0", rest: "00000000001" })], { a: "a" }],
    ["the last of two files with one name counts", [file("a", "1"), file("a", "2")], { a: "2" }],
  ])("%s", (_, blocks, files) => {
    expect(read(...blocks)).toEqual(files);
  });

  test.each<[string, Buffer[], RegExp]>([
    ["is cut off", [header("a", { size: 5000 })], /cut off/],
    ["has another sum", [Buffer.from(file("a", "a").map((byte, at) => (at === 0 ? 0x62 : byte)))], /damaged/],
    ["has a damaged pax header", [file("p", "99 path=x\n", { type: "x" }), file("a", "a")], /pax header/],
    ["has a sparse file", [file("a", "a", { type: "S" })], /sparse/],
    ["has a negative size in pax", [file("p", "11 size=-9\n", { type: "x" }), file("a", "a")], /cut off/],
  ])("that %s is refused", (_, blocks, reason) => {
    expect(() => read(...blocks)).toThrow(reason);
  });

  test("with a size in base 256 is refused", () => {
    const block = header("a");
    block[124] = 0x80;
    block.write(" ".repeat(8), 148);
    block.write(
      `${block
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    expect(() => read(block)).toThrow(/cut off/);
  });

  test("that unpacks to more than is let is refused before it is unpacked", () => {
    const bomb = gzipSync(Buffer.concat([file("a", "a".repeat(100_000)), END]));
    expect(bomb.length).toBeLessThan(1000);
    expect(() => readArchive(bomb, 50_000)).toThrow(RangeError);
    expect(gunzipSync(bomb).length).toBeGreaterThan(100_000);
  });
});

test.skipIf(peer("helm4").missing)("what Helm makes of links and folders is what is read", () => {
  const at = join(folder.path, "odd.tgz");
  const blocks = [
    file("odd/Chart.yaml", "apiVersion: v2\nname: odd\nversion: 1.0.0\n"),
    header("odd/values.yaml", { type: "2" }),
    file("odd/templates/a.yaml", 'kind: A\napiVersion: v1\nmetadata: {name: "{{ len (.Files.Get "note") }}"}\n'),
    file("odd/note", "seven!!"),
    header("odd/note", { type: "1" }),
  ];
  writeFileSync(at, gzipSync(Buffer.concat([...blocks, END])));
  const rendered = execFileSync(peer("helm4").path, ["template", at], {
    encoding: "utf8",
    env: { HOME: folder.path, PATH: "" },
  });
  const files = filesOfArchive(readFileSync(at));
  expect(rendered).toContain(`name: "${files.get("note")?.length}"`);
  expect(files.get("values.yaml")?.length).toBe(0);
});

test.each(["hub//etc/passwd", "hub/../../x", "hub/C:/x", "hub/a\\..\\..\\x"])(
  "a file that lies outside of its chart is refused: %s",
  (name) => {
    const archive = gzipSync(Buffer.concat([header(name), Buffer.alloc(1024)]));
    expect(() => filesOfArchive(archive)).toThrow("an archive holds a file that lies outside of its chart");
  },
);
