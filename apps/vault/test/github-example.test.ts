import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer, run as runProgram, temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseArgv } from "../src/cli/argv.ts";
import { TABLE } from "../src/commands/index.ts";

interface Step {
  readonly run?: string;
  readonly shell?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Inputs {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly if?: string;
  readonly environment?: string;
  readonly permissions?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

function read(path: string): unknown {
  const file = fileURLToPath(new URL(`../../../docs/example/github/${path}`, import.meta.url));
  // Two keys of one name, and whatever is no YAML, throw.
  return parse(readFileSync(file, "utf8"), { strict: true });
}

const action = read("actions/vault/action.yml") as Inputs & { runs: { using: string; steps: readonly Step[] } };
const workflow = read("workflows/deploy.yml") as Workflow;
const jobs = Object.values(workflow.jobs);
const steps = [...action.runs.steps, ...jobs.flatMap((job) => job.steps ?? [])];

/** What is handed over, against what is asked for. */
function expectFits({ inputs }: Inputs, given: Readonly<Record<string, unknown>> = {}): void {
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
  const required = Object.entries(inputs).filter(([, input]) => input.required === true);
  expect(Object.keys(given)).toEqual(expect.arrayContaining(required.map(([name]) => name)));
}

describe("the example for GitHub Actions", () => {
  const commands = steps
    .flatMap(({ run = "" }) => run.split("\n"))
    .filter((line) => line.trim().startsWith("vault "))
    // Where the key comes from is the shell's.
    .map((line) => line.trim().replace(/ 3< <\(.*\)$/, ""));

  test("has commands", () => expect(commands.length).toBeGreaterThan(5));

  test.each(commands)("runs `%s`, which there is", async (line) => {
    const words = line.split(/\s+/).slice(1);
    const { command, given } = await parseArgv(
      words.map((word) => word.replaceAll('"', "")),
      TABLE,
    );
    expect(command !== null || given.has("version")).toBe(true);
  });

  test("pins the version that this is, in one place", () => {
    const { version } = JSON.parse(
      readFileSync(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"),
    ) as { version: string };
    expect(action.inputs["version"]?.default).toBe(version);
    expect(steps.filter((step) => step.with?.["version"] === version)).toEqual([]);
  });

  test.skipIf(peer("helm4").missing)("pins the Helm that it is tested with", () => {
    const helm = execFileSync(peer("helm4").path, ["version", "--template", "{{.Version}}"], { encoding: "utf8" });
    expect(action.inputs["helm"]?.default).toBe(helm.trim());
  });

  test("has a composite action whose steps name their shell", () => {
    expect(action.runs.using).toBe("composite");
    const scripts = action.runs.steps.filter((step) => step.run !== undefined);
    expect(scripts.map(({ shell }) => shell)).toEqual(scripts.map(() => "bash"));
  });

  test("hands to each action of ours what it asks for", () => {
    const own = parse(readFileSync(fileURLToPath(new URL("../../../action.yml", import.meta.url)), "utf8")) as Inputs;
    for (const [used, asks] of [
      [/^\.\/\.github\/actions\/vault$/, action],
      [/^git-vault\/git-vault@/, own],
    ] as const) {
      const users = steps.filter(({ uses = "" }) => used.test(uses));
      expect(users.length).toBeGreaterThan(0);
      for (const step of users) expectFits(asks, step.with);
    }
    expect(jobs.filter(({ uses }) => uses !== undefined)).toEqual([]);
  });

  const holds = ({ env = {} }: Step | Job): boolean => JSON.stringify(env).includes("secrets.");

  test("gives the key to the steps that run vault, by a descriptor, and to no action or install script", () => {
    expect(jobs.filter(holds)).toEqual([]);
    const holders = steps.filter(holds);
    const first = "key=$GIT_CRYPT_KEY; unset GIT_CRYPT_KEY";
    expect(holders.map(({ run = "" }) => run.split("\n")[0])).toEqual(holders.map(() => first));
    for (const { run = "" } of holders)
      expect(run.trim()).toMatch(/\nvault deploy .* --key-file \/dev\/fd\/3 3< <\(printf %s "\$key"\)$/);
    expect(holders.length).toBeGreaterThan(4);
  });

  test("has the key in jobs of a protected environment alone, and in none that a fork can start", () => {
    for (const job of jobs.filter(({ steps: its = [] }) => its.some(holds))) expect(job.environment).toBeDefined();
    const { check, plan } = workflow.jobs;
    expect(JSON.stringify(check)).not.toContain("secrets");
    expect(plan?.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
  });

  test("pins every action by its commit, and every program by its digest", () => {
    const used = [...steps, ...jobs].flatMap(({ uses }) => uses ?? []);
    for (const name of used) expect(name).toMatch(/^\.\/|@[0-9a-f]{40}$/);
    const checkouts = steps.filter(({ uses = "" }) => uses.startsWith("actions/checkout@"));
    expect(checkouts).toHaveLength(jobs.length);
    for (const step of checkouts) expect(step.with).toMatchObject({ "persist-credentials": false });
    for (const name of ["sha256", "helm-sha256"]) expect(action.inputs[name]?.default).toMatch(/^[0-9a-f]{64}$/);
  });

  test("may only read the repository, and puts nothing into a script but variables of its environment", () => {
    expect(workflow.permissions).toEqual({});
    for (const { permissions } of jobs) expect(permissions).toEqual({ contents: "read" });
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
  });

  const linters = [
    {
      linter: peer("zizmor"),
      words: (folder: string): string[] => {
        const config = fileURLToPath(new URL("zizmor.yml", import.meta.url));
        return ["--offline", "--no-progress", "--persona", "auditor", "--config", config, folder];
      },
      // Each would find what a review finds.
      mistake: (text: string): string => text.replace(/@[0-9a-f]{40}/, "@v4"),
    },
    {
      linter: peer("actionlint"),
      words: (folder: string): string[] => ["-shellcheck=", "-pyflakes=", `${folder}/.github/workflows/deploy.yml`],
      mistake: (text: string): string => text.replace("github.event.pull_request", "github.events.pull_request"),
    },
  ];
  for (const { linter, words, mistake } of linters)
    test.skipIf(linter.missing)(`has nothing that a linter of workflows objects to, by ${linter.label}`, async () => {
      using folder = temporaryFolder();
      cpSync(fileURLToPath(new URL("../../../docs/example/github", import.meta.url)), join(folder.path, ".github"), {
        recursive: true,
      });
      // By that, actionlint finds the actions of the workflow.
      mkdirSync(join(folder.path, ".git"));
      const lint = (): ReturnType<typeof runProgram> =>
        runProgram(linter.path, words(folder.path), { cwd: folder.path });
      const { status, stdout, stderr } = await lint();
      expect({ status, said: status === 0 ? "" : stdout.toString() + stderr }).toEqual({ status: 0, said: "" });
      const file = join(folder.path, ".github/workflows/deploy.yml");
      writeFileSync(file, mistake(readFileSync(file, "utf8")));
      expect((await lint()).status).not.toBe(0);
    });
});

describe("the script that makes the example", () => {
  const MAKE = fileURLToPath(new URL("../../../docs/example/make.mjs", import.meta.url));

  test.each([
    [
      "without the command, what is not there",
      "nowhere-at-all",
      /^make\.mjs: the program nowhere-at-all is not there: .*\n$/,
    ],
    ["where it fails, that it did", "false", /^make\.mjs: it failed, and left nothing: .*\n$/],
  ])("tells in one sentence, %s, and leaves nothing", async (_, program, sentence) => {
    using folder = temporaryFolder();
    const target = join(folder.path, "example");
    const env = { PATH: process.env["PATH"], HOME: folder.path, GIT_CONFIG_GLOBAL: "/dev/null" };
    const { status, stderr } = await runProgram(process.execPath, [MAKE, target, program], { env });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(sentence) });
    expect(existsSync(target)).toBe(false);
  });

  test("tells that the folder cannot be made", async () => {
    using folder = temporaryFolder();
    const target = join(MAKE, "example");
    const env = { PATH: process.env["PATH"], HOME: folder.path };
    const { status, stderr } = await runProgram(process.execPath, [MAKE, target, "true"], { env });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^make\.mjs: it failed, .*ENOTDIR.*\n$/),
    });
  });
});
