/*
 * A fuzzer of every parser with four oracles: none ends the process (as a full stack does
 * natively), throws what is no answer, takes long, or takes much memory. The seeds are what once
 * did, and each is damaged at random. For more, and others:
 *
 *   GIT_VAULT_LONG_TESTS=1 GIT_VAULT_SEED=$RANDOM npx vitest run test/fuzz.test.ts
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cases, run, seed, temporaryFolder } from "@git-vault/testkit";
import { bundleProgram } from "@git-vault/testkit/program";
import { expect, test } from "vitest";

/** Milliseconds of the processor for one text of at most 200 KiB, and MiB for the whole process. */
const MOST_TIME = 10_000;
const MOST_MEMORY = 1500;

const nested = (open: string, close: string): string[] =>
  [1000, 1500, 2000, 2500, 3000, 20_000].map((depth) => `a: ${open.repeat(depth)}${close.repeat(depth)}\n`);

const CIPHERTEXT = '"ENC[AES256_GCM,data:eA==,iv:eHh4eHh4eHh4eHh4,tag:eHh4eHh4eHh4eHh4eHh4eA==,type:str]"';

const SEEDS: readonly (string | Buffer)[] = [
  ...nested("[", "]"),
  ...nested('{"a":', "}"),
  ...nested("- ", ""),
  ...nested("? ", ""),
  ...nested("&a ", ""),
  ...nested("!x ", ""),
  ...nested("{a: [", "]}"),
  Array.from({ length: 3000 }, (_, at) => `${" ".repeat(at)}a:`).join("\n"),
  '{"allOf": [{"$ref": "#"}]}',
  '{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}',
  `{"pattern":"${"(".repeat(3000)}${")".repeat(3000)}"}`,
  `{"pattern":"(a*)*b","multipleOf":1e-300}`,
  '{"multipleOf":0,"minLength":1e308,"properties":{"a":{"multipleOf":1e-323}}}',
  `a: &a [x, x]\n${Array.from({ length: 40 }, (_, at) => `b${at}: &b${at} [*a, *a]\n`).join("")}`,
  "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: https://a}}]\nusers: [{name: u, user: {token: x, exec: {command: a}}}]\n",
  "---\n# Source: a/b.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n".repeat(200),
  "archives:\n  - {name: a, version: 1.0.0, repository: https://a, sha256: x}\n",
  "a".repeat(100_000),
  "- ".repeat(100_000),
  ": ".repeat(100_000),
  "{{".repeat(50_000),
  "-----BEGIN X-----\n".repeat(5000),
  "key: value\n".repeat(10_000),
  "🧨\u2028\u0000\ufeff".repeat(10_000),
  gzipSync(Buffer.alloc(100 * 2 ** 20)),
  gzipSync(Buffer.alloc(2048, "a")),
  sops(`encrypted_regex: "${"(x?){900}".repeat(4)}[yz]"`, `{${keys(10, 8000)}}`),
  sops(`encrypted_regex: "${"x{1000}".repeat(900)}"`, "{}"),
  sops("unencrypted_suffix: _no", `{${"k".repeat(90_000)}: [${`${CIPHERTEXT}, `.repeat(900)}]}`),
  `releases: [{ name: a${"-".repeat(150_000)}a, chart: ./app }]\n# ${"{{`".repeat(50_000)}\n`,
  `hubs: [${"{ name: a, helm_chart: app }, ".repeat(2000)}]\n`,
];

/** As sops leaves it, with a rule of what is encrypted. */
function sops(rule: string, values: string): string {
  return `a: ${values}\nb: "${CIPHERTEXT.slice(1, -1)}"\nsops: { mac: x, lastmodified: "2026-01-01T00:00:00Z", age: [], ${rule} }\n`;
}

function keys(count: number, length: number): string {
  return Array.from({ length: count }, (_, at) => `${"x".repeat(length)}${at}: 1`).join(", ");
}

/** Numbers from a seed (mulberry32). */
function randomFrom(start: number): (most: number) => number {
  let state = start;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

function damaged(bytes: Buffer, random: (most: number) => number): Buffer {
  const [at, length] = [random(bytes.length + 1), 1 + random(Math.max(1, bytes.length >> 1))];
  const piece = bytes.subarray(at, at + length);
  const rest = [bytes.subarray(0, at), bytes.subarray(at + length)] as const;
  const ways = [
    () => Buffer.concat([...rest]),
    () => Buffer.concat([rest[0], piece, piece, rest[1]]),
    () => Buffer.concat([rest[0], Buffer.from([random(256)]), bytes.subarray(at)]),
    () => Buffer.concat([rest[1], piece, rest[0]]),
    () => Buffer.concat([rest[0], Buffer.from("[]{}:-?&*!|>'\"\n#,".repeat(1 + random(4))), piece, rest[1]]),
  ];
  return (ways[random(ways.length)]?.() ?? bytes).subarray(0, 200 * 1024);
}

test("no text ends, stops or fills a process that parses it", async () => {
  using folder = temporaryFolder();
  const fuzz = join(import.meta.dirname, "../fuzz");
  const program = await bundleProgram(join(fuzz, "lines.mjs"), folder.path);
  const listed = await run(process.execPath, [join(fuzz, "run.mjs"), "--list", "--json"]);
  const targets: string[] = JSON.parse(listed.stdout.toString());
  const start = seed(20_261_130);
  const random = randomFrom(start);
  const seeds = SEEDS.map((text) => Buffer.from(text));
  const texts = [
    ...seeds,
    ...Array.from({ length: cases(40, 20_000) }, () => {
      let text: Buffer = seeds[random(seeds.length)] ?? Buffer.alloc(0);
      for (let times = 1 + random(3); times > 0; times -= 1) text = damaged(text, random);
      return text;
    }),
  ];
  const input = texts.map((text) => `${text.toString("base64")}\n`).join("");
  const { status, signal, stdout, stderr } = await run(process.execPath, [program], { input });
  const results = stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { target: string; defect: string | null; ms: number; mib: number });
  const textOf = (at: number): string | undefined => texts[Math.floor(at / targets.length)]?.toString("latin1", 0, 200);
  const { length } = results;
  const died = length < texts.length * targets.length ? `${targets[length % targets.length]}: ${textOf(length)}` : null;
  expect({ seed: start, status, signal, died, stderr: stderr.slice(0, 500) }).toEqual({
    seed: start,
    status: 0,
    signal: null,
    died: null,
    stderr: "",
  });
  const wrong = results.flatMap((result, at) =>
    result.defect === null && result.ms < MOST_TIME && result.mib < MOST_MEMORY
      ? []
      : [{ ...result, text: textOf(at) }],
  );
  expect(wrong).toEqual([]);
}, 1_800_000);
