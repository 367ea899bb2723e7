import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CredentialHelper } from "../src/cluster/credential-helper.ts";
import { Credentials } from "../src/cluster/credentials.ts";
import type { CredentialProgram } from "../src/cluster/kubeconfig.ts";
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

const NO_DEMANDS = { branches: [], members: null };

describe.skipIf(process.platform === "win32")("what gives a credential to Helm", () => {
  const start = async (): Promise<{ helper: CredentialHelper; exec: { command: string; args: string[] } }> => {
    const helper = await CredentialHelper.start(new Credentials({ token: "a-token" }, {}, () => {}));
    const kubeconfig = {
      server: "https://x",
      authority: null,
      serverName: null,
      proxy: null,
      user: {},
      demands: NO_DEMANDS,
    };
    const { users } = JSON.parse(helper.kubeconfig(kubeconfig, "prod")) as {
      users: { user: { exec: { command: string; args: string[] } } }[];
    };
    return { helper, exec: users[0]?.user.exec ?? { command: "", args: [] } };
  };

  test("can be asked by this user alone, and is gone once it is closed", async () => {
    const { helper, exec } = await start();
    const [program = "", socket = ""] = exec.args;
    const modes = [dirname(program), program, socket].map((path) => (statSync(path).mode & 0o777).toString(8));
    expect(modes).toEqual(["700", "600", "600"]);
    expect(readFileSync(program, "utf8")).not.toContain("a-token");
    const { stdout } = await promisify(execFile)(exec.command, exec.args);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "ExecCredential", status: { token: "a-token" } });
    helper.close();
    expect(existsSync(dirname(program))).toBe(false);
  });

  test("has no secret in its kubeconfig", async () => {
    const { helper } = await start();
    const kubeconfig = {
      server: "https://x",
      authority: "ca",
      serverName: "x",
      proxy: null,
      user: { token: "a-token" },
      demands: NO_DEMANDS,
    };
    expect(helper.kubeconfig(kubeconfig, "prod")).not.toContain("a-token");
    helper.close();
  });
});
