/*
 * Keys of AWS, Google and Azure: the real sops asks stand-ins for their services on this machine.
 */
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { join } from "node:path";
import { runOk } from "@git-vault/testkit";
import { mintCertificate } from "@git-vault/testkit/network";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SOPS, type SopsWorld, sopsWorld } from "./sops-world.ts";
import { errorOf } from "./world.ts";

const ARN = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const RESOURCE = "projects/mine/locations/global/keyRings/one/cryptoKeys/two";
const REFUSED = "not with this key";

/** What a service is asked, and by whom. */
const asked: string[] = [];
let refuses = false;
let world: SopsWorld;
let servers: Server[];
/** Of what answers in plain HTTP, and in TLS. */
let plain: string;
let tls: string;

const turned = (text = "", encoding: "base64" | "base64url" = "base64"): string =>
  Buffer.from(Buffer.from(text, encoding).toReversed()).toString(encoding);

type Body = Readonly<Record<string, string>>;

/** What the services answer: what they encrypt, they turn around. */
function answerTo({ url = "", headers }: IncomingMessage, body: Body): object {
  const action = String(headers["x-amz-target"] ?? url);
  if (action.startsWith("/token"))
    return { access_token: "needle", token_type: "Bearer", expires_on: String(Math.floor(Date.now() / 1000) + 86_400) };
  if (action.startsWith("TrentService."))
    return action.endsWith(".Encrypt")
      ? { KeyId: ARN, CiphertextBlob: turned(body["Plaintext"]) }
      : { KeyId: ARN, Plaintext: turned(body["CiphertextBlob"]) };
  if (action.startsWith("/v1/"))
    return action.includes(":encrypt")
      ? { name: RESOURCE, ciphertext: turned(body["plaintext"]) }
      : { plaintext: turned(body["ciphertext"]) };
  return { kid: `${tls}/keys/two/v1`, value: turned(body["value"], "base64url") };
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  let text = "";
  request.on("data", (piece: Buffer) => (text += piece.toString()));
  request.on("end", () => {
    const { url = "", headers } = request;
    const target = headers["x-amz-target"] ?? url.replace(/\?.*/, "");
    response.setHeader("content-type", "application/json");
    if (url.startsWith("/keys/") && headers.authorization === undefined) {
      // Azure's way to say where a token is had: its client wants the end of the host's name.
      const resource = tls.replace("127.0.0.1", "0.0.1");
      response.setHeader("www-authenticate", `Bearer authorization="${tls}/tenant", resource="${resource}"`);
      response.statusCode = 401;
      return response.end("{}");
    }
    const who = headers.authorization ?? headers["x-identity-header"] ?? "nobody";
    asked.push(`${String(target)} ${String(who).replace(/\/.*/, "")}`);
    if (!refuses || url.startsWith("/token"))
      return response.end(JSON.stringify(answerTo(request, JSON.parse(text || "{}"))));
    response.statusCode = 400;
    return response.end(
      JSON.stringify({ __type: "AccessDeniedException", message: REFUSED, error: { message: REFUSED } }),
    );
  });
}

const listening = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return `127.0.0.1:${typeof at === "object" ? at?.port : ""}`;
};

beforeAll(async () => {
  if (SOPS.missing) return;
  world = await sopsWorld();
  const { key, certificate } = await mintCertificate({ commonName: "127.0.0.1", names: ["127.0.0.1"] });
  writeFileSync(join(world.repository.folder, "authority.pem"), certificate);
  servers = [createServer(serve), createTlsServer({ key, cert: certificate }, serve)];
  [plain = "", tls = ""] = await Promise.all(servers.map(listening));
  [plain, tls] = [`http://${plain}`, `https://${tls}`];
});

afterAll(async () => {
  if (SOPS.missing) return;
  for (const server of servers) server.close();
  await world[Symbol.asyncDispose]();
});

/** By the cloud: its key, how sops is led to the stand-in, and what that is asked. */
const CLOUDS = {
  AWS: {
    key: `kms:${ARN}`,
    words: ["--kms", ARN],
    asked: ["TrentService.Decrypt AWS4-HMAC-SHA256 Credential=AKIDNEEDLE"],
    env: () => ({
      AWS_ENDPOINT_URL_KMS: plain,
      AWS_ACCESS_KEY_ID: "AKIDNEEDLE",
      AWS_SECRET_ACCESS_KEY: "needle",
      AWS_MAX_ATTEMPTS: "1",
    }),
  },
  Google: {
    key: `gcp_kms:${RESOURCE}`,
    words: ["--gcp-kms", RESOURCE],
    asked: [`/v1/${RESOURCE}:decrypt Bearer needle`],
    env: () => ({
      SOPS_GCP_KMS_ENDPOINT: plain,
      SOPS_GCP_KMS_CLIENT_TYPE: "rest",
      GOOGLE_OAUTH_ACCESS_TOKEN: "needle",
    }),
  },
  Azure: {
    key: "azure_kv:*/two/v1",
    words: () => ["--azure-kv", `${tls}/keys/two/v1`],
    asked: ["/token needle", "/keys/two/v1/decrypt Bearer needle"],
    env: () => ({
      SSL_CERT_FILE: join(world.repository.folder, "authority.pem"),
      IDENTITY_ENDPOINT: `${plain}/token`,
      IDENTITY_HEADER: "needle",
    }),
  },
} as const;

const VALUES = { password: "canary", open_unencrypted: "x" };

test.skipIf(SOPS.missing).each(Object.entries(CLOUDS))(
  `a key of %s opens a layer by ${SOPS.label}, if it is allowed, and its refusal is told`,
  async (_, { key, words, ...cloud }) => {
    const env = {
      ...world.repository.env,
      ...cloud.env(),
      PATH: `${join(SOPS.path, "..")}:${process.env["PATH"]}`,
      XDG_CONFIG_HOME: world.repository.folder,
    };
    const to = typeof words === "function" ? words() : words;
    const text = await runOk(SOPS.path, ["encrypt", ...to, "--filename-override", "a.yaml"], {
      env,
      input: "password: canary\nopen_unencrypted: x\n",
    });
    world.repository.write("layers/prod.yaml", text);
    world.repository.write("deploy.yaml", "environments: { prod: { layers: [layers/prod.yaml] } }\n");
    await world.repository.commit("a layer");
    const values = async (cloudKeys: string[]): Promise<unknown> => {
      await using project = await world.open({ env, sops: { cloudKeys } });
      return { ...project.environment("prod").values().value };
    };
    asked.length = 0;
    expect(await values([key])).toEqual(VALUES);
    expect(asked).toEqual(cloud.asked);
    asked.length = 0;
    expect(await errorOf(() => values(["hckms:*"]))).toMatchObject({ code: "LOCKED", remedy: "allow-cloud-key" });
    expect(asked).toEqual([]);
    refuses = true;
    const refused = await errorOf(() => values([key])).finally(() => (refuses = false));
    expect(refused).toMatchObject({ code: "LOCKED", hint: "check the credentials of the cloud in the environment" });
    expect(refused.message).not.toMatch(/needle|canary/);
  },
);
