import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DeployWorld, deployWorld, PASSWORD, peer, run, type RunResult } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { VAULT } from "./program.ts";

interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly items?: readonly NamedObject[];
}

const helm = peer("helm4");
const SHELL = peer("sh");
const BASE64 = Buffer.from(PASSWORD).toString("base64");

describe.skipIf(helm.missing)("vault deploy template", () => {
  let world: DeployWorld;
  beforeAll(async () => {
    world = await deployWorld({
      "names.yaml": "{{ range .Values.names }}{{ tpl . $ }}{{ end }}",
      "hash.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hash}\ndata: {sum: {{ sha256sum .Values.password }}, open: "yes"}\n',
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const deploy = async (...words: string[]): Promise<RunResult & { readonly out: string }> => {
    const result = await run(VAULT, ["deploy", "template", ...words], {
      cwd: world.repository.path,
      env: world.environment(helm.path),
    });
    return { ...result, out: result.stdout.toString() };
  };

  test("shows what would be applied, and hides whatever depends on a secret", async () => {
    const { out, status, stderr } = await deploy("prod");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(out).toMatch(/# Source: app\/templates\/all\.yaml\n[\s\S]*kind: Deployment[\s\S]*image: web:1/);
    expect(out).toMatch(/sum: "?\[secret [\da-f]{8}\]"?\n {2}open: "yes"/);
    expect(out).toMatch(/url: "?https:\/\/web:\[secret [\da-f]{8}\]@db/);
    for (const secret of [PASSWORD, BASE64]) expect(out).not.toContain(secret);
    // No cluster was asked for it.
    expect(world.kubernetes.list("v1", "Secret", "prod")).toEqual([]);
    const { releases } = JSON.parse((await deploy("prod", "--json", "--set", "image=web:2")).out);
    expect(releases).toMatchObject([{ key: "", name: "prod", namespace: "prod" }]);
    expect(JSON.stringify(releases)).toContain("web:2");
    expect(JSON.stringify(releases)).not.toContain(PASSWORD);
  });

  test("names the release's namespace where an object lies in one and names none", async () => {
    const names = [
      "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  # of the release\n  name: block\n",
      '---\napiVersion: v1\nkind: ServiceAccount\nmetadata: { "name": flow, namespace: }\n',
      "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: elsewhere, namespace: elsewhere}\n",
      "---\napiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: listed}}]\n",
      "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: role}\n",
      "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: wides.example.org}\nspec: {scope: Cluster, group: example.org, names: {kind: Wide}}\n",
      "---\napiVersion: example.org/v1\nkind: Wide\nmetadata: {name: wide}\n",
      "---\napiVersion: example.org/v1\nkind: Narrow\nmetadata: {name: narrow}\n",
    ];
    const file = join(world.repository.folder, "names.yaml");
    writeFileSync(file, JSON.stringify({ names }));
    const namespaces = async (...words: string[]): Promise<Record<string, string>> => {
      const { out } = await deploy("prod", "--values", file, ...words);
      const documents = parseAllDocuments(out).map((document): NamedObject => document.toJS());
      const objects = documents.flatMap((object) => object.items ?? object);
      return Object.fromEntries(objects.map(({ metadata: { name, namespace = "" } }) => [name, namespace]));
    };
    const here = ["web", "hash", "block", "flow", "listed", "narrow"].map((name) => [name, "prod"]);
    const nowhere = ["role", "wide", "wides.example.org"].map((name) => [name, ""]);
    const expected = Object.fromEntries([...here, ...nowhere, ["elsewhere", "elsewhere"]]);
    expect(await namespaces()).toEqual(expected);
    expect(await namespaces("--with-secrets")).toEqual(expected);
    // What Helm renders stays as it is.
    expect((await deploy("prod", "--values", file, "--with-secrets")).out).toContain("  # of the release\n");
  });

  test("gives all of it to a pipe that asks for it, and to nothing else", async () => {
    const { out, status } = await deploy("prod", "--with-secrets");
    expect(status).toBe(0);
    expect(out).toContain(`password: ${PASSWORD}`);
    const file = join(world.repository.folder, "out.yaml");
    const script = `"$0" deploy template prod --with-secrets > "$1"`;
    const written = await run(SHELL.path, ["-c", script, VAULT, file], {
      cwd: world.repository.path,
      env: world.environment(helm.path),
    });
    expect(written).toMatchObject({ status: 2, stderr: expect.stringContaining("into a pipe alone") });
    expect(readFileSync(file, "utf8")).toBe("");
    const nowhere = await run(SHELL.path, ["-c", `"$0" deploy template prod --with-secrets > /dev/null`, VAULT], {
      cwd: world.repository.path,
      env: world.environment(helm.path),
    });
    expect(nowhere.status).toBe(2);
  });

  test("without the key it is refused, or what is encrypted is left out", async () => {
    const { GIT_CRYPT_KEY: _, ...env } = world.environment(helm.path);
    const without = (...words: string[]): Promise<RunResult> =>
      run(VAULT, ["deploy", "template", "prod", ...words], { cwd: world.repository.path, env });
    expect(await without()).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("--without-secrets leaves it out"),
    });
    expect(await without("--without-secrets")).toMatchObject({
      status: 0,
      stderr: "vault: left out, since no key here opens it: secrets/config/prod.yaml\n",
    });
    expect(await deploy("prod", "--release", "other")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("prod has no release"),
    });
    expect(await deploy("prod", "--release", "prod")).toMatchObject({ status: 0 });
  });
});
