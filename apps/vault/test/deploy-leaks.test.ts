import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, type RunResult, type TemporaryFolder, temporaryFolder, variants } from "@git-vault/testkit";
import { bundleProgram } from "@git-vault/testkit/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Every secret is a canary. Each command runs, in success and in each failure, under strace:
 * whatever it and the programs that it starts write to a file, put on a command line or print must
 * hold no canary, in no form.
 */
const helm = peer("helm4");
const strace = peer("strace");
const EXAMPLE = join(import.meta.dirname, "../../../docs/example/make.mjs");
const CANARY = /^ *[\w-]+: *"?(example-only-[\w-]+)/gm;

let folder: TemporaryFolder;
let project: string;
let key: string;
let canaries: string[];

/** Renders with the library, without the command. */
const RENDER = `import { Project } from "@git-vault/deploy";
await using project = await Project.open({ root: "." });
try {
  console.log((await project.environment("prod").render()).length);
} catch (error) {
  console.log(error.code, error.message, error.hint);
}
`;
let renderer: string;

const CLEAN = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };

beforeAll(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder.path, "render.mjs"), RENDER);
  renderer = await bundleProgram(join(folder.path, "render.mjs"), join(folder.path, "bundled"));
  project = join(folder.path, "example");
  const env = { PATH: process.env["PATH"], HOME: folder.path, ...CLEAN };
  execFileSync(process.execPath, [EXAMPLE, project, VAULT], { env, stdio: "ignore" });
  const secrets = join(project, "secrets");
  canaries = readdirSync(secrets, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => [...readFileSync(join(secrets, name), "utf8").matchAll(CANARY)].map((match) => match[1] ?? ""));
  // One that URLs, JSON and YAML have to escape.
  const layer = join(secrets, "config/prod.yaml");
  const text = readFileSync(layer, "utf8");
  const [line = "", plain = ""] = [...text.matchAll(CANARY)][0] ?? [];
  const awkward = `${plain} "7261"/&ü N`;
  writeFileSync(layer, text.replace(line, line.replace(/: .*/, `: ${JSON.stringify(awkward)}`)));
  const git = ["-C", project, "-c", "user.name=T", "-c", "user.email=t@example.org"];
  execFileSync("git", [...git, "commit", "--quiet", "--all", "--message", "an awkward secret"], { env });
  canaries.push(awkward);
  const keyBytes = readFileSync(join(project, ".git/git-crypt/keys/default"));
  key = keyBytes.toString("base64");
  canaries.push(key, keyBytes.subarray(40, 72).toString("base64"), keyBytes.subarray(40, 72).toString("hex"));
  execFileSync(VAULT, ["lock", "--without-copy"], { cwd: project, env, stdio: "ignore" });
});
afterAll(() => folder.remove());

/** Each canary in the forms that it may take. */
const forms = (): string[] =>
  canaries.flatMap((canary) => [
    canary,
    encodeURIComponent(canary),
    JSON.stringify(canary).slice(1, -1),
    // As a part of something longer, it begins at one of three places in a group.
    ...[0, 1, 2].map((offset) =>
      Buffer.from("x".repeat(offset) + canary)
        .toString("base64")
        .slice(offset === 0 ? 0 : offset + 1, -4),
    ),
  ]);

const found = (text: string): string[] => forms().filter((form) => text.includes(form));

/** What strace shows of bytes, as the bytes. */
const unescaped = (trace: string): string =>
  Buffer.from(
    trace.replaceAll(/\\x([\da-f]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16))),
    "latin1",
  ).toString("latin1");

interface Traced extends RunResult {
  /** Command lines, and the environments' place is left out. */
  readonly commands: string;
  /** What was written to files. */
  readonly files: string;
}

/** Runs a program under strace, which tells of each write where it went. */
async function traced(words: readonly string[], env: NodeJS.ProcessEnv): Promise<Traced> {
  const traces = join(folder.path, "traces");
  rmSync(traces, { recursive: true, force: true });
  mkdirSync(traces);
  const output = await run(
    strace.path,
    [
      "--seccomp-bpf",
      "-ff",
      "-qq",
      "-y",
      "-xx",
      "-s",
      "1000000",
      "-e",
      "trace=execve,write,pwrite64,writev,sendfile,copy_file_range",
      "-o",
      join(traces, "t"),
      ...words,
    ],
    {
      cwd: project,
      env: { PATH: process.env["PATH"], HOME: folder.path, HELM: helm.path, TMPDIR: folder.path, ...CLEAN, ...env },
    },
  );
  const lines = readdirSync(traces).flatMap((name) => readFileSync(join(traces, name), "latin1").split("\n"));
  const isFile = (line: string): boolean =>
    /^\w+\(\d+<(?:\\x[\da-f]{2})*>/.test(line) && !/^\w+\(\d+<\\x(?:70\\x69|73\\x6f|61\\x6e)/.test(line);
  return {
    ...output,
    commands: unescaped(lines.filter((line) => line.startsWith("execve(")).join("\n")),
    files: unescaped(lines.filter(isFile).join("\n")),
  };
}

const edited = (path: string, text: string): (() => void) => {
  const file = join(project, path);
  const env = { PATH: process.env["PATH"], HOME: folder.path, ...CLEAN };
  const git = (...args: string[]): Buffer =>
    execFileSync("git", ["-C", project, "-c", "user.name=T", "-c", "user.email=t@example.org", ...args], { env });
  writeFileSync(file, text);
  git("add", path);
  git("commit", "--quiet", "--no-verify", "-m", "a mistake");
  return () => {
    git("reset", "--quiet", "--hard", "HEAD~1");
  };
};

interface Run {
  readonly title: string;
  readonly args: readonly string[];
  readonly status: number;
  /** A commit to undo afterwards: a file and its text. */
  readonly mistake?: readonly [path: string, text: string];
}

const RUNS: readonly Run[] = [
  { title: "values", args: ["deploy", "values", "prod"], status: 0 },
  { title: "values as JSON", args: ["deploy", "values", "prod", "--json"], status: 0 },
  {
    title: "values, explained",
    args: ["deploy", "values", "prod", "--explain", "binderhub.hub.cookieSecret"],
    status: 0,
  },
  {
    title: "a map, explained, as JSON",
    args: ["deploy", "values", "prod", "--explain", "binderhub.hub", "--json"],
    status: 0,
  },
  { title: "values, revealed to what is no terminal", args: ["deploy", "values", "prod", "--reveal"], status: 2 },
  { title: "check", args: ["deploy", "check"], status: 0 },
  { title: "check as JSON", args: ["deploy", "check", "--json"], status: 0 },
  { title: "fetch", args: ["deploy", "fetch"], status: 0 },
  { title: "values of no environment", args: ["deploy", "values", "production"], status: 2 },
  { title: "values at no path", args: ["deploy", "values", "prod", "--explain", "no.where"], status: 2 },
  {
    title: "a layer that is no YAML",
    args: ["deploy", "values", "prod"],
    status: 5,
    mistake: ["config/prod.yaml", "a: b: c\n"],
  },
  {
    title: "a layer that is missing",
    args: ["deploy", "check"],
    status: 7,
    mistake: [
      "deploy.yaml",
      "chart: mybinder\nenvironments: {prod: {layers: [config/none.yaml, secrets/config/prod.yaml]}}\n",
    ],
  },
];

describe.skipIf(strace.missing || helm.missing)(
  `no canary is written, started with or printed, by ${strace.label}`,
  () => {
    test("and the trace would show it", async () => {
      const shown = await run(strace.path, [
        "-qq",
        "-y",
        "-xx",
        "-s",
        "1000",
        "-e",
        "trace=write",
        "sh",
        "-c",
        `echo ${canaries[0]} > ${folder.path}/x`,
      ]);
      expect(found(unescaped(shown.stderr))).not.toEqual([]);
      rmSync(join(folder.path, "x"));
    });

    test.each(RUNS)("$title", async ({ args, status, mistake }) => {
      const undo = mistake === undefined ? () => {} : edited(mistake[0], mistake[1]);
      try {
        const result = await traced([VAULT, ...args], { GIT_CRYPT_KEY: key });
        expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status });
        const everything = [result.stdout.toString("latin1"), result.stderr, result.commands, result.files];
        expect(everything.map(found)).toEqual([[], [], [], []]);
        expect(result.commands).toContain("deploy");
      } finally {
        undo();
      }
    });

    test.each(variants("helm4", "helm3"))(
      "rendering by the library and %s, also where Helm would quote a secret",
      async (name) => {
        const program = peer(name);
        const render = (): Promise<Traced> =>
          traced([process.execPath, renderer], {
            GIT_CRYPT_KEY: key,
            HELM: program.path,
          });
        const mistakes: readonly (readonly [path: string, text: string])[] = [
          ["charts/binderhub/templates/fail.yaml", "{{ fail .Values.hub.cookieSecret }}\n"],
          ["charts/binderhub/templates/fail.yaml", "{{ fail (.Values.hub | toJson | b64enc) }}\n"],
          ["charts/binderhub/templates/fail.yaml", "a: {{ .Values.hub.cookieSecret }}: b\n"],
          [
            "charts/binderhub/values.schema.json",
            '{"properties": {"hub": {"properties": {"cookieSecret": {"pattern": "^never$"}}}}}\n',
          ],
        ];
        for (const mistake of [null, ...mistakes]) {
          const undo = mistake === null ? () => {} : edited(mistake[0], mistake[1]);
          try {
            const result = await render();
            expect(result.stdout.toString() + result.stderr).toMatch(
              mistake === null ? /^[1-9]\d*\n$/ : /^TOOL_FAILED the chart cannot be rendered: /,
            );
            expect([result.stdout.toString(), result.stderr, result.commands, result.files].flatMap(found)).toEqual([]);
            expect(result.commands).toContain("template");
          } finally {
            undo();
          }
        }
      },
    );

    test("with a wrong key, or a damaged one", async () => {
      const wrong = Buffer.from(key, "base64");
      wrong[50] = (wrong[50] ?? 0) ^ 1;
      for (const [value, status] of [
        [wrong.toString("base64"), 3],
        [key.slice(4), 5],
      ] as const) {
        const result = await traced([VAULT, "deploy", "values", "prod"], { GIT_CRYPT_KEY: value });
        expect(result.status).toBe(status);
        expect([result.stdout.toString(), result.stderr, result.commands, result.files].flatMap(found)).toEqual([]);
      }
    });
  },
);
