import { readFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { compileExamples } from "@git-vault/testkit/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const ROOT = join(import.meta.dirname, "../../..");
const GUIDE = readFileSync(join(ROOT, "docs/deploy/ci.md"), "utf8");
const [, SCRIPT = ""] = /^## In CI$[\s\S]*?^```ts\n([\s\S]*?)^```$/m.exec(GUIDE) ?? [];
const helm = peer("helm4");

describe("the guide's script for CI", () => {
  let folder: TemporaryFolder;
  let example: string;
  let key: string;
  let program: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    example = join(folder.path, "example");
    await runOk(process.execPath, [join(ROOT, "docs/example/make.mjs"), example, VAULT]);
    key = readFileSync(join(example, ".git/git-crypt/keys/default")).toString("base64");
    await runOk(VAULT, ["-C", example, "lock", "--without-copy"]);
    [program = ""] = await compileExamples([SCRIPT], folder.path);
  });
  afterAll(() => folder.remove());
  const ci = (env: NodeJS.ProcessEnv): ReturnType<typeof run> =>
    run(process.execPath, [program], {
      cwd: example,
      env: { PATH: process.env["PATH"], HOME: folder.path, HELM: helm.path, ...env },
    });

  test("has at most 40 lines, and compiles", () => {
    expect(SCRIPT.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  });

  test.skipIf(helm.missing)(`checks and renders the example, with ${helm.label}`, async () => {
    const { status, stdout, stderr } = await ci({ GIT_CRYPT_KEY: key });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.toString().split("\n").slice(1)).toEqual([
      "staging (staging): 6 objects, ConfigMap, Deployment, Ingress, Secret",
      "prod (prod): 6 objects, ConfigMap, Deployment, Ingress, Secret",
      "ovh (prod): 4 objects, ConfigMap, Deployment, Ingress, Secret",
      "",
    ]);
  });

  test("says what it leaves out without the key", async () => {
    const { status, stdout } = await ci({});
    expect(status).toBe(0);
    expect(stdout.toString()).toContain("skipped: what is encrypted, since there is no key\n");
    expect(stdout.toString()).toContain("prod: without secrets/config/prod.yaml\n");
  });
});
