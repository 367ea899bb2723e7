import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { type DeployWorld, deployWorld, PASSWORD, peer, run } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * The built command as a step of a job in GitHub Actions. The cluster of `other` is entered with a
 * token, that of prod with a client certificate; the secret layer of `other` is no YAML.
 */
const TOKEN = "canary-token-5512";
const BROKEN = "config: [canary-of-a-broken-layer\n";
const helm = peer("helm4");

let world: DeployWorld;
beforeAll(async () => {
  world = await deployWorld();
  const { repository, kubernetes } = world;
  kubernetes.tokens.set(TOKEN, { username: "deployer" });
  encrypt("secrets/other-kubeconfig.yaml", kubernetes.kubeconfig({ token: TOKEN }));
  encrypt(
    "secrets/config/prod.yaml",
    `password: ${PASSWORD}\nuser: canary-user-name\nshort: xyz\npin: 12\nisOn: true\n`,
  );
  encrypt("secrets/config/other.yaml", BROKEN);
  const environment = (name: string): object => ({
    cluster: { uid: kubernetes.identity },
    layers: [`config/${name}.yaml`, `secrets/config/${name}.yaml`],
  });
  repository.write("config/other.yaml", "image: web:1\n");
  repository.write(
    "deploy.yaml",
    JSON.stringify({
      chart: "app",
      environments: {
        other: { ...environment("other"), kubeconfig: "secrets/other-kubeconfig.yaml" },
        prod: { ...environment("prod"), kubeconfig: "secrets/prod-kubeconfig.yaml" },
      },
    }),
  );
  await repository.commit("two environments");
});
afterAll(() => world[Symbol.asyncDispose]());

function encrypt(path: string, content: string): void {
  const key = parseKeyFile(Buffer.from(world.key, "base64"));
  world.repository.write(path, encryptBlob(key, Buffer.from(content)));
}

/** What a step said, and wrote for GitHub. */
interface Step {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** The lines that GitHub masks from there on. */
  readonly masks: readonly string[];
  /** The log after the masks. */
  readonly log: string;
}

const DEPLOY = [VAULT, "deploy"];

/** The lines that a runner takes for commands, but for those that stop it from doing so. */
function obeyed(log: string): string[] {
  let word: string | null = null;
  const lines: string[] = [];
  for (const line of log.split("\n").map((one) => one.trim())) {
    const stopped = /^::stop-commands::(.+)$/.exec(line)?.[1];
    if (word !== null) word = line === `::${word}::` ? null : word;
    else if (stopped !== undefined && /^stopped-[-0-9a-f]{36}$/.test(stopped)) word = stopped;
    else if (line.startsWith("::")) lines.push(line);
    // The older form is not stopped by anything.
    if (line.includes("##[")) lines.push(line);
  }
  // Later lines of the step may give commands again.
  return word === null ? lines : [...lines, "still stopped"];
}

async function step(
  args: readonly string[],
  more: Record<string, string> = {},
  command: readonly string[] = DEPLOY,
): Promise<Step> {
  const [summary, output] = ["summary", "output"].map((name) => join(world.repository.folder, name));
  const files = { GITHUB_STEP_SUMMARY: summary ?? "", GITHUB_OUTPUT: output ?? "" };
  for (const file of Object.values(files)) writeFileSync(file, "");
  const [program = "", ...words] = [...command, ...args];
  const { status, stdout, stderr } = await run(program, words, {
    cwd: world.repository.path,
    env: { ...world.environment(helm.path), GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", ...files, ...more },
  });
  const lines = stderr.split("\n");
  expect(obeyed(stderr).every((line) => /^::(?:add-mask|error|warning|notice)\b/.test(line))).toBe(true);
  expect(obeyed(stdout.toString())).toEqual([]);
  const written = readFileSync(files.GITHUB_OUTPUT, "utf8").matchAll(/^(.+)<<(.+)\n([^]*?)\n\2$/gm);
  return {
    status,
    stdout: stdout.toString(),
    stderr,
    summary: readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"),
    outputs: Object.fromEntries([...written].map(([, name, , value]) => [name ?? "", value ?? ""])),
    masks: lines.flatMap((line) => /^::add-mask::(.*)$/.exec(line)?.[1] ?? []),
    log: stdout.toString() + lines.filter((line) => !line.startsWith("::add-mask::")).join("\n"),
  };
}

describe.skipIf(helm.missing)(`in GitHub Actions, with ${helm.label}`, () => {
  test.each<[status: number, line: string]>([
    [0, "plan prod"],
    [0, "apply prod --yes"],
    [0, "rollback prod 1 --yes"],
    [7, "check"],
    [0, "rollout prod --yes"],
    [0, "verify prod"],
    [0, "certs prod"],
    [0, "nodes prod"],
    [0, "values prod"],
  ])("exit %i: vault deploy %s masks every secret leaf, and credentials", async (status, line) => {
    const { masks, log, summary, ...rest } = await step(line.split(" "));
    expect([rest.status, rest.status === status ? "" : rest.stderr]).toEqual([status, ""]);
    const key = world.userKey.trim().split("\n");
    expect(masks).toEqual(expect.arrayContaining([PASSWORD, TOKEN, ...key.slice(1, -1)]));
    expect(masks).toContain(Buffer.from(world.userKey).toString("base64"));
    expect(masks).toEqual(expect.arrayContaining(["canary-user-name", "xyz"]));
    for (const mask of masks) expect(mask).not.toMatch(/-----|^..?$/);
    expect(rest.stderr).toContain(
      "too short to be masked, with less than 3 characters: pin in secrets/config/prod.yaml:4",
    );
    expect(masks.filter((mask) => log.includes(mask) || summary.includes(mask))).toEqual([]);
  });

  test("masks, which hold secrets, are written into no file", async () => {
    const file = join(world.repository.folder, "errors");
    const command = `exec '${VAULT}' deploy plan nowhere 2>'${file}'`;
    const { status } = await step(["sh", "-c", command], {}, []);
    expect([status, readFileSync(file, "utf8")]).toEqual([
      2,
      expect.stringMatching(/^::error title=NO_SUCH_ENVIRONMENT::/m),
    ]);
  });

  test("one environment's broken layer is its own failure, and stops no other", async () => {
    const both = await step(["rollout", "--yes"]);
    expect(both.status).toBe(5);
    expect(both.stdout).toMatch(/^other: failed to plan: secrets\/config\/other\.yaml.*\nprod: done\n$/);
    expect(both.outputs).toEqual({ changed: expect.stringMatching(/^(?:true|false)$/), failed: '["other"]' });
    expect(both.log).toMatch(/^::error .*title=[A-Z_]+ \(other\)::other: failed to plan: /m);
    expect(both.summary).toMatch(
      /^## vault deploy rollout\n\n.*\n.*\n\| ❌ \| other \| failed to plan: .* \|\n\| ✅ \| prod \| done \|\n/,
    );
    expect(both.summary).toContain("### Plan for prod, commit ");
    expect(both.log + both.summary).not.toContain("canary-of-a-broken-layer");
    expect(await step(["nodes", "other"])).toMatchObject({ status: 0 });
  });

  test("plan writes what would change to the summary, once, and whether anything would", async () => {
    const unchanged = await step(["plan", "prod"]);
    expect(unchanged.outputs).toEqual({ changed: "false" });
    await world.withConfig("image: web:2\n", async () => {
      const { outputs, summary, stdout } = await step(["plan", "prod"]);
      expect(outputs).toEqual({ changed: "true" });
      expect(summary.match(/### Plan for prod, commit /g)).toHaveLength(1);
      expect(summary).toContain("<code>~ Deployment web</code>");
      expect(stdout).toContain("~ Deployment web\n");
      // A step that appends it to the summary by itself has it there once.
      const markdown = await step(["plan", "prod", "--markdown"]);
      expect(markdown).toMatchObject({ summary: "", stdout: expect.stringContaining("### Plan for prod, commit ") });
    });
  });

  test("apply and rollback tell what became of the release, also where it failed", async () => {
    await world.withConfig("image: web:bad\n", async () => {
      world.kubernetes.podRules.push({
        image: /bad/,
        becomes: "CrashLoopBackOff",
        logs: [`wrong password ${PASSWORD}`],
      });
      const failed = await step(["apply", "prod", "--yes", "--timeout", "1"]);
      expect(failed.status).toBe(1);
      expect(failed.log).toMatch(/^::error title=ROLLOUT_FAILED::not ready: Deployment web of the release prod: /m);
      expect(failed.summary).toMatch(/^## vault deploy apply prod\n\n```text\nfailed: not ready: Deployment web /);
      expect(failed.summary).toContain("log of web: wrong password [secret]\n");
      expect(failed.summary).toMatch(/prod: back to revision \d+ \(as revision \d+\)\n/);
      expect(failed.summary).toContain("<code>~ Deployment web</code>");
      const now = /\(as revision (\d+)\)/.exec(failed.summary)?.[1];
      expect(failed.outputs).toEqual({ changed: "true", revision: now });
    });
    const back = await step(["rollback", "prod", "1", "--yes"]);
    const revision = /prod: back to revision 1 \(as revision (\d+)\)/.exec(back.summary)?.[1] ?? "none";
    expect(back.outputs).toEqual({ revision });
    expect(back.summary).toMatch(/^## vault deploy rollback prod\n\n```text\ndone in /);
  });

  test("check counts errors and warnings in outputs", async () => {
    const { outputs, stdout } = await step(["check"]);
    const countOf = (severity: string): string => String(stdout.match(new RegExp(`^${severity}: `, "gm"))?.length ?? 0);
    expect(outputs).toEqual({ errors: countOf("error"), warnings: countOf("warning") });
    expect(Number(outputs["errors"])).toBeGreaterThan(0);
  });

  test("what ends a command is an annotation, and without GitHub Actions there is none", async () => {
    expect((await step(["plan", "nowhere"])).log).toContain("::error title=NO_SUCH_ENVIRONMENT::the project has no ");
    const elsewhere = await step(["plan", "nowhere"], { GITHUB_ACTIONS: "" });
    expect(elsewhere.stderr).toMatch(/^vault: error: the project has no /);
    expect((await step(["check"], { GITHUB_ACTIONS: "" })).masks).toEqual([]);
  });

  test("nothing that a commit says is a command to the runner", async () => {
    const commands = ["::stop-commands::x", "  ::add-mask::prod", "a ##[error]x", "::error::y", "##[group]z"];
    const text = commands.join("\\n");
    world.repository.write("config/prod.yaml", `image: web:1\ntext: "${text}"\n`);
    encrypt("secrets/##[error]x.yaml", "a: 1\n");
    world.repository.write(
      "app/templates/hostile.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  x: {{ .Values.text | toJson }}\n",
    );
    await world.repository.commit("hostile");
    for (const line of [
      "plan prod",
      "plan prod --markdown",
      "plan prod --json",
      "check",
      "values prod",
      "check --sarif -",
      "rights prod",
      "init --dry-run",
    ]) {
      const { stdout } = await step(line.split(" "));
      expect(stdout).not.toBe("");
    }
    world.repository.write("app/templates/hostile.yaml", `{{ fail "${text}" }}`);
    await world.repository.commit("hostile");
    for (const line of ["plan prod", "apply prod --yes", "check", "rollout prod --yes"]) await step(line.split(" "));
    await world.repository.git("reset", "--quiet", "--hard", "HEAD~2");
  });

  const PULL_REQUEST = { GITHUB_EVENT_NAME: "pull_request" };

  test("vault deploy plan and check read no secrets for a pull request, unless the caller says so", async () => {
    const plan = await step(["plan", "prod"], PULL_REQUEST);
    expect([plan.status, plan.summary]).toEqual([0, expect.stringContaining("rendered with stand-ins")]);
    expect(plan.stdout).toContain("rendered with stand-ins for all secrets");
    // What was not read cannot be masked, and would tell by a mask that a guess is right.
    expect(plan.masks).not.toContain(PASSWORD);
    expect(plan.masks).toContain(TOKEN);
    expect((await step(["check"], PULL_REQUEST)).masks).not.toContain(PASSWORD);
    const real = await step(["plan", "prod", "--secrets", "real"], PULL_REQUEST);
    expect([real.status, real.masks]).toEqual([0, expect.arrayContaining([PASSWORD])]);
    expect(real.stdout).not.toContain("stand-ins");
    const alone = await step(["plan", "prod", "--secrets", "stand-ins"]);
    expect(alone.stdout).toContain("rendered with stand-ins for all secrets");
    expect((await step(["plan", "prod", "--secrets", "none"])).status).toBe(2);
  });

  test("what a commit has in plaintext is masked only where it looks like a secret, so that it hides no finding", async () => {
    const words = ["error", "warning", "boundary", "plaintext", "vault"];
    const looking = "tH1s-looks-4s-if-1t-w3re-one";
    const user = { token: "error", password: "plaintext" };
    const kubeconfig = { users: [{ name: "x", user }], "client-key-data": "boundary" };
    world.repository.write("secrets/config/prod.yaml", JSON.stringify({ words, password: looking }));
    world.repository.write("secrets/prod-kubeconfig.yaml", JSON.stringify(kubeconfig));
    await world.repository.commit("words of findings");
    for (const more of [{}, PULL_REQUEST]) {
      const { masks, stdout } = await step(["check"], more);
      expect(masks.filter((mask) => words.includes(mask))).toEqual([]);
      expect(masks).toContain(looking);
      expect(stdout).toContain("is stored in plaintext");
    }
    await world.repository.git("reset", "--quiet", "--hard", "HEAD~1");
  });
});
