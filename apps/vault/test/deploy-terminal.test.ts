import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DeployWorld, deployWorld, PASSWORD, peer, run } from "@git-vault/testkit";
import { openTerminal, type TerminalOptions } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* What the commands that deploy show on a terminal: colour, a pager, progress. */
const helm = peer("helm4");
const KEYS = 60;
/** Would colour the terminal, and set its title. */
const HOSTILE = "\\e[41mred\\e]0;title\\a";
const TEMPLATE = `apiVersion: v1
kind: ConfigMap
metadata: {name: colourful}
data: {colour: "${HOSTILE}"}
`;

let world: DeployWorld;
let env: Record<string, string>;
let paged: string;
let keeping: Record<string, string>;

beforeAll(async () => {
  world = await deployWorld({ "colourful.yaml": TEMPLATE });
  const many = Array.from({ length: KEYS }, (_, at) => `key${at}: ${at}\n`).join("");
  world.repository.write("config/prod.yaml", `image: web:1\n${many}`);
  await world.repository.commit("many values");
  env = { ...world.environment(helm.path), LANG: "C.UTF-8" };
  paged = join(world.repository.folder, "paged");
  keeping = { GIT_PAGER: `{ env; cat; } >'${paged}'` };
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => rmSync(paged, { force: true }));

async function shown(
  args: readonly string[],
  more: Record<string, string> = {},
  options: TerminalOptions = {},
): Promise<{ status: number; raw: string; screen: string }> {
  const cwd = world.repository.path;
  using terminal = openTerminal(VAULT, ["deploy", ...args], { cwd, rows: 400, ...options, env: { ...env, ...more } });
  const { status, sane } = await terminal.ended;
  expect([sane, terminal.raw.includes(PASSWORD)]).toEqual([true, args.includes("--reveal")]);
  return { status, raw: terminal.raw.replaceAll("\r\n", "\n"), screen: terminal.screen };
}

/** The lines that begin in a colour, without it. */
const linesIn = (raw: string, colour: number): string[] =>
  [...raw.matchAll(new RegExp(`^ *\u001b\\[${colour}m([^\u001b]*)\u001b\\[\\d+m`, "gm"))].map(([, text]) => text ?? "");

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const OTHER_CONTROL = /\u001b(?!\[(?:\d|[239]\d)m)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u007f-\u009f]/;
const [RED, GREEN] = [31, 32];

describe.skipIf(helm.missing)("on a terminal", () => {
  test("a plan is a diff in colour, and what comes from a chart brings no control character", async () => {
    const { raw } = await shown(["plan", "prod"]);
    expect(linesIn(raw, GREEN)).toEqual(expect.arrayContaining(["+ ConfigMap web", "  +kind: Secret"]));
    expect(raw).toContain("red");
    expect(raw).not.toMatch(OTHER_CONTROL);
    const markdown = await shown(["plan", "prod", "--markdown"], { FORCE_COLOR: "1" });
    expect(markdown.raw).not.toContain("\u001b");
    const { stdout } = await run(VAULT, ["deploy", "plan", "prod"], { cwd: world.repository.path, env });
    expect(stdout.toString()).not.toContain("\u001b");
    expect(stdout.toString()).toContain("+ ConfigMap web\n");
  });

  test("what check finds has its severity in colour", async () => {
    const { raw, status } = await shown(["check"]);
    expect(status).toBe(7);
    expect(linesIn(raw, RED)).toContain("error:");
    expect(raw).not.toMatch(OTHER_CONTROL);
  });

  test("long values go to a pager, which gets no key, and revealed ones never do", async () => {
    const small = { rows: 24 };
    await shown(["values", "prod"], keeping, small);
    const text = readFileSync(paged, "utf8");
    expect(text).toContain(`key${KEYS - 1}: ${KEYS - 1}\n`);
    expect(text).not.toContain("GIT_CRYPT_KEY");
    expect(text).not.toContain(PASSWORD);
    rmSync(paged);
    const { screen } = await shown(["values", "prod", "--reveal"], keeping, small);
    expect(screen).toContain(`password: ${PASSWORD}\n`);
    expect(existsSync(paged)).toBe(false);
  });

  test.each([
    ["template", "# Source: app/templates/colourful.yaml\n"],
    ["rights", "kind: Role\n"],
  ])("what %s prints goes to a pager, and --no-pager leaves it on the terminal", async (command, line) => {
    await shown([command, "prod"], keeping, { rows: 5 });
    const text = readFileSync(paged, "utf8");
    expect(text).toContain(line);
    expect(text).not.toContain("GIT_CRYPT_KEY");
    rmSync(paged);
    const { raw } = await shown([command, "prod", "--no-pager"], keeping, { rows: 5 });
    expect(raw).toContain(line);
    expect(existsSync(paged)).toBe(false);
  });

  test("what has been opened is gone before the pager starts", async () => {
    const temporary = env["TMPDIR"] ?? "";
    await shown(["plan", "prod"], { GIT_PAGER: `ls -A '${temporary}' >'${paged}'` }, { rows: 24 });
    expect(readFileSync(paged, "utf8")).toBe("");
  });

  test("fetching shows how far it is, and leaves nothing behind", async () => {
    const slow = join(world.repository.folder, "slow-helm");
    writeFileSync(slow, `#!/bin/sh\n[ "$1" != pull ] || sleep 2\nexec '${helm.path}' "$@"\n`);
    chmodSync(slow, 0o755);
    const repository = "https://127.0.0.1:1/charts";
    const chart = `apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: other, version: 1.0.0, repository: "${repository}"}]\n`;
    world.repository.write("app/Chart.yaml", chart);
    await world.repository.commit("a dependency");
    try {
      const { raw, status } = await shown(["lock"], { HELM: slow });
      expect(status).toBe(6);
      expect(raw).toContain("vault: fetched 0 of 1 archives (0%)");
      expect(raw).toMatch(/\r\u001b\[J[^\r]*vault: .*error:/); // oxlint-disable-line no-control-regex -- it is what is looked for
      expect((await shown(["lock", "--quiet"], { HELM: slow })).raw).not.toContain("fetched 0");
    } finally {
      await world.repository.git("reset", "--quiet", "--hard", "HEAD~1");
    }
  });

  test("nodes and certificates tell their state in words and colour", async () => {
    world.kubernetes.put({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "node-1" },
      status: { conditions: [{ type: "Ready", status: "False" }] },
    });
    const nodes = await shown(["nodes", "prod"]);
    expect(nodes.raw).toContain("\u001b[31mnot ready\u001b[39m");
    const { raw } = await shown(["certs"]);
    expect(raw).toMatch(/secrets\/prod-kubeconfig\.yaml: the client certificate \S*ends in/);
  });
});
