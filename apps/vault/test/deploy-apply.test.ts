import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DeployWorld, deployWorld, peer, run, variants } from "@git-vault/testkit";
import { openTerminal, type Terminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { type Traced, traced } from "./deploy-trace.ts";
import { VAULT } from "./program.ts";

/*
 * The built command against a cluster, under strace: no secret value, and nothing of the
 * credential, is ever written to a file, put on a command line or printed.
 */
const strace = peer("strace");

let world: DeployWorld;
let canaries: string[];

/** The secret value of the environment, which is rotated. URLs and JSON escape what is in it. */
const passwordOf = (number: number): string => `canary-"7261"/&ü ${number}`;

/** The template of a ConfigMap that holds the password in each form that a template can give it. */
const FORMS = `apiVersion: v1
kind: ConfigMap
metadata: {name: forms}
data:
  plain: {{ .Values.password | quote }}
  json: {{ .Values | toJson | quote }}
  url: {{ printf "https://web:%s@db" (.Values.password | urlquery) | quote }}
  base64: {{ printf "user:%s" .Values.password | b64enc | quote }}
`;

/** What a pod logs that knows a password. */
const logsOf = (password: string): string[] => [
  `wrong password ${password}`,
  JSON.stringify({ password }),
  `GET /?password=${encodeURIComponent(password)}`,
  `Authorization: Basic ${Buffer.from(`user:${password}`).toString("base64")}`,
];

/** The forms that a password may take in what is written or told. */
const formsOf = (password: string): string[] => [
  password,
  // As the bytes of the trace are shown.
  Buffer.from(password).toString("latin1"),
  JSON.stringify(password).slice(1, -1),
  encodeURIComponent(password),
  // As a part of something longer, it begins at one of three places in a group.
  ...[0, 1, 2].map((offset) =>
    Buffer.from("x".repeat(offset) + password)
      .toString("base64")
      .slice(offset === 0 ? 0 : offset + 1, -4),
  ),
];

const setPassword = (number: number): void => {
  const layer = `password: ${JSON.stringify(passwordOf(number))}\n`;
  const key = parseKeyFile(Buffer.from(world.key, "base64"));
  world.repository.write("secrets/config/prod.yaml", encryptBlob(key, Buffer.from(layer)));
};

beforeAll(async () => {
  world = await deployWorld({ "forms.yaml": FORMS });
  const chart = join(world.repository.path, "app/templates/all.yaml");
  const quoted = readFileSync(chart, "utf8")
    .replace("{password: {{ .Values.password }}}", "{password: {{ .Values.password | quote }}}")
    .replace('"https://web:{{ .Values.password }}@db"', '{{ printf "https://web:%s@db" .Values.password | quote }}');
  world.repository.write("app/templates/all.yaml", quoted);
  setPassword(1);
  await world.repository.commit("a password to escape");
  // A line of the key's base64, as it stands in PEM, and as it stands in a kubeconfig.
  const line = world.userKey.split("\n")[1] ?? "";
  const inKubeconfig = Buffer.from(world.userKey).toString("base64").slice(60, 100);
  const passwords = [1, 2].flatMap((number) => formsOf(passwordOf(number)));
  // A part that no escape changes: it would show a form that is not thought of.
  canaries = [...new Set(passwords), "canary-", line, inKubeconfig, world.key.slice(40, 80)];
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each(variants(peer("helm4"), peer("helm3")))("vault deploy with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing || strace.missing)(`under ${strace.label}`, () => {
    const quiet = async (status: number, ...args: string[]): Promise<Traced> => {
      const result = await traced(world, helm, ["deploy", ...args]);
      const { stdout, stderr, files, commands } = result;
      expect({ status: result.status, stderr: result.status === status ? "" : stderr }).toEqual({ status, stderr: "" });
      const leaks = Object.entries({ stdout, stderr, files, commands }).flatMap(([where, text]) =>
        canaries.filter((canary) => text.includes(canary)).map((canary) => `${canary} in ${where}`),
      );
      expect(leaks).toEqual([]);
      return result;
    };
    /** The same of a command that starts Helm. */
    const check = async (status: number, ...args: string[]): Promise<Traced> => {
      const result = await quiet(status, ...args);
      const { files, memory, commands } = result;
      // The trace is one: it shows what is known to be there.
      expect(commands).toMatch(/helm[34]/);
      expect(files).not.toBe("");
      expect(memory).toContain("certificate-authority-data");
      return result;
    };

    test("plans, applies, is refused a stale plan, fails, and goes back, and no secret is written or shown", async () => {
      const plan = join(world.repository.folder, "prod.plan");
      const log = join(world.repository.folder, "audit.ndjson");
      const page = join(world.repository.folder, "plan.html");
      expect((await check(0, "plan", "prod", "-o", plan, "--html", page)).stdout).toContain("+ Deployment web");
      expect(readFileSync(page, "utf8")).toContain("<code>+ Deployment web</code>");
      expect((await check(0, "apply", "prod", "--plan", plan, "--audit-log", log)).stdout).toMatch(/^done in /);
      expect((await check(8, "apply", "prod", "--plan", plan)).stderr).toContain("the plan is stale");
      expect((await check(0, "apply", "prod", "--dry-run", "--json")).stdout).toContain('"unchanged":4');
      setPassword(2);
      await world.repository.commit("rotated");
      await world.withConfig("image: web:bad\n", async () => {
        const logs = [1, 2].flatMap((number) => logsOf(passwordOf(number)));
        world.kubernetes.podRules.push({ image: /bad/, becomes: "CrashLoopBackOff", logs });
        const { stderr } = await check(1, "apply", "prod", "--yes", "--timeout", "1", "--audit-log", log);
        expect(stderr).toContain("log of web: GET /?password=[secret]");
        expect(stderr).toContain("back to revision 1");
      });
      const message = logsOf(passwordOf(1)).join(" ");
      world.kubernetes.podRules.push({ image: /web:1/, becomes: "CrashLoopBackOff", message });
      const back = await check(1, "rollback", "prod", "1", "--yes", "--timeout", "1", "--audit-log", log);
      expect(back.stderr).toContain("GET /?password=[secret]");
      expect((await check(7, "verify", "prod")).stdout).toContain("Deployment web");
      world.kubernetes.podRules.length = 0;
      await quiet(0, "certs", "prod");
      await quiet(0, "nodes", "prod");
      await quiet(0, "nodes", "prod", "drain", "user-2");
      await quiet(0, "nodes", "prod", "uncordon", "user-2");
      const rollout = ["rollout", "prod", "--yes", "--timeout", "60", "--audit-log", log];
      expect((await check(0, ...rollout)).stdout).toMatch(/prod/);
      await quiet(0, "lock");
      world.repository.write("deploy.yaml", world.settings("another"));
      await world.repository.commit("another cluster");
      await quiet(1, "apply", "prod", "--yes");
      await world.repository.git("reset", "--quiet", "--hard", "HEAD~2");
      const audit = readFileSync(log, "utf8");
      expect(
        canaries.filter((canary) => audit.includes(canary) || readFileSync(plan, "utf8").includes(canary)),
      ).toEqual([]);
      expect(readdirSync(join(world.repository.folder, "temporary"))).toEqual([]);
      const kinds = [["apps/v1", "Deployment"] as const, ["apps/v1", "ReplicaSet"] as const, ["v1", "Pod"] as const];
      for (const [apiVersion, kind] of [...kinds, ["v1", "Secret"] as const])
        for (const object of world.kubernetes.list(apiVersion, kind, "prod")) world.kubernetes.remove(object);
    });
  });
});

describe.skipIf(peer("helm4").missing)("vault deploy apply", () => {
  const start = (...args: string[]): ReturnType<typeof run> =>
    run(VAULT, ["deploy", ...args], { cwd: world.repository.path, env: world.environment(peer("helm4").path) });

  test("shows what it is about to do, also where nothing is asked", async () => {
    const first = await start("apply", "prod", "--yes");
    expect([first.status, first.stderr]).toEqual([
      0,
      expect.stringMatching(/^plan for prod, commit [^]*\+ Deployment/),
    ]);
    expect(await start("drift", "prod")).toMatchObject({
      status: 0,
      stdout: Buffer.from("prod  runs what the commit says\n"),
    });
    await world.withConfig("image: web:2\n", async () => {
      const drift = await start("drift", "prod");
      const message =
        "error: the release prod is not what the commit says: ConfigMap forms differs, Deployment web differs";
      expect([drift.status, drift.stdout.toString()]).toEqual([7, expect.stringContaining(message)]);
      const quiet = await start("apply", "prod", "--yes", "--quiet");
      expect([quiet.status, quiet.stderr]).toEqual([0, ""]);
    });
    const rights = await start("rights", "prod", "--subject", "user:ci");
    expect([rights.status, rights.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/kind: RoleBinding[^]*name: ci/),
    ]);
    const back = await start("rollback", "prod", "--yes");
    const line = "prod in prod: revision 2 (deployed) goes back to revision 1 (superseded)\n";
    expect([back.status, back.stderr]).toEqual([0, expect.stringContaining(line)]);
  });

  test("asks on a terminal before it goes back; no, Ctrl-C and SIGTERM leave all as it is", async () => {
    const options = { cwd: world.repository.path, env: world.environment(peer("helm4").path) };
    const pids = join(world.repository.folder, "pid");
    const command = `echo $$ >'${pids}'; exec '${VAULT}' deploy rollback prod 1`;
    const ask = async (answer: (terminal: Terminal) => void): Promise<[status: number, screen: string]> => {
      using terminal = openTerminal("sh", ["-c", command], { ...options, cols: 200, deadline: 240_000 });
      await terminal.waitFor(/prod in prod: revision 3 \(deployed\) goes back to revision 1 \(superseded\)\n/);
      await terminal.waitFor(/go back to revision 1 of prod in prod\? \(y\/N\)/);
      answer(terminal);
      const { status, sane } = await terminal.ended;
      expect(sane).toBe(true);
      return [status, terminal.screen];
    };
    const changes = (): number => world.kubernetes.requests.filter(({ method }) => method !== "GET").length;
    const before = changes();
    expect(await ask((terminal) => terminal.type("n\r"))).toEqual([1, expect.stringContaining("nothing was done")]);
    expect(await ask((terminal) => terminal.press("ctrl-c"))).toEqual([130, expect.stringContaining("interrupted")]);
    const terminated = await ask(() => process.kill(Number(readFileSync(pids, "utf8")), "SIGTERM"));
    expect(terminated).toEqual([143, expect.stringContaining("interrupted")]);
    expect(changes()).toBe(before);
    expect(await ask((terminal) => terminal.type("y\r"))).toEqual([0, expect.stringContaining("done in ")]);
  });

  test("asks for nothing without a terminal, and talks to no other cluster", async () => {
    for (const args of [
      ["apply", "prod"],
      ["rollback", "prod", "1"],
    ]) {
      const { status, stderr } = await start(...args);
      expect([status, stderr]).toEqual([2, expect.stringMatching(/cannot be asked: there is no terminal\n.*--yes/)]);
      const forbidden = await start(...args, "--no-input");
      expect([forbidden.status, forbidden.stderr]).toEqual([2, expect.stringContaining("--no-input forbids it")]);
    }
    const { status, stderr } = await start("apply", "prod", "--plan", "app/Chart.yaml");
    expect([status, stderr]).toEqual([5, expect.stringContaining("expected a plan")]);
    world.repository.write("deploy.yaml", world.settings("another"));
    await world.repository.commit("another cluster");
    const wrong = await start("apply", "prod", "--yes");
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining("whose uid is another")]);
    await world.repository.git("reset", "--quiet", "--hard", "HEAD~1");
  });
});
