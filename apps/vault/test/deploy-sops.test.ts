import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateIdentity } from "@git-vault/sealing";
import { type DeployWorld, deployWorld, peer, run, runOk, type RunResult } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { traced } from "./deploy-trace.ts";
import { VAULT } from "./program.ts";

/*
 * A layer that the real sops encrypted, beside those of git-crypt: it is deployed from memory, its
 * secrets are hidden as all others are, and without a key it is an error.
 */
const NEEDLE = "canary-needle-4c1d";
const sops = peer("sops");
const helm = peer("helm4");
const strace = peer("strace");

describe.skipIf(sops.missing || helm.missing)(`layers of ${sops.label}`, () => {
  let world: DeployWorld;
  let identity: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    world = await deployWorld();
    const key = await generateIdentity();
    identity = key.identity;
    const input = `# of the environment\npassword: ${NEEDLE}\nimage: web:7\n`;
    const words = ["encrypt", "--age", key.recipient, "--encrypted-regex", "^password$"];
    const env = { ...world.repository.env };
    const encrypted = await runOk(sops.path, [...words, "--filename-override", "prod.yaml"], { env, input });
    world.repository.write("config/prod.sops.yaml", encrypted);
    const settings: { environments: { prod: { layers: string[] } } } = JSON.parse(
      world.settings(world.kubernetes.identity),
    );
    settings.environments.prod.layers.push("config/prod.sops.yaml");
    world.repository.write("deploy.yaml", JSON.stringify(settings));
    await world.repository.commit("sops");
    environment = { ...world.environment(helm.path), SOPS_AGE_KEY: identity };
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const deploy = async (
    env: Record<string, string>,
    ...words: string[]
  ): Promise<RunResult & { readonly out: string }> => {
    const result = await run(VAULT, ["deploy", ...words], { cwd: world.repository.path, env });
    return { ...result, out: result.stdout.toString() };
  };

  test("values hide what sops encrypted, and show what it did not", async () => {
    const values = await deploy(environment, "values", "prod");
    expect(values).toMatchObject({ status: 0, out: 'image: web:7\npassword: "[secret]"\n' });
    const explained = await deploy(environment, "values", "prod", "--explain", "password");
    expect(explained.out).toMatch(
      /^password = "\[secret\]"\n {2}config\/prod\.sops\.yaml:2:1 {2}"\[secret\]"\n {2}secrets\/config/,
    );
    const open = await deploy(environment, "values", "prod", "--explain", "image", "--json");
    expect(JSON.parse(open.out)).toMatchObject({ value: "web:7", settings: [{ secret: false }, {}, {}] });
  });

  test("without a key it is an error that says what to give, and never ciphertext", async () => {
    const { SOPS_AGE_KEY: _, ...none } = environment;
    for (const words of [
      ["values", "prod"],
      ["plan", "prod"],
      ["apply", "prod", "--yes"],
    ]) {
      const { status, out, stderr } = await deploy(none, ...words);
      expect({ status, out }).toEqual({ status: 3, out: "" });
      expect(stderr).toContain("config/prod.sops.yaml is encrypted by sops to age1");
      expect(stderr).toContain("give a private key by --key, $SOPS_AGE_KEY_FILE or $GIT_VAULT_IDENTITY");
      expect(stderr).not.toContain("ENC[");
    }
    expect(await deploy(none, "values", "prod", "--without-secrets")).toMatchObject({
      status: 0,
      out: expect.not.stringContaining("ENC["),
    });
    expect(await deploy(none, "check")).toMatchObject({
      stderr: expect.stringContaining(
        "skipped: what sops encrypted in config/prod.sops.yaml, since no private key here opens it",
      ),
    });
  });

  test("a private key that is named and opens nothing is refused by its name", async () => {
    const other = join(world.repository.folder, "other.txt");
    writeFileSync(other, `${(await generateIdentity()).identity}\n`);
    const { GIT_CRYPT_KEY: _, ...withoutGitCrypt } = environment;
    for (const words of [["check"], ["values", "prod", "--without-secrets"]])
      expect(await deploy(withoutGitCrypt, ...words, "--key", other)).toMatchObject({
        status: 3,
        out: "",
        stderr: expect.stringMatching(/and the private key that was given, \S*other\.txt, does not open it$/m),
      });
    // Where it is for something else, nothing is wrong with it, but what it does not open is told.
    const { stderr } = await deploy(environment, "check", "--key", other);
    expect(stderr).toMatch(/skipped: what sops encrypted in config\/prod\.sops\.yaml, since .*other\.txt, does not/);
  });

  test("check names what a chart makes of it", async () => {
    const { out, status } = await deploy(environment, "check", "--json");
    expect(status).toBe(7);
    const findings: { readonly id: string; readonly message: string }[] = JSON.parse(out).findings;
    expect(findings.filter(({ id }) => id === "leaked")).toMatchObject([
      { message: expect.stringContaining("password in config/prod.sops.yaml:2 is rendered into ConfigMap web") },
    ]);
    expect(out).not.toContain(NEEDLE);
  });

  test("in the folder of secrets it is not taken for plaintext, and what its rule leaves in the clear is told", async () => {
    await world.repository.git("mv", "config/prod.sops.yaml", "secrets/prod.sops.yaml");
    const settings = readFileSync(join(world.repository.path, "deploy.yaml"), "utf8").replaceAll(
      "config/prod.sops",
      "secrets/prod.sops",
    );
    world.repository.write("deploy.yaml", settings);
    await world.repository.commit("moved");
    const { out } = await deploy(environment, "check", "--json");
    await world.repository.git("reset", "--quiet", "--hard", "HEAD~1");
    const findings: { readonly id: string; readonly file?: string }[] = JSON.parse(out).findings;
    expect(findings.filter(({ id, file }) => id === "encrypted" && file === "secrets/prod.sops.yaml")).toMatchObject([
      {
        severity: "warning",
        message: expect.stringMatching(/its own rule for sops leaves values in the clear: image$/),
      },
    ]);
  });

  test.skipIf(strace.missing)("it is planned and applied from memory, and no program gets the key", async () => {
    const steps = [
      ["plan", "prod"],
      ["apply", "prod", "--yes", "--no-input"],
      ["plan", "prod"],
    ];
    const traceable = { ...world, environment: () => environment };
    for (const words of steps) {
      const { files, memory, commands, stdout, stderr, status } = await traced(traceable, helm.path, [
        "deploy",
        ...words,
      ]);
      expect({ words, status, stderr: status === 0 ? "" : stderr }).toEqual({ words, status: 0, stderr: "" });
      for (const [where, text] of Object.entries({ files, memory, commands, stdout, stderr }))
        for (const secret of [NEEDLE, Buffer.from(NEEDLE).toString("base64").slice(0, -4), identity])
          expect(text.includes(secret), `a secret in ${where} of ${words.join(" ")}`).toBe(false);
    }
    const stored = world.kubernetes.get("v1", "Secret", "prod", "web");
    expect(stored?.["data"]).toEqual({ password: Buffer.from(NEEDLE).toString("base64") });
  });

  test("in GitHub Actions, it is masked", async () => {
    const folder = world.repository.folder;
    const files = Object.fromEntries(
      ["OUTPUT", "STEP_SUMMARY", "ENV", "PATH", "STATE"].map((name) => {
        world.repository.write(`../${name}`, "");
        return [`GITHUB_${name}`, `${folder}/${name}`];
      }),
    );
    const { stderr } = await deploy({ ...environment, ...files, GITHUB_ACTIONS: "true" }, "values", "prod");
    expect(stderr).toContain(`::add-mask::${NEEDLE}`);
    expect(stderr).not.toContain("::add-mask::web:7");
  });
});
