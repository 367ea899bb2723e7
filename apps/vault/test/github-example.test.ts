import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
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
  readonly secrets?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
  readonly needs?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: { readonly workflow_call?: Inputs };
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

function read(path: string): unknown {
  const file = fileURLToPath(new URL(`../../../docs/example/github/${path}`, import.meta.url));
  // Two keys of one name, and whatever is no YAML, throw.
  return parse(readFileSync(file, "utf8"), { strict: true });
}

const action = read("actions/vault/action.yml") as Inputs & { runs: { using: string; steps: readonly Step[] } };
const workflows = {
  "deploy.yml": read("workflows/deploy.yml") as Workflow,
  "environment.yml": read("workflows/environment.yml") as Workflow,
};
const jobs = Object.values(workflows).flatMap((workflow) => Object.values(workflow.jobs));
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
    .map((line) => line.trim());

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

  test("hands to the action and the reusable workflow what they ask for", () => {
    for (const step of steps.filter(({ uses }) => uses === "./.github/actions/vault")) expectFits(action, step.with);
    const call = workflows["environment.yml"].on.workflow_call;
    const callers = jobs.filter(({ uses }) => uses !== undefined);
    expect(callers.map(({ uses }) => uses)).toEqual(callers.map(() => "./.github/workflows/environment.yml"));
    for (const job of callers) {
      expectFits(call ?? { inputs: {} }, job.with);
      expect(Object.keys(job.secrets ?? {})).toEqual(Object.keys(call?.secrets ?? {}));
    }
  });

  test("gives the key to the steps that run vault, and to no action or install script", () => {
    const holds = ({ env = {} }: Step | Job): boolean => JSON.stringify(env).includes("secrets.");
    expect(jobs.filter(holds)).toEqual([]);
    const holders = steps.filter(holds);
    expect(holders.map(({ uses, run = "" }) => uses ?? run.split(" ")[0])).toEqual(holders.map(() => "vault"));
    expect(holders.length).toBeGreaterThan(4);
  });

  test("may only read the repository, and puts nothing into a script but variables of its environment", () => {
    for (const workflow of Object.values(workflows)) expect(workflow.permissions).toEqual({ contents: "read" });
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
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
