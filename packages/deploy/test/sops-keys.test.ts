import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { generateIdentity } from "@git-vault/sealing";
import { peer, runOk, startGnuPg } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Project, ProjectOptions } from "../src/index.ts";
import { writePlan } from "../src/releases/index.ts";
import { errorOf } from "./world.ts";
import { SOPS, type SopsWorld, sopsWorld } from "./sops-world.ts";

/*
 * Which keys open a file of the real sops: those that sops finds, and those that are named.
 */
const TEXT = "password: canary\nnested: {list: [1, two]}\nopen_unencrypted: x\n";
const VALUES = { password: "canary", nested: { list: [1, "two"] }, open_unencrypted: "x" };

let world: SopsWorld;
beforeAll(async () => {
  world = await sopsWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What it gives, or the code of why it does not. */
const orError = async (job: () => string): Promise<string> => {
  try {
    return job();
  } catch (error) {
    return String(await errorOf(() => Promise.reject(error)).then(({ code }) => code));
  }
};

let commits = 0;

/** Opens the project whose one layer is that. */
async function withLayer(
  text: string,
  options: Partial<ProjectOptions>,
  use: (project: Project) => unknown,
): Promise<void> {
  world.repository.write("layers/prod.yaml", text);
  world.repository.write("deploy.yaml", JSON.stringify({ environments: { prod: { layers: ["layers/prod.yaml"] } } }));
  // The same may have been there before.
  world.repository.write("note", String((commits += 1)));
  await world.repository.commit("layer");
  await using project = await world.open(options);
  await use(project);
}

const opens = (text: string, options: Partial<ProjectOptions> = {}): Promise<void> =>
  withLayer(text, options, (project) => {
    expect(JSON.parse(JSON.stringify(project.environment("prod").values().value))).toEqual(VALUES);
    const leaves = [...project.environment("prod").values().leaves()];
    expect(leaves.map(({ path, secret }) => [path.join("."), secret])).toEqual([
      ["password", true],
      ["nested.list", true],
      ["open_unencrypted", false],
    ]);
    expect(project.redactor.redact("canary and x")).toBe("[secret] and x");
  });

const refuses = (
  text: string,
  options: Partial<ProjectOptions> = {},
): Promise<Error & { code?: string; hint?: string }> =>
  new Promise((resolve, reject) => {
    withLayer(text, options, async (project) => {
      const error = await errorOf(() => project.environment("prod").values());
      expect(error.message).not.toContain("canary");
      expect(project.environment("prod").main.layers[0]?.locked).toBe(true);
      expect(project.environment("prod").values({ withoutSecrets: true }).value).toEqual({});
      resolve(error);
    }).catch(reject);
  });

describe.skipIf(SOPS.missing)(`beside ${SOPS.label}`, () => {
  const none = (): NodeJS.ProcessEnv => ({ ...world.repository.env, XDG_CONFIG_HOME: world.repository.folder });

  test("age keys of SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, the folder of sops, and those that are named", async () => {
    const text = await world.encrypt("a.yaml", TEXT);
    await opens(text);
    const file = join(world.repository.folder, "keys.txt");
    writeFileSync(file, `# created\n${world.identity}\n`, { mode: 0o600 });
    await opens(text, { env: { ...none(), SOPS_AGE_KEY_FILE: file } });
    await opens(text, { env: none(), sops: { identities: [file] } });
    await opens(text, { env: { ...none(), GIT_VAULT_IDENTITY: world.identity } });
    const config = join(world.repository.folder, "config");
    mkdirSync(join(config, "sops/age"), { recursive: true });
    writeFileSync(join(config, "sops/age/keys.txt"), `${world.identity}\n`);
    await opens(text, { env: { ...none(), XDG_CONFIG_HOME: config } });
    expect(await refuses(text, { env: none() })).toMatchObject({
      code: "LOCKED",
      message: `layers/prod.yaml is encrypted by sops to ${world.recipient}, and no private key here opens it`,
    });
    expect(await refuses(text, { sops: null })).toMatchObject({ code: "LOCKED" });
  });

  test("a key that is no file, alone; and a key that cannot be used stops no other", async () => {
    const text = await world.encrypt("a.yaml", TEXT);
    const key = (identity: string): object => ({ key: { name: "given", bytes: Buffer.from(`${identity}\n`) } });
    await opens(text, { env: none(), sops: key(world.identity) });
    const { identity } = await generateIdentity();
    expect(await errorOf(() => opens(text, { sops: key(identity) }))).toMatchObject({
      code: "WRONG_KEY",
      message: expect.stringMatching(/, and the private key that was given, given, does not open it$/),
    });
    const folder = world.repository.folder;
    const [good, broken] = [join(folder, "good.txt"), join(folder, "broken.txt")];
    writeFileSync(good, `${world.identity}\n`);
    writeFileSync(broken, "no key\n");
    await opens(text, { env: none(), sops: { identities: [broken, join(folder, "nowhere"), good] } });
    await withLayer(text, { env: none(), sops: { identities: [broken] } }, async (project) => {
      expect((await errorOf(() => project.environment("prod").values())).message).toContain("broken.txt");
    });
  });

  test("one of several recipients", async () => {
    const others = await Promise.all([generateIdentity(), generateIdentity()]);
    const to = [...others.map(({ recipient }) => recipient), world.recipient].join(",");
    const text = await world.encrypt("a.yaml", TEXT, "--age", to);
    expect(text.match(/recipient: /g)).toHaveLength(3);
    await opens(text);
  });

  test.each(["ed25519", "rsa"])("an SSH key (%s) with a passphrase, which is asked for once", async (type) => {
    const file = join(world.repository.folder, `id_${type}`);
    await runOk(peer("ssh-keygen").path, ["-q", "-t", type, "-N", "open sesame", "-C", "", "-f", file]);
    const publicKey = readFileSync(`${file}.pub`, "utf8").trim();
    const first = await world.encrypt("a.yaml", TEXT, "--age", publicKey);
    const second = await world.encrypt("a.yaml", TEXT, "--age", publicKey);
    world.repository.write("layers/first.yaml", first);
    world.repository.write("layers/second.yaml", second);
    const layers = ["layers/first.yaml", "layers/second.yaml"];
    world.repository.write("deploy.yaml", JSON.stringify({ environments: { prod: { layers } } }));
    await world.repository.commit("two");
    let asked = 0;
    const passphrase = async (): Promise<Uint8Array> => {
      asked += 1;
      return Buffer.from("open sesame");
    };
    await using project = await world.open({ env: none(), sops: { identities: [file], passphrase } });
    expect(project.environment("prod").values().value["password"]).toBe("canary");
    expect(asked).toBe(1);
    await using without = await world.open({ env: none(), sops: { identities: [file] } });
    expect(await errorOf(() => without.environment("prod").values())).toMatchObject({ code: "LOCKED" });
  });

  test("an OpenPGP key, by gpg and by its file", async () => {
    await using gnupg = startGnuPg();
    const fingerprint = await gnupg.generate({ userId: "Ann <ann@example.org>" });
    const env = { ...none(), GNUPGHOME: gnupg.home };
    const text = await runOk(SOPS.path, ["encrypt", "--pgp", fingerprint, "--filename-override", "a.yaml"], {
      env,
      input: TEXT,
    });
    await opens(String(text), { env });
    const file = join(world.repository.folder, "ann.asc");
    writeFileSync(file, await gnupg.exportSecret(fingerprint));
    await opens(String(text), { env: none(), sops: { identities: [file] } });
    expect((await refuses(String(text), { env: none(), sops: { identities: [] } })).message).toContain(fingerprint);
  });

  test("Shamir's groups: as many as are needed, and no fewer", async () => {
    const [other, third] = await Promise.all([generateIdentity(), generateIdentity()]);
    const config = {
      creation_rules: [
        {
          shamir_threshold: 2,
          key_groups: [{ age: [other.recipient] }, { age: [world.recipient] }, { age: [third.recipient] }],
        },
      ],
    };
    world.repository.write(".sops.yaml", JSON.stringify(config));
    const text = await world.encrypt("a.yaml", TEXT, "--config", `${world.repository.path}/.sops.yaml`, "encrypt");
    expect(text).toContain("shamir_threshold: 2");
    const both = { ...none(), SOPS_AGE_KEY: `${world.identity} ${third.identity}` };
    await opens(text, { env: both });
    expect(await refuses(text)).toMatchObject({ code: "LOCKED" });
    const wrong = text.replace("shamir_threshold: 2", "shamir_threshold: 1");
    await withLayer(wrong, {}, async (project) => {
      expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
    });
  });

  test("a layer of another environment is not opened", async () => {
    const [mine, theirs] = [await world.encrypt("a.yaml", TEXT), await world.encrypt("a.yaml", TEXT)];
    world.repository.write("layers/prod.yaml", mine);
    world.repository.write("layers/other.yaml", theirs);
    const of = (name: string): object => ({ layers: [`layers/${name}.yaml`] });
    world.repository.write("deploy.yaml", JSON.stringify({ environments: { prod: of("prod"), other: of("other") } }));
    await world.repository.commit("two");
    await using project = await world.open({ only: ["prod"] });
    expect(project.environment("prod").values().value["password"]).toBe("canary");
    expect(await errorOf(() => project.environment("other").values())).toMatchObject({ code: "LOCKED" });
  });

  test("stand-ins stand for what sops encrypted, and for nothing else", async () => {
    await withLayer(await world.encrypt("a.yaml", TEXT), { secrets: "stand-ins" }, (project) => {
      const { value } = project.environment("prod").values();
      expect(value).toMatchObject({ open_unencrypted: "x" });
      expect(value["password"]).not.toBe("canary");
      expect(value["password"]).toMatch(/^[a-z]{6}$/);
    });
  });

  test("ciphertext that sops left is never a value: in a chart's own values, or without what opens it", async () => {
    const text = await world.encrypt("a.yaml", TEXT);
    world.repository.write("app/values.yaml", text);
    world.repository.write("layers/prod.yaml", "a: 1\n");
    world.repository.write("deploy.yaml", JSON.stringify({ environments: { prod: { layers: ["layers/prod.yaml"] } } }));
    await world.repository.commit("chart");
    await using project = await world.open();
    expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "SECRET_IN_CHART" });
    await world.repository.git("rm", "-q", "app/values.yaml");
    await world.repository.commit("none");
    await withLayer(text.slice(0, text.indexOf("sops:")), {}, async (other) => {
      expect(await errorOf(() => other.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
    });
  });
});

/** Vault's transit engine, as far as sops talks to it: what it encrypts, it turns around. */
function startTransit(): Promise<Server & { readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${String(request.headers["x-vault-token"])}`);
      const { plaintext = "", ciphertext = "" } = JSON.parse(body || "{}");
      const data =
        request.url?.includes("/encrypt/") === true
          ? { ciphertext: `vault:v1:${Array.from(plaintext).toReversed().join("")}` }
          : { plaintext: Array.from(ciphertext.slice("vault:v1:".length)).toReversed().join("") };
      if (ciphertext.endsWith(":denied")) response.statusCode = 403;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data }));
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(Object.assign(server, { asked })));
  });
}

describe.skipIf(SOPS.missing)(`by a key of a server, with ${SOPS.label}`, () => {
  let server: Server & { readonly asked: string[] };
  let address: string;
  beforeAll(async () => {
    server = await startTransit();
    const at = server.address();
    address = `http://127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
  });
  afterAll(() => void server.close());

  /** sops is on PATH, and logs in to the server. */
  const env = (): NodeJS.ProcessEnv => ({
    ...world.repository.env,
    PATH: `${join(SOPS.path, "..")}:${process.env["PATH"]}`,
    VAULT_TOKEN: "s.needle",
    XDG_CONFIG_HOME: world.repository.folder,
  });
  const encrypted = async (): Promise<string> =>
    String(
      await runOk(
        SOPS.path,
        ["encrypt", "--hc-vault-transit", `${address}/v1/sops/keys/one`, "--filename-override", "a.yaml"],
        {
          env: env(),
          input: TEXT,
        },
      ),
    );

  test("the installed sops is run where the caller allows that key, and for that key alone", async () => {
    const text = await encrypted();
    server.asked.length = 0;
    const allowed = { cloudKeys: [`hc_vault:${address}/*`] };
    await opens(text, { env: env(), sops: allowed });
    expect(server.asked).toEqual([expect.stringMatching(/^PUT \/v1\/sops\/decrypt\/one s\.needle$/)]);
    server.asked.length = 0;
    for (const cloudKeys of [
      undefined,
      [],
      ["gcp_kms:*"],
      [`hc_vault:${address}`],
      ["hc_vault:http://127.0.0.1:1/*"],
    ]) {
      const error = await refuses(text, { env: env(), sops: { cloudKeys } });
      expect(error).toMatchObject({ code: "LOCKED", remedy: "allow-cloud-key" });
      expect(error.message).toContain(`hc_vault:${address}/sops/one`);
    }
    expect(server.asked).toEqual([]);
  });

  test("another server in the same file is not asked", async () => {
    const text = await encrypted();
    const evil = await startTransit();
    try {
      const at = evil.address();
      const other = `http://127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
      const [, entry = ""] = /hc_vault:\n([\s\S]*?)\n {4}\w/.exec(text) ?? [];
      const both = text.replace(entry, `${entry.replace(address, other)}\n${entry}`);
      server.asked.length = 0;
      await opens(both, { env: env(), sops: { cloudKeys: [`hc_vault:${address}/*`] } });
      expect(evil.asked).toEqual([]);
      expect(server.asked).toHaveLength(1);
    } finally {
      evil.close();
    }
  });

  test("the order of keys and the digits of numbers are those of the file", async () => {
    const values = `big_unencrypted: 9007199254740993\n"2": two\n"10": 9007199254740993\n"1": 1e300\ndate_unencrypted: 2001-01-02\nquoted: "12"\nodd: "\\x85 \\u2028 \\xa0"\n"<<": {list: [1, {a: true}, null, ""]}\n`;
    const to = `${address}/v1/sops/keys/one`;
    const text = await world.encrypt("a.yaml", values, "--hc-vault-transit", to, "--age", world.recipient);
    const read = async (options: Partial<ProjectOptions>): Promise<unknown> => {
      let found: unknown;
      await withLayer(text, options, (project) => {
        const { value, leaves } = {
          value: project.environment("prod").values().value,
          leaves: [...(project.environment("prod").main.layers[0]?.scalars() ?? [])],
        };
        found = [JSON.stringify(value), leaves.map(({ path, text: its, secret }) => [path, its, secret])];
      });
      return found;
    };
    const asked = await read({ env: env(), sops: { cloudKeys: ["hc_vault:*"] } });
    expect(asked).toEqual(await read({}));
    expect(JSON.stringify(asked)).toContain("9007199254740993");
  });

  test("digests tell nothing that can be tried: without a key of its own, a plan is not sealed", async () => {
    const asked = { env: env(), sops: { cloudKeys: ["hc_vault:*"] } };
    const both = ["--hc-vault-transit", `${address}/v1/sops/keys/one`, "--age", world.recipient];
    const text = await world.encrypt("a.yaml", TEXT, ...both);
    const digests: string[] = [];
    for (const options of [asked, asked, {}, {}])
      await withLayer(text, options, async (project) => {
        expect(project.digestsLast).toBe(options !== asked);
        digests.push(project.digest("values", "guess"));
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it does not come to be read
        const plan = { releases: [] } as unknown as Parameters<typeof writePlan>[1];
        const told = await orError(() => writePlan(project, plan));
        expect(told).toContain(options === asked ? "LOCKED" : "seal");
      });
    expect(new Set(digests).size).toBe(3);
    expect(digests[2]).toBe(digests[3]);
  });

  test("who is interrupted waits for no cloud", async () => {
    const slow = join(world.repository.folder, "slow");
    mkdirSync(slow, { recursive: true });
    const started = join(slow, "started");
    writeFileSync(join(slow, "sops"), `#!/bin/sh\n: > '${started}'\nexec sleep 50\n`);
    chmodSync(join(slow, "sops"), 0o755);
    const controller = new AbortController();
    const waiting = setInterval(() => existsSync(started) && controller.abort(), 20);
    const PATH = `${slow}:${process.env["PATH"]}`;
    const options = { env: { ...env(), PATH }, sops: { cloudKeys: ["hc_vault:*"] }, signal: controller.signal };
    const opened = withLayer(await encrypted(), options, () => undefined);
    await expect(opened).rejects.toMatchObject({ code: "INTERRUPTED" });
    clearInterval(waiting);
  });

  test("of several groups, none is asked for", async () => {
    const hc = `${address}/v1/sops/keys/one`;
    const rule = { shamir_threshold: 2, key_groups: [{ hc_vault: [hc] }, { age: [world.recipient] }] };
    world.repository.write(".sops.yaml", JSON.stringify({ creation_rules: [rule] }));
    const text = await world.encrypt("a.yaml", TEXT, "--config", `${world.repository.path}/.sops.yaml`, "encrypt");
    expect(await refuses(text, { env: env(), sops: { cloudKeys: ["hc_vault:*"] } })).toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining("several groups"),
    });
  });

  test("no other spelling of a key, and no name without its parts, leads to another server", async () => {
    const text = await encrypted();
    const evil = await startTransit();
    try {
      const at = evil.address();
      const other = `http://127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
      const [block = "", entry = ""] = /hc_vault:\n([\s\S]*?)\n(?= {4}\w)/.exec(text) ?? [];
      const elsewhere = entry.replace(address, other);
      const texts = [
        text.replace(block, `${block}    HC_Vault:\n${elsewhere}\n`),
        text.replace(block, `${block}    ſhamir_threshold: 1\n`),
        text
          .replace(`vault_address: ${address}`, `Vault_Address: ${other}`)
          .replace(/engine_path: sops/, `engine_path: ${address}/x`),
        text.replace(`vault_address: ${address}`, `vault_address: ${address}\n          Vault_Address: ${other}`),
        text.replace(`vault_address: ${address}`, `vault_address: [${address}]`),
        text.replace(/engine_path: sops/, 'engine_path: ""'),
      ];
      server.asked.length = 0;
      for (const changed of texts) {
        expect(changed).not.toBe(text);
        await withLayer(
          changed,
          { env: env(), sops: { cloudKeys: [`hc_vault:${address}/*`, "hc_vault:http://x/*"] } },
          async (project) => {
            expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
          },
        );
      }
      // At the top, it is a value as any other.
      const above = `SOPS:\n    hc_vault:\n${elsewhere}\n${text}`;
      await withLayer(above, { env: env(), sops: { cloudKeys: [`hc_vault:${address}/*`] } }, async (project) => {
        expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
      });
      expect(evil.asked).toEqual([]);
    } finally {
      evil.close();
    }
  });

  test("no server is asked where stand-ins are given", async () => {
    const text = await encrypted();
    server.asked.length = 0;
    const options = { env: env(), secrets: "stand-ins", sops: { cloudKeys: ["hc_vault:*"] } } as const;
    expect(await refuses(text, options)).toMatchObject({ code: "LOCKED" });
    expect(server.asked).toEqual([]);
  });

  test("what sops refuses is told, and a sops that is missing", async () => {
    const text = await encrypted();
    const sops = { cloudKeys: ["hc_vault:*"] };
    const tampered = text.replace(/open_unencrypted: x/, "open_unencrypted: y");
    await withLayer(tampered, { env: env(), sops }, async (project) => {
      expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
    });
    const others = (process.env["PATH"] ?? "").split(":").filter((folder) => !existsSync(join(folder, "sops")));
    const without = { ...env(), PATH: others.join(":") };
    expect(await refuses(text, { env: without, sops })).toMatchObject({
      code: "TOOL_MISSING",
      message: "sops could not be started: it is not there, or not executable",
      hint: "install sops, in a folder of PATH: it asks the cloud",
    });
    const broken = text.replace(/vault:v1:\S+/, "vault:v1:denied");
    const refused = await refuses(broken, { env: env(), sops });
    expect(refused).toMatchObject({ code: "LOCKED", message: expect.stringContaining("sops did not get its key") });
    const liar = join(world.repository.folder, "liar");
    mkdirSync(liar, { recursive: true });
    writeFileSync(join(liar, "sops"), "#!/bin/sh\necho '{\"password\": [1]}'\n");
    chmodSync(join(liar, "sops"), 0o755);
    await withLayer(text, { env: { ...env(), PATH: `${liar}:${process.env["PATH"]}` }, sops }, async (project) => {
      expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
    });
  });
});
