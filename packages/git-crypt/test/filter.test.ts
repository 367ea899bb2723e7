import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { peer, temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import {
  encryptBlob,
  filterContent,
  GitCryptError,
  openRepository,
  parseKeyFile,
  type Repository,
  runFilter,
  type FilterOptions,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { sealed } from "./sealed.ts";
import { vector } from "./vectors.ts";

const keyFile = parseKeyFile(vector("default.key"));
const packet = (bytes: Uint8Array | string): Buffer => {
  const content = Buffer.from(bytes as string, "latin1");
  return Buffer.concat([Buffer.from((content.length + 4).toString(16).padStart(4, "0")), content]);
};
const FLUSH = Buffer.from("0000");
const lines = (...texts: string[]): Buffer => Buffer.concat([...texts.map((text) => packet(`${text}\n`)), FLUSH]);
const contentOf = (content: Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += 65_516) parts.push(packet(content.subarray(at, at + 65_516)));
  return Buffer.concat([...parts, FLUSH]);
};
const greeting = [
  lines("git-filter-client", "version=2"),
  lines("capability=clean", "capability=smudge", "capability=delay", "capability=unheard-of"),
];
const answered = [lines("git-filter-server", "version=2"), lines("capability=clean", "capability=smudge")];

/** A repository with the published key, in a folder that is none. */
const stub = (error?: Error): Repository => {
  const folder = tmpdir();
  return {
    topLevel: null,
    gitDir: folder,
    commonDir: folder,
    env: process.env,
    generations: () => null,
    keyNames: () => ["default"],
    readKey: () => {
      if (error !== undefined) throw error;
      return { bytes: vector("default.key"), keyFile: parseKeyFile(vector("default.key")) };
    },
  };
};

function filter(repository: Repository, input: Buffer, options?: FilterOptions): Buffer {
  using folder = temporaryFolder();
  const [from, to] = [join(folder.path, "in"), join(folder.path, "out")];
  writeFileSync(from, input);
  const [reading, writing] = [openSync(from, "r"), openSync(to, "w")];
  try {
    runFilter(repository, reading, writing, options);
  } finally {
    closeSync(reading);
    closeSync(writing);
  }
  return readFileSync(to);
}

const request = (command: string, content: Buffer): Buffer =>
  Buffer.concat([lines(`command=${command}`, "pathname=a=b\xff", "treeish=1", "unknown=x"), contentOf(content)]);
const success = (content: Uint8Array): Buffer =>
  Buffer.concat([lines("status=success"), contentOf(Buffer.from(content)), FLUSH]);

describe("filterContent", () => {
  test("undoes itself, and clean does nothing twice", async () => {
    using source = await sealed({});
    const { keyFile: own } = source.opened.readKey();
    for (const content of [0, 1, 22, 300].map((size) => Buffer.alloc(size, "content"))) {
      const blob = filterContent(source.opened, "clean", content);
      expect(Buffer.from(blob)).toEqual(encryptBlob(own, content));
      expect(filterContent(source.opened, "clean", blob)).toBe(blob);
      expect(Buffer.from(filterContent(source.opened, "smudge", blob))).toEqual(content);
    }
  });

  test("encrypts what only looks encrypted, and smudges it to itself; plaintext passes smudge whole", async () => {
    using source = await sealed({});
    const { opened } = source;
    const forged = Buffer.concat([Buffer.from("\0GITCRYPT\0"), Buffer.alloc(30)]);
    expect(filterContent(opened, "clean", forged)).toEqual(encryptBlob(opened.readKey().keyFile, forged));
    const reasons: string[] = [];
    const onSealed = ({ message }: GitCryptError): void => void reasons.push(message);
    for (const blob of [forged, forged.subarray(0, 21)]) {
      expect(filterContent(opened, "smudge", Buffer.from(blob), { onSealed })).toEqual(blob);
    }
    expect(reasons).toEqual([
      "no key in this clone opens it: it was encrypted with another key, or changed afterwards",
      "it was changed after it was encrypted",
    ]);
    for (const text of ["", "x", "at most 22 bytes here", "\0GITCRYPT"]) {
      expect(Buffer.from(filterContent(opened, "smudge", Buffer.from(text))).toString()).toBe(text);
    }
  });
});

describe("runFilter", () => {
  test("greets, cleans and smudges any number of files in one process", () => {
    const sizes = [0, 1, 65_515, 65_516, 65_517, 131_032, 400_000];
    const contents = sizes.map((size) => Buffer.alloc(size, "content "));
    const blobs = contents.map((content) => encryptBlob(keyFile, content));
    const input = Buffer.concat([
      ...greeting,
      ...contents.map((content) => request("clean", content)),
      ...blobs.map((blob) => request("smudge", blob)),
    ]);
    const expected = Buffer.concat([...answered, ...blobs.map(success), ...contents.map(success)]);
    expect(filter(stub(), input).equals(expected)).toBe(true);
  });

  test("offers only what git knows, and ends with its input", () => {
    expect(filter(stub(), Buffer.alloc(0))).toHaveLength(0);
    expect(filter(stub(), greeting[0] ?? FLUSH)).toEqual(answered[0]);
    const input = Buffer.concat([lines("git-filter-client", "version=2", "version=3"), lines("capability=clean")]);
    expect(filter(stub(), input)).toEqual(
      Buffer.concat([lines("git-filter-server", "version=2"), lines("capability=clean")]),
    );
  });

  test("answers a file that fails with an error, says why, and goes on; what no key opens stays as it is", () => {
    const failures: [unknown, string][] = [];
    const left: unknown[] = [];
    const blob = Buffer.concat([Buffer.from("\0GITCRYPT\0"), Buffer.alloc(30)]);
    const input = Buffer.concat([
      ...greeting,
      request("smudge", blob),
      request("smudge", Buffer.alloc(30, "\0GITCRYPT\0")),
      request("list_available_blobs", Buffer.alloc(0)),
      request("clean", Buffer.from("x")),
    ]);
    const output = filter(stub(), input, {
      onError: (...failure) => failures.push(failure),
      onSealed: ({ code }, files) => left.push([code, files]),
    });
    const parts = [success(blob), success(Buffer.alloc(30, "\0GITCRYPT\0")), lines("status=error")];
    expect(output).toEqual(Buffer.concat([...answered, ...parts, success(encryptBlob(keyFile, Buffer.from("x")))]));
    expect(failures.map(([cause, path]) => [(cause as GitCryptError).code, path])).toEqual([
      ["BAD_PROTOCOL", "a=b\\xff"],
    ]);
    expect(left).toEqual([["TAMPERED_BLOB", ["a=b\\xff", "a=b\\xff"]]]);
  });

  test("without its key refuses every file, so that none is stored in the clear", () => {
    const error = new GitCryptError("LOCKED", "the repository is locked");
    const output = filter(stub(error), Buffer.concat([...greeting, request("clean", Buffer.from("x"))]));
    expect(output).toEqual(Buffer.concat([...answered, lines("status=error")]));
  });

  test.each([
    ["a terminal's text", Buffer.from("hello\n")],
    ["another protocol", lines("git-filter-client", "version=3")],
    ["another client", lines("git-lfs-client", "version=2")],
    ["a packet cut off", Buffer.concat([...greeting, Buffer.from("0010comm")])],
    ["a length cut off", Buffer.concat([...greeting, Buffer.from("00")])],
    ["a length that cannot be", Buffer.concat([...greeting, Buffer.from("0003")])],
    ["a packet too long", Buffer.concat([...greeting, Buffer.from("fff1"), Buffer.alloc(70_000)])],
    ["a list cut off", Buffer.concat([...greeting, packet("command=clean\n")])],
    ["a content cut off", Buffer.concat([...greeting, lines("command=clean"), packet("x")])],
  ])("refuses %s", (_, input) => {
    expect(errorOf("BAD_PROTOCOL", () => filter(stub(), input)).message).not.toBe("");
  });

  test("of arbitrary bytes throws nothing but its typed error", () => {
    const hostile = fc.array(
      fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...greeting, FLUSH, packet("command=clean\n"))),
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        let thrown: unknown = null;
        try {
          filter(stub(), Buffer.concat([greeting[0] ?? FLUSH, ...parts]));
        } catch (error) {
          thrown = error;
        }
        expect(thrown === null || thrown instanceof GitCryptError).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

const gitCrypt = peer("git-crypt");

describe.skipIf(gitCrypt.missing)(`with ${gitCrypt.label}`, () => {
  test("what clean gives is the same, byte for byte, for a hundred sizes up to 8 MiB", async () => {
    using source = await sealed({});
    const key = openRepository(source.repo.path, source.repo).readKey().keyFile;
    const small = Array.from({ length: 40 }, (_, size) => size);
    const around = [64, 4096, 65_516, 65_536, 1_000_000].flatMap((size) => [size - 1, size, size + 1]);
    const rest = Array.from({ length: 44 }, (_, at) => Math.floor(50 * 1.28 ** at)).filter((size) => size < 2 ** 23);
    const sizes = [...new Set([...small, ...around, ...rest, 2 ** 23])];
    while (sizes.length < 100) sizes.push(5000 + 17 * sizes.length);
    for (const size of sizes) {
      const content = Buffer.alloc(size, `${size} bytes of \0 and \xff `, "latin1");
      const { stdout } = spawnSync(gitCrypt.path, ["clean"], {
        cwd: source.repo.path,
        env: source.repo.env,
        input: content,
        maxBuffer: 2 ** 24,
      });
      expect({ size, same: stdout.equals(encryptBlob(key, content)) }).toEqual({ size, same: true });
    }
    expect(sizes.length).toBeGreaterThanOrEqual(100);
  });
});
