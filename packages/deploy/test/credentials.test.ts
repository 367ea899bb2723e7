import { execFile } from "node:child_process";
import { existsSync, fstatSync, mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Credentials } from "../src/cluster/credentials.ts";
import { giveAccess, type HelmAccess } from "../src/cluster/helm-access.ts";
import type { CredentialProgram, Kubeconfig } from "../src/cluster/kubeconfig.ts";
import { KUBECONFIG_DESCRIPTOR } from "../src/helm/helm.ts";
import { errorOf } from "./world.ts";

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

/** A program that gives a token that ends so many seconds from now, and notes that it was asked. */
function programOf(name: string, seconds: number): { program: CredentialProgram; asked: () => number } {
  const file = join(folder.path, name);
  const expirationTimestamp = new Date(Date.now() + seconds * 1000).toISOString();
  const answer = { kind: "ExecCredential", status: { token: `token-of-${name}`, expirationTimestamp } };
  const args = ["-c", `echo x >> ${file}; echo '${JSON.stringify(answer)}'`];
  const apiVersion = "client.authentication.k8s.io/v1";
  return {
    program: { apiVersion, command: "sh", args, env: { VARIABLE: `variable-of-${name}` } },
    asked: () => readFileSync(file, "utf8").length / 2,
  };
}

describe("a credential", () => {
  test("has its secrets told before anybody gets it", async () => {
    const told: string[] = [];
    const user = { token: "a-token", certificate: "a-certificate", key: "a-key" };
    const credentials = new Credentials(user, {}, (secret) => told.push(secret));
    expect(told).toEqual([]);
    expect(await credentials.get()).toEqual(user);
    expect(told).toEqual(["a-token", "a-key"]);
  });

  test("of a program has its variables told, too", async () => {
    const told: string[] = [];
    const credentials = new Credentials(programOf("told", 3600).program, process.env, (secret) => told.push(secret));
    expect(told).toEqual(["variable-of-told"]);
    await credentials.get();
    expect(told).toEqual(["variable-of-told", "token-of-told"]);
  });

  test.each([
    ["later", 3600, 1],
    ["within-a-minute", 50, 2],
    ["over", -10, 2],
  ])("that ends %s (in %i seconds) is asked for %i times for two", async (name, seconds, times) => {
    const { program, asked } = programOf(name, seconds);
    const credentials = new Credentials(program, process.env, () => {});
    await credentials.get();
    await credentials.get();
    expect(asked()).toBe(times);
  });

  test("that could not be had is asked for again", async () => {
    const file = join(folder.path, "there");
    const { program } = programOf("again", 3600);
    const args = ["-c", `test -e ${file} || { touch ${file}; exit 3; }; ${program.args[1]}`];
    const credentials = new Credentials({ ...program, args }, process.env, () => {});
    expect(await errorOf(() => credentials.get())).toMatchObject({ code: "NO_CREDENTIAL" });
    expect(await credentials.get()).toEqual({ token: "token-of-again" });
  });
});

const KUBECONFIG = {
  server: "https://x",
  authority: "ca",
  serverName: "x",
  proxy: null,
  demands: { branches: [], members: null },
};

/** Gives Helm access, in a folder of its own. */
async function accessFor(user: Kubeconfig["user"]): Promise<HelmAccess & { folder: string }> {
  const at = mkdtempSync(join(folder.path, "access-"));
  const credentials = new Credentials(user, process.env, () => {});
  const access = await giveAccess({ kubeconfig: { ...KUBECONFIG, user }, credentials, namespace: "prod", folder: at });
  return { ...access, folder: at };
}

describe.skipIf(process.platform === "win32")("what gives a credential of a program's to Helm", () => {
  const execOf = async (access: HelmAccess): Promise<{ command: string; args: string[] }> => {
    const { users } = JSON.parse(readFileSync(access.kubeconfig.path, "utf8")) as {
      users: { user: { exec: { command: string; args: string[] } } }[];
    };
    return users[0]?.user.exec ?? { command: "", args: [] };
  };

  test("can be asked by this user alone, each time, and is gone once it is closed", async () => {
    const { program, asked } = programOf("for-helm", 30);
    const access = await accessFor(program);
    expect(readFileSync(access.kubeconfig.path, "utf8")).not.toContain("token-of-for-helm");
    const exec = await execOf(access);
    const [helper = "", socket = ""] = exec.args;
    const modes = [dirname(helper), helper, socket].map((path) => (statSync(path).mode & 0o777).toString(8));
    expect(modes).toEqual(["700", "600", "600"]);
    expect(readFileSync(helper, "utf8")).not.toContain("token");
    for (const times of [1, 2]) {
      const { stdout } = await promisify(execFile)(exec.command, exec.args);
      expect(JSON.parse(stdout)).toMatchObject({ kind: "ExecCredential", status: { token: "token-of-for-helm" } });
      expect(asked()).toBe(times);
    }
    access.close();
    expect(existsSync(dirname(helper))).toBe(false);
  });
});

describe.skipIf(process.platform !== "linux")("a credential that stays the same", () => {
  test("is in a kubeconfig in memory, which Helm alone has, and gone once it is closed", async () => {
    const access = await accessFor({ token: "a-token", certificate: "a-certificate", key: "a-key" });
    const { path, descriptor = -1 } = access.kubeconfig;
    expect(path).toBe(`/proc/self/fd/${KUBECONFIG_DESCRIPTOR}`);
    expect(readdirSync(access.folder)).toEqual([]);
    const { mode, nlink } = fstatSync(descriptor);
    expect([mode & 0o777, nlink]).toEqual([0o600, 0]);
    const { users } = JSON.parse(readFileSync(`/proc/self/fd/${descriptor}`, "utf8")) as { users: unknown[] };
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    expect(users).toEqual([
      {
        name: "deploy",
        user: {
          token: "a-token",
          "client-certificate-data": base64("a-certificate"),
          "client-key-data": base64("a-key"),
        },
      },
    ]);
    access.close();
    expect(() => fstatSync(descriptor)).toThrow("EBADF");
  });
});
