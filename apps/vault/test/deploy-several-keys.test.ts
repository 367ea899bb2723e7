import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile, type KeyFile } from "@git-vault/git-crypt";
import { peer, type Repository, run, type RunResult, throwawayRepository } from "@git-vault/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * A repository with a key of its own for prod: one run opens the files of both.
 */
const SHELL = peer("sh");
let repository: Repository;
let [shared, prod]: readonly KeyFile[] = [];
const base64 = (key: KeyFile | undefined): string => (key === undefined ? "" : encodeKeyFile(key).toString("base64"));

beforeAll(async () => {
  repository = await throwawayRepository();
  [shared, prod] = [generateKeyFile(), generateKeyFile("prod")];
  const encrypted = (key: KeyFile | undefined, text: string): Buffer =>
    encryptBlob(key ?? generateKeyFile(), Buffer.from(text));
  repository.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  repository.write("secrets/config/common.yaml", encrypted(shared, "shared: canary-shared\n"));
  repository.write("secrets/config/prod.yaml", encrypted(prod, "own: canary-prod\n"));
  await repository.commit("all");
});
afterAll(() => repository.remove());

const values = (env: Record<string, string>, ...words: string[]): Promise<RunResult> =>
  run(VAULT, ["deploy", "values", "prod", ...words], { cwd: repository.path, env: { ...repository.env, ...env } });

const BOTH = 'shared: "[secret]"\nown: "[secret]"\n';

test("keys in a variable for each name", async () => {
  const both = await values({ GIT_CRYPT_KEY: base64(shared), GIT_CRYPT_KEY_PROD: base64(prod) });
  expect({ ...both, stdout: both.stdout.toString() }).toMatchObject({ status: 0, stdout: BOTH });
  expect(await values({ GIT_CRYPT_KEY: base64(shared) })).toMatchObject({ status: 5 });
  const wrong = await values({ GIT_CRYPT_KEY: base64(shared), GIT_CRYPT_KEY_PROD: "not a key" });
  expect(wrong).toMatchObject({
    status: 5,
    stderr: expect.stringContaining("$GIT_CRYPT_KEY_PROD: expected a git-crypt key"),
  });
  expect(wrong.stderr).not.toContain("not a key");
});

test("keys in several files, and by descriptors, each of which is read once", async () => {
  const [one, other] = ["shared", "prod"].map((name) => join(repository.folder, `${name}.key`));
  writeFileSync(one ?? "", encodeKeyFile(shared ?? generateKeyFile()));
  writeFileSync(other ?? "", base64(prod));
  const byFile = await values({}, "--key-file", one ?? "", "--key-file", other ?? "");
  expect({ ...byFile, stdout: byFile.stdout.toString() }).toMatchObject({ status: 0, stdout: BOTH });
  const script = 'exec "$0" deploy values prod --key-file /dev/fd/3 --key-file /dev/fd/4 3<"$1" 4<"$2"';
  const byDescriptor = await run(SHELL.path, ["-c", script, VAULT, one ?? "", other ?? ""], {
    cwd: repository.path,
    env: { ...repository.env },
  });
  expect({ ...byDescriptor, stdout: byDescriptor.stdout.toString() }).toMatchObject({ status: 0, stdout: BOTH });
});

test("with some of the keys, check is no stricter than with none", async () => {
  using clone = await throwawayRepository();
  const encrypted = (key: KeyFile | undefined, text: string): Buffer =>
    encryptBlob(key ?? generateKeyFile(), Buffer.from(text));
  const attributes = [
    "secrets/** filter=git-crypt",
    "app/files/* filter=git-crypt-prod",
    "prod/** filter=git-crypt-prod",
  ];
  clone.write(".gitattributes", `${attributes.join("\n")}\n`);
  clone.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  clone.write(
    "app/templates/a.yaml",
    'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: {{ required "no script" (.Files.Get "files/a") | quote }}}\n',
  );
  clone.write("app/values.yaml", "own: none\n");
  clone.write("app/files/a", encrypted(prod, "canary-file"));
  clone.write("prod/federation.yaml", encrypted(prod, "a: https://a.example.org\n"));
  clone.write("secrets/config/prod.yaml", encrypted(shared, "own: canary-prod-1234\n"));
  clone.write("config/prod.yaml", "a: 1\n");
  clone.write("deploy.yaml", "federation: prod/federation.yaml\nchart: app\nenvironments: { prod: {} }\n");
  await clone.commit("all");
  const HELM = peer("helm4").path;
  const check = async (env: Record<string, string>): Promise<string> => {
    const { stdout, status } = await run(VAULT, ["deploy", "check"], {
      cwd: clone.path,
      env: { ...clone.env, HELM, ...env },
    });
    return `${stdout.toString()}${status}`;
  };
  expect(await check({})).toBe(await check({ GIT_CRYPT_KEY: base64(shared) }));
});

test("each that is named opens something, or is refused by its name; those of the clone are taken, too", async () => {
  const third = join(repository.folder, "third.key");
  writeFileSync(third, encodeKeyFile(generateKeyFile()));
  const keys = { GIT_CRYPT_KEY: base64(shared), GIT_CRYPT_KEY_PROD: base64(prod) };
  const refused = (title: string): object => ({
    status: 3,
    stderr: expect.stringContaining(`${title} opens none of the 2 encrypted files`),
  });
  const files = ["shared", "prod"].flatMap((name) => {
    const file = join(repository.folder, `${name}.key`);
    return ["--key-file", file];
  });
  expect(await values({}, ...files, "--key-file", third)).toMatchObject(refused("third.key"));
  expect(await values({ ...keys, GIT_CRYPT_KEY_OTHER: third })).toMatchObject(refused("$GIT_CRYPT_KEY_OTHER"));
  repository.write(".git/git-crypt/keys/default", encodeKeyFile(shared ?? generateKeyFile()));
  const both = await values({ GIT_CRYPT_KEY_PROD: base64(prod) });
  expect({ ...both, stdout: both.stdout.toString() }).toMatchObject({ status: 0, stdout: BOTH });
});

test("no program that is started gets one of them", async () => {
  const seen = join(repository.folder, "seen");
  const helm = join(repository.folder, "helm");
  writeFileSync(helm, `#!/bin/sh\nenv >> ${seen}\nls -l /proc/self/fd >> ${seen}\nexit 1\n`, { mode: 0o755 });
  const env = { GIT_CRYPT_KEY: base64(shared), GIT_CRYPT_KEY_PROD: base64(prod), HELM: helm };
  const { status } = await run(VAULT, ["deploy", "template", "prod"], {
    cwd: repository.path,
    env: { ...repository.env, ...env },
  });
  expect(status).not.toBe(0);
  const text = readFileSync(seen, "utf8");
  expect(text).toContain("PATH=");
  expect(text).not.toContain("GIT_CRYPT_KEY");
  for (const key of [shared, prod]) expect(text).not.toContain(base64(key));
});
