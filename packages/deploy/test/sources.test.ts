import type { VaultError } from "@git-vault/core";
import { encodeKeyFile, encryptBlob, GitCryptError } from "@git-vault/git-crypt";
import { KeyError, parsePublicKey } from "@git-vault/keys";
import { seal, SealingError, SshRecipient } from "@git-vault/sealing";
import { SharingError } from "@git-vault/sharing";
import { makeSshKey, peer, runOk, temporaryFolder } from "@git-vault/testkit";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { DeployError, type ProjectOptions } from "../src/index.ts";
import type { KeySource } from "../src/project/key.ts";
import { formatPath, parsePath } from "../src/values/index.ts";
import { CHART, errorOf, world, type World } from "./world.ts";

const FILES = {
  "mybinder/values.yaml": "a: 1\n",
  "config/staging.yaml": "a: 2\n",
  "config/prod.yaml": "a: 3\n",
  "secrets/config/staging.yaml": "b: s\n",
  "secrets/config/prod.yaml": "b: p\n",
};

describe("deploy.yaml", () => {
  const open = async (text: string): Promise<Error & { code?: string }> => {
    await using its = await world({ ...FILES, "deploy.yaml": text });
    return await errorOf(async () => (await its.open()).close());
  };

  test("says what the environments are, in its order", async () => {
    const text = `
layers: [config/staging.yaml]
environments:
  zulu:
    tier: prod
    namespace: z
    release: zz
    layers: [secrets/config/prod.yaml]
    nodePools: { core: { labels: { pool: core } } }
  production: {}
silence: [{ check: layers, reason: known }]
`;
    await using its = await world({ ...FILES, "deploy.yaml": text });
    await using project = await its.open();
    const [zulu, production] = project.environments;
    expect(zulu).toMatchObject({ name: "zulu", tier: "prod", main: { namespace: "z", name: "zz" }, kubeconfig: null });
    expect([...(zulu?.nodePools ?? [])]).toEqual([["core", { labels: { pool: "core" } }]]);
    expect(zulu?.values().value).toEqual({ a: 2, b: "p" });
    expect(production).toMatchObject({ tier: "prod", main: { namespace: "production" }, nodePools: null });
    expect(production?.main.layers.map(({ path }) => path)).toEqual(["mybinder/values.yaml", "config/staging.yaml"]);
    expect(project.silence).toEqual([{ check: "layers", reason: "known" }]);
  });

  test.each([
    ["nothing", "", "the top must be object"],
    ["no environments", "environments: {}\n", "environments must NOT have fewer than 1 properties"],
    [
      "a word that it does not know",
      "environments: {a: {}}\nlayer: []\n",
      'must NOT have additional properties: "layer"',
    ],
    [
      "another tier",
      "environments: {a: {tier: production}}\n",
      "environments.a.tier must be equal to one of the allowed values",
    ],
    [
      "a path that leads out",
      "environments: {a: {layers: [../x]}}\n",
      "environments.a.layers.0 expected a path within the repository",
    ],
    [
      "an absolute path",
      "environments: {a: {kubeconfig: /etc/x}}\n",
      "environments.a.kubeconfig expected a path within the repository",
    ],
    ["a name that leads out", "environments: {../a: {}}\n", 'has a name that cannot be used, "../a"'],
    ["a layer twice", "environments: {a: {layers: [x, x]}}\n", "environments.a.layers must NOT have duplicate items"],
    [
      "a silence without a reason",
      "environments: {a: {}}\nsilence: [{check: x}]\n",
      "silence.0 expected a reason, in words",
    ],
    [
      "a silence whose reason says nothing",
      "environments: {a: {}}\nsilence: [{check: x, reason: a sentence}, {check: x, reason: ' . '}]\n",
      "silence.1.reason expected a reason, in words",
    ],
    [
      "a version of Kubernetes that YAML makes a number of",
      "environments: {a: {kubeVersion: 1.30}}\n",
      "environments.a.kubeVersion must be string",
    ],
    [
      "a published chart without its version",
      "releases: {certs: {chart: 'oci://example.org/charts/certs'}}\n",
      "releases.certs.chart expected one such as oci://quay.io/jetstack/charts/cert-manager@v1.19.1",
    ],
    [
      "a published chart of a repository without its version",
      "chart: {name: certs, repository: 'https://example.org'}\n",
      "chart must have required property 'version'",
    ],
    [
      "a layer of another word",
      "environments: {a: {layers: [{ifthere: x}]}}\n",
      "environments.a.layers.0 must have required property 'ifThere'",
    ],
    [
      "a name that is none",
      "environments: {a: {namespace: A B}}\n",
      "environments.a.namespace expected one such as prod",
    ],
    [
      "less than no node",
      "environments: {a: {nodePools: {core: {labels: {}, nodes: -1}}}}\n",
      "environments.a.nodePools.core.nodes must be >= 0",
    ],
  ])("with %s is refused", async (_, text, message) => {
    const error = await open(text);
    expect(error).toMatchObject({ code: "INVALID_SETTINGS" });
    expect(error.message).toContain(message);
  });

  test("that were given are told apart from those of the file", async () => {
    await using its = await world({ "deploy.yaml": "chart: mybinder\n", "config/prod.yaml": "a: 1\n" });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as JavaScript can give it
    const error = await errorOf(() => its.open({ silence: [{ check: "tls" }] as unknown as [] }));
    expect(error).toMatchObject({ code: "INVALID_SETTINGS", place: undefined });
    expect(error.message).toBe(
      "the settings that were given: silence.0 expected a reason, in words, for those who read it in a year",
    );
  });

  test("names layers by patterns, those that may be missing, and releases of one name in two namespaces", async () => {
    await using its = await world({
      "deploy.yaml": `layers: ["config/shared/*.yaml", { ifThere: config/extra.yaml }]
environments: { west: { layers: ["config/west*.yaml"] }, east: { layers: ["config/nothing-*.yaml"] } }
releases:
  system:
    chart: system
    namespace: kube-system
    layers: [system/all.yaml]
    environments:
      west: { release: west, layers: [system/west.yaml, { ifThere: "system/odd-*.yaml" }] }
`,
      "system/Chart.yaml": CHART.replace("mybinder", "system"),
      "system/all.yaml": "a: 1\n",
      "system/west.yaml": "a: 2\n",
      "config/shared/b.yaml": "b: 1\n",
      "config/shared/a.yaml": "b: 2\n",
      "config/shared/deep/c.yaml": "b: 3\n",
      "config/shared/notes.md": "",
      "config/west.yaml": "a: 1\n",
      "config/west-2.yaml": "a: 2\n",
    });
    await using project = await its.open();
    const [west, east] = project.environments;
    expect(west?.releases.map(({ key, name, namespace }) => `${key} ${namespace}/${name}`)).toEqual([
      "system kube-system/west",
      " west/west",
    ]);
    expect(west?.releases.map(({ layers }) => layers.map(({ path }) => path))).toEqual([
      ["system/all.yaml", "system/west.yaml"],
      ["config/shared/a.yaml", "config/shared/b.yaml", "config/west-2.yaml", "config/west.yaml"],
    ]);
    expect([...(west?.main.matched ?? [])]).toEqual([
      ["config/shared/*.yaml", ["config/shared/a.yaml", "config/shared/b.yaml"]],
      ["config/extra.yaml", []],
      ["config/west*.yaml", ["config/west-2.yaml", "config/west.yaml"]],
    ]);
    expect(east?.releases).toHaveLength(1);
    // A pattern that finds nothing is a layer that is missing.
    expect(await errorOf(() => east?.values())).toMatchObject({ code: "MISSING_FILE" });
  });

  test("that is no YAML, or twofold, is refused", async () => {
    expect(await open("a: b: c\n")).toMatchObject({ code: "MALFORMED_YAML" });
    expect(await open("environments: {a: {}}\nenvironments: {b: {}}\n")).toMatchObject({ code: "DUPLICATE_KEY" });
  });
});

describe("a deploy.yaml that is no file of its own", () => {
  test("but a folder, is an error, and not passed over", async () => {
    await using its = await world({ ...FILES, "deploy.yaml/notes.txt": "x\n" });
    expect(await errorOf(() => its.open())).toMatchObject({
      code: "INVALID_SETTINGS",
      message: "expected the file deploy.yaml with the settings, got a folder",
      place: { file: "deploy.yaml/notes.txt" },
    });
  });

  test("but a symbolic link, is an error", async () => {
    await using its = await world({ ...FILES, "other.yaml": "environments: {a: {}}\n" });
    symlinkSync("other.yaml", join(its.repository.path, "deploy.yaml"));
    await its.repository.commit("a link");
    expect(await errorOf(() => its.open())).toMatchObject({
      code: "MISSING_FILE",
      message: "deploy.yaml is no regular file",
    });
  });

  test("but encrypted, cannot be read without the key, which is said", async () => {
    await using its = await world(FILES);
    const text = Buffer.from("environments: {a: {}}\n");
    its.repository.write("deploy.yaml", encryptBlob(its.key, text));
    await its.repository.commit("encrypted");
    expect(await errorOf(() => its.open({ key: null }))).toMatchObject({ code: "LOCKED" });
    await using project = await its.open();
    expect(project.environments.map(({ name }) => name)).toEqual(["a"]);
  });

  test("but one whose content git does not have, is an error", async () => {
    await using its = await world({ ...FILES, "deploy.yaml": "environments: {a: {}}\n" });
    const blob = (await its.repository.git("rev-parse", "HEAD:deploy.yaml")).toString().trim();
    rmSync(join(its.repository.path, ".git/objects", blob.slice(0, 2), blob.slice(2)));
    expect(await errorOf(() => its.open())).toMatchObject({
      code: "MISSING_FILE",
      message: "git does not have the content of deploy.yaml",
    });
  });
});

describe("without deploy.yaml", () => {
  test("holds for what deploy.yaml leaves out: one with a pin alone drops no layer", async () => {
    await using its = await world({
      "deploy.yaml": "environments: { staging: {}, prod: { cluster: { uid: abc } }, bare: { layers: [] } }\n",
      "config/common.yaml": "a: 1\n",
      "config/common/b.yaml": "b: 1\n",
      "config/cert-manager.yaml": "c: 1\n",
      "config/staging.yaml": "a: 2\n",
      "config/prod.yaml": "a: 3\n",
      "secrets/config/common/x.yaml": "x: secret\n",
      "secrets/config/staging.yaml": "b: secret\n",
      "secrets/config/prod.yaml": "b: secret\n",
      "secrets/prod-kubeconfig.yaml": "{}\n",
    });
    await using project = await its.open();
    const shared = ["config/common.yaml", "config/common/b.yaml", "secrets/config/common/x.yaml"];
    expect(project.environments.map(({ name, main }) => [name, main.layers.map(({ path }) => path)])).toEqual([
      ["staging", [...shared, "config/staging.yaml", "secrets/config/staging.yaml"]],
      ["prod", [...shared, "config/prod.yaml", "secrets/config/prod.yaml"]],
      ["bare", shared],
    ]);
    const prod = project.environment("prod");
    expect(prod).toMatchObject({ cluster: { uid: "abc" }, kubeconfig: "secrets/prod-kubeconfig.yaml" });
  });

  test("a layer that one environment has, all must have", async () => {
    const { "secrets/config/prod.yaml": _, ...files } = FILES;
    await using its = await world(files);
    await using project = await its.open();
    expect(project.environment("staging").values().value).toEqual({ a: 2, b: "s" });
    const error = await errorOf(() => project.environment("prod").values());
    expect(error).toMatchObject({ code: "MISSING_FILE", message: "secrets/config/prod.yaml is not in the commit" });
  });

  test("shared layers, kubeconfigs and tiers are found by their names", async () => {
    await using its = await world({
      ...FILES,
      "config/common.yaml": "c: 1\n",
      "secrets/config/common.yaml": "d: 1\n",
      "secrets/prod-kubeconfig.yaml": "x: 1\n",
    });
    await using project = await its.open();
    const prod = project.environment("prod");
    expect(prod.main.layers.map(({ path, role }) => `${role} ${path}`)).toEqual([
      "defaults mybinder/values.yaml",
      "common config/common.yaml",
      "common secrets/config/common.yaml",
      "environment config/prod.yaml",
      "environment secrets/config/prod.yaml",
    ]);
    expect(prod).toMatchObject({ tier: "prod", kubeconfig: "secrets/prod-kubeconfig.yaml" });
    expect(project.environment("staging")).toMatchObject({ tier: "staging", kubeconfig: null });
    expect(await errorOf(() => project.environment("production"))).toMatchObject({
      code: "NO_SUCH_ENVIRONMENT",
      hint: "its environments are: staging, prod",
    });
  });

  test("and without that layout there is no project", async () => {
    await using its = await world({});
    expect(await errorOf(() => its.open())).toMatchObject({ code: "NO_PROJECT" });
  });
});

describe("the commit", () => {
  test("is what is read, whatever lies in the work tree", async () => {
    await using its = await world(FILES);
    its.repository.write("config/prod.yaml", "a: 4\n");
    await its.repository.commit("later");
    its.repository.write("config/prod.yaml", "a: 5\n");
    await using now = await its.open();
    await using before = await its.open({ revision: "HEAD~1" });
    expect([now, before].map((project) => project.environment("prod").values().value["a"])).toEqual([4, 3]);
    expect(await errorOf(() => its.open({ revision: "nowhere" }))).toMatchObject({ code: "NO_SUCH_REVISION" });
    expect(await errorOf(() => its.open({ revision: "--all" }))).toMatchObject({ code: "NO_SUCH_REVISION" });
  });
});

describe("what the packages below say when a project is opened", () => {
  let its: World;
  beforeAll(async () => {
    its = await world(FILES);
  });
  afterAll(() => its[Symbol.asyncDispose]());

  /** Opening fails with a DeployError that another package's error is the cause of. */
  async function passedOn(options: Partial<ProjectOptions>, kind: new (...args: never[]) => Error): Promise<string> {
    const error = await errorOf(() => its.open(options));
    expect(error).toBeInstanceOf(DeployError);
    expect(error.cause).toBeInstanceOf(kind);
    const { code, message, hint } = error.cause as VaultError;
    expect(error).toMatchObject({ code, message, hint });
    return code;
  }

  test("is a DeployError with its code, words and cause", async () => {
    expect(await passedOn({ root: its.repository.folder }, GitCryptError)).toBe("NOT_A_REPOSITORY");
    expect(await passedOn({ revision: "nowhere" }, GitCryptError)).toBe("NO_SUCH_REVISION");
    expect(await passedOn({ env: { ...its.repository.env, PATH: "" } }, GitCryptError)).toBe("GIT_MISSING");
  });

  test("of a sealed key, too", async () => {
    const folder = join(its.repository.folder, "keys");
    mkdirSync(folder);
    const [theirs, locked] = await Promise.all([
      makeSshKey({ type: "ed25519", folder }),
      makeSshKey({ type: "ed25519", folder, name: "locked", passphrase: "canary" }),
    ]);
    const sealed = join(folder, "sealed");
    writeFileSync(sealed, await seal(encodeKeyFile(its.key), [new SshRecipient(parsePublicKey(theirs.publicKey))]));
    const key = (...identities: string[]): KeySource => ({ file: sealed, identities });
    expect(await passedOn({ key: key(locked.privateKeyPath) }, SealingError)).toBe("NO_IDENTITY_MATCHED");
    expect(await passedOn({ key: key(join(folder, "nowhere")) }, KeyError)).toBe("KEY_NOT_FOUND");
    const env = { ...its.repository.env, GIT_VAULT_IDENTITY: "nonsense" };
    expect(await passedOn({ key: { file: sealed }, env }, SharingError)).toBe("NOT_AN_IDENTITY");
    writeFileSync(
      join(folder, "bad"),
      "-----BEGIN OPENSSH PRIVATE KEY-----\nbm9uZQ==\n-----END OPENSSH PRIVATE KEY-----\n",
    );
    expect(await passedOn({ key: key(join(folder, "bad")) }, KeyError)).toBe("MALFORMED_KEY");
  });
});

describe("what is not committed", () => {
  test("is told: what is changed, staged, removed and new, and nothing that the project is not made from", async () => {
    await using its = await world({
      ...FILES,
      "mybinder/templates/x.yaml": "a: 1\n",
      "docs/x.md": "x\n",
      ".gitignore": "*.bak\n",
    });
    const { repository } = its;
    {
      await using project = await its.open();
      expect(project.uncommitted()).toEqual([]);
    }
    repository.write("config/prod.yaml", "a: 4\n");
    repository.write("mybinder/values.yaml", "a: 4\n");
    await repository.git("add", "mybinder/values.yaml");
    rmSync(join(repository.path, "mybinder/templates/x.yaml"));
    repository.write("config/übung.yaml", "a: 1\n");
    repository.write("deploy.yaml", "environments: {}\n");
    // None of it, ignored, or taken from the work tree all the same.
    for (const path of ["docs/x.md", "docs/y.md", "config/prod.yaml.bak", "mybinder/charts/x-1.0.0.tgz"])
      repository.write(path, "y\n");
    await using project = await its.open();
    expect(project.uncommitted().toSorted()).toEqual([
      "config/prod.yaml",
      "config/übung.yaml",
      "deploy.yaml",
      "mybinder/templates/x.yaml",
      "mybinder/values.yaml",
    ]);
    await using named = await its.open({ revision: project.commit });
    expect(named.uncommitted()).toEqual([]);
  });
});

describe("the key comes from", () => {
  let its: World;
  let key: Buffer;
  beforeAll(async () => {
    its = await world(FILES);
    key = encodeKeyFile(its.key);
  });
  afterAll(() => its[Symbol.asyncDispose]());
  const secretWith = async (options: Parameters<World["open"]>[0]): Promise<unknown> => {
    await using project = await its.open(options);
    return project.environment("prod").values().value["b"];
  };
  const inFolder = (name: string, content: string | Buffer): string => {
    const path = join(its.repository.folder, name);
    writeFileSync(path, content);
    return path;
  };

  test("a file that is no larger than a key needs", async () => {
    const text = (blanks: number): string => key.toString("base64").padEnd(blanks, "\n");
    expect(await secretWith({ key: { file: inFolder("padded", text(64 * 1024)) } })).toBe("p");
    const error = await errorOf(() => secretWith({ key: { file: inFolder("large", text(64 * 1024 + 1)) } }));
    expect(error).toMatchObject({ code: "NOT_A_KEY" });
  });

  test("$GIT_CRYPT_KEY, as base64 or a path, and goes to no program", async () => {
    const { env } = its.repository;
    const base64 = key.toString("base64");
    expect(await secretWith({ key: {}, env: { ...env, GIT_CRYPT_KEY: base64 } })).toBe("p");
    expect(
      await secretWith({ key: {}, env: { ...env, GIT_CRYPT_KEY: `\n${base64.replaceAll(/.{64}/g, "$&\n")}\n` } }),
    ).toBe("p");
    expect(await secretWith({ key: {}, env: { ...env, GIT_CRYPT_KEY: inFolder("key", key) } })).toBe("p");
    for (const value of ["nonsense", "/nowhere", base64.slice(8)]) {
      const error = await errorOf(() => secretWith({ key: {}, env: { ...env, GIT_CRYPT_KEY: value } }));
      expect(error).toMatchObject({ code: "NOT_A_KEY" });
      expect(error.message).not.toContain(value);
    }
    // A helm that is a script tells what it was started with.
    const seen = join(its.repository.folder, "seen");
    const helm = inFolder("helm", `#!/bin/sh\nenv > ${seen}\necho v3.18.0\n`);
    await runOk("chmod", ["755", helm]);
    await using project = await its.open({
      key: {},
      env: {
        ...env,
        HELM: helm,
        GIT_CRYPT_KEY: base64,
        GIT_VAULT_IDENTITY: "/x",
        SSH_VAULT_PASSPHRASE: "p",
        KUBECONFIG: "/x",
      },
    });
    await errorOf(() => project.environment("prod").render());
    const told = readFileSync(seen, "utf8");
    expect(told).toContain("HELM_CACHE_HOME=");
    expect(told).not.toMatch(/GIT_CRYPT_KEY|GIT_VAULT_IDENTITY|SSH_VAULT_PASSPHRASE/);
    expect(told).not.toMatch(/^KUBECONFIG=\/x$/m);
  });

  test("a file: the key, its base64, or a message sealed to an SSH key", async () => {
    expect(await secretWith({ key: { file: inFolder("plain", key) } })).toBe("p");
    expect(await secretWith({ key: { file: inFolder("base64", key.toString("base64")) } })).toBe("p");
    expect(await errorOf(() => secretWith({ key: { file: "/nowhere/key" } }))).toMatchObject({ code: "NOT_A_KEY" });
    expect(await errorOf(() => secretWith({ key: { file: inFolder("other", "other") } }))).toMatchObject({
      code: "NOT_A_KEY",
    });
  });

  const age = peer("age");
  test.skipIf(age.missing)(`a message that ${age.label} sealed to an SSH key`, async () => {
    const folder = join(its.repository.folder, "ssh");
    mkdirSync(folder);
    const { privateKeyPath, publicKeyPath } = await makeSshKey({ type: "ed25519", folder });
    const sealed = await runOk(age.path, ["-R", publicKeyPath, "--armor"], { input: key });
    expect(await secretWith({ key: { file: inFolder("sealed", sealed), identities: [privateKeyPath] } })).toBe("p");
  });

  test("the repository, once it is unlocked", async () => {
    expect(await errorOf(() => secretWith({ key: {} }))).toMatchObject({ code: "LOCKED" });
    const folder = join(its.repository.path, ".git/git-crypt/keys");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "default"), key);
    expect(await secretWith({ key: {} })).toBe("p");
    expect(await errorOf(() => secretWith({ key: null }))).toMatchObject({ code: "LOCKED" });
  });
});

describe("Helm", () => {
  let its: World;
  beforeAll(async () => {
    its = await world(FILES);
  });
  afterAll(() => its[Symbol.asyncDispose]());
  const withHelm = async (script: string | null): Promise<{ env: NodeJS.ProcessEnv }> => {
    const helm = join(its.repository.folder, "helm");
    writeFileSync(helm, script ?? "");
    await runOk("chmod", [script === null ? "644" : "755", helm]);
    return { env: { ...its.repository.env, HELM: helm } };
  };

  test.each([
    ["that is not there", null, "TOOL_MISSING"],
    ["of version 2", "#!/bin/sh\necho v2.17.0\n", "UNSUPPORTED_TOOL"],
    ["of version 5", "#!/bin/sh\necho v5.0.0\n", "UNSUPPORTED_TOOL"],
    ["that is something else", "#!/bin/sh\necho hello\n", "UNSUPPORTED_TOOL"],
    ["that fails at once", "#!/bin/sh\nexit 1\n", "UNSUPPORTED_TOOL"],
  ])("%s is refused", async (_, script, code) => {
    const { env } = await withHelm(script);
    await using project = await its.open({ env });
    expect(await errorOf(() => project.environment("prod").render())).toMatchObject({ code });
  });

  test("that is interrupted is waited for", async () => {
    const done = join(its.repository.folder, "done");
    const { env } = await withHelm(
      `#!/bin/sh\n[ "$1" = version ] && { echo v4.1.4; exit; }\ntrap 'sleep 0.2; echo > ${done}; exit 1' TERM\necho > ${done}.started\nwhile :; do sleep 0.05; done\n`,
    );
    await using project = await its.open({ env });
    const controller = new AbortController();
    const failure = errorOf(() => project.environment("prod").render({ signal: controller.signal }));
    while (!existsSync(`${done}.started`)) await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect(await failure).toMatchObject({ code: "INTERRUPTED" });
    expect(existsSync(done)).toBe(true);
  });

  test("leaves nothing behind", async () => {
    using temporary = temporaryFolder();
    vi.stubEnv("TMPDIR", temporary.path);
    const { env } = await withHelm('#!/bin/sh\n[ "$1" = version ] && echo v4.1.4\ntrue\n');
    {
      await using project = await its.open({ env });
      await project.environment("prod").render();
      await using other = await its.open({ env });
      await errorOf(() => other.environment("nowhere"));
    }
    expect(readdirSync(temporary.path).filter((name) => name.startsWith("git-vault-deploy-"))).toEqual([]);
  });
});

describe("paths", () => {
  test.each([
    [["hub", "users", 0, "name"], "hub.users[0].name"],
    [["a.b", "c"], '["a.b"].c'],
    [["a", "b c", ""], 'a["b c"][""]'],
    [["x", 'say "no"'], String.raw`x["say \"no\""]`],
  ])("%j is written %s, and read again", (path, text) => {
    expect(formatPath(path)).toBe(text);
    expect(parsePath(text)).toEqual(path);
  });

  test.each(["a..b", ".", "a.", "a[x]", "a[", '["a'])("%j is none", (text) => {
    expect(parsePath(text)).toBeNull();
  });
});
