import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import {
  AGE_PLUGIN_TEST,
  makeSshKey,
  peer,
  run,
  temporaryFolder,
  writeAgePlugin,
  type AgePluginMode,
  type RunResult,
  type TemporaryFolder,
  switchValue,
} from "@git-vault/testkit";
import { openTerminal, type Terminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* age's plugins: one of ours that also behaves as none should, and a real one. */

const age = peer("age");
const batchpass = peer("age-plugin-batchpass");
const tagtest = peer("age-plugin-tagtest");
const { recipient, identity } = AGE_PLUGIN_TEST;
/** `age -j batchpass` makes this one. */
const BATCHPASS = "AGE-PLUGIN-BATCHPASS-1JCS0Q9";
/** The recipients that `age-plugin-tagtest` opens for, and its identity. */
const TAGTEST = "AGE-PLUGIN-TAGTEST-1CXM4UC";
const TAGGED = "age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h";
const TAGGED_PQ = readFileSync(join(import.meta.dirname, "age1tagpq.txt"), "utf8").trim();

let folder: TemporaryFolder;
let env: Record<string, string>;
let seen: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const bin = join(folder.path, "bin");
  writeAgePlugin(bin, "test");
  seen = join(folder.path, "seen.json");
  mkdirSync(join(folder.path, ".ssh"));
  await makeSshKey({ folder: folder.path, name: "bob", type: "ed25519" });
  writeFileSync(join(folder.path, "test.txt"), `# public key: ${recipient}\n${identity}\n`);
  writeFileSync(join(folder.path, "batchpass.txt"), `${BATCHPASS}\n`);
  env = {
    HOME: folder.path,
    PATH: [bin, switchValue("GIT_VAULT_PEERS") ?? bin, process.env["PATH"]].join(delimiter),
    AGE_PLUGIN_SEEN: seen,
    GIT_CONFIG_NOSYSTEM: "1",
  };
});
afterAll(() => folder.remove());

const vault = (
  args: readonly string[],
  { input = "hunter2", mode = "plain", more = {} }: { input?: string; mode?: AgePluginMode; more?: object } = {},
): Promise<RunResult> =>
  run(process.execPath, [VAULT, ...args], { cwd: folder.path, env: { ...env, AGE_PLUGIN_MODE: mode, ...more }, input });

/** A message to our plugin. */
const sealed = async (): Promise<string> => (await vault(["share", "--to", recipient])).stdout.toString();

describe("a plugin", () => {
  test("seals and opens, beside other keys", async () => {
    const message = (await vault(["share", "--to", recipient, "--to", "./bob.pub"])).stdout.toString();
    for (const key of ["test.txt", identity, "bob"]) {
      const { stdout, status } = await vault(["view", "-k", key], { input: message });
      expect([status, stdout.toString()]).toEqual([0, "hunter2"]);
    }
    const { stdout } = await vault(["view"], { input: message, more: { GIT_VAULT_IDENTITY: identity } });
    expect(stdout.toString()).toBe("hunter2");
  });

  test.skipIf(age.missing)(`crosses with ${age.label}`, async () => {
    const options = { cwd: folder.path, env };
    const theirs = await run(age.path, ["-r", recipient, "-a"], { ...options, input: "from age" });
    expect((await vault(["view", "-k", "test.txt"], { input: theirs.stdout.toString() })).stdout.toString()).toBe(
      "from age",
    );
    const ours = await run(age.path, ["-d", "-i", "test.txt"], { ...options, input: await sealed() });
    expect(ours.stdout.toString()).toBe("hunter2");
  });

  test("gets no secret of the environment, and runs in no folder of the user's", async () => {
    await vault(["share", "--to", recipient], { more: { GIT_CRYPT_KEY: "canary-1", GH_TOKEN: "canary-2" } });
    const { cwd, argv, env: its } = JSON.parse(readFileSync(seen, "utf8"));
    expect(JSON.stringify(its)).not.toContain("canary");
    expect([cwd === folder.path, argv.at(-1)]).toEqual([false, "--age-plugin=recipient-v1"]);
  });

  test("is not taken from the current folder", async () => {
    writeAgePlugin(folder.path, "test");
    const { status, stderr } = await vault(["share", "--to", recipient], { more: { PATH: "." } });
    rmSync(join(folder.path, "age-plugin-test"));
    expect([status, stderr]).toEqual([3, expect.stringContaining("age-plugin-test: there is no such program")]);
  });

  test("is run for no message or file that names it", async () => {
    const message = await sealed();
    rmSync(seen);
    await vault(["view"], { input: message });
    writeFileSync(join(folder.path, "team.keys"), `${recipient}\n`);
    const { status, stderr } = await vault(["share", "--to", "./team.keys"]);
    expect([status, stderr]).toEqual([3, expect.stringContaining("run only for a recipient that you name yourself")]);
    expect(existsSync(seen)).toBe(false);
    // Who names the plugin says that it may run for what others wrote.
    const named = await vault(["share", "--to", "./team.keys", "--plugin", "test"]);
    expect([named.status, existsSync(seen)]).toEqual([0, true]);
  });

  test("says by its comment for whom a signed message is", async () => {
    const sign = ["--sign", "--sign-key", "bob"];
    const message = (await vault(["share", "--to", recipient, ...sign])).stdout.toString();
    expect((await vault(["view", "-k", "test.txt"], { input: message })).stderr).toContain("NOBODY NAMED");
    const { status, stderr } = await vault(["view", "-k", identity], { input: message });
    expect([status, stderr]).toEqual([5, expect.stringContaining("# public key: age1")]);
  });

  test.each(["unknown", "spoof"] as const)("that is %s opens", async (mode) => {
    const { status, stdout, stderr } = await vault(["view", "-k", "test.txt"], { input: await sealed(), mode });
    expect([status, stdout.toString()]).toEqual([0, "hunter2"]);
    expect(stderr.split("\n").filter((line) => line.startsWith("vault: "))).toHaveLength(1);
    for (const unsafe of ["\x1b", "\r", "\u202e"]) expect(stderr).not.toContain(unsafe);
  });

  test.each([
    ["error", "the card\\x0ais\\x1b[2J locked"],
    ["garbage", "does not speak the protocol"],
    ["huge", "a command of more than 262144 bytes"],
    ["flood", "it sent more than 4194304 bytes"],
    ["early", "it ended early, and said: \\x1b[31mno card\\x07"],
    ["chatter", "told the user something more than"],
    ["pin", "wrong PIN"],
    ["confirm", "skipped"],
  ] as const)("that does %s is an error", async (mode, words) => {
    const message = await sealed();
    for (const args of [
      ["view", "-k", "test.txt"],
      ["share", "--to", recipient],
    ]) {
      const { status, stdout, stderr } = await vault(args, { input: message, mode });
      expect([status, stdout.toString(), stderr]).toEqual([3, "", expect.stringContaining(words)]);
    }
  });

  test("that gives a key of another length is an error", async () => {
    const { status, stderr } = await vault(["view", "-k", "test.txt"], { input: await sealed(), mode: "wrong-key" });
    expect([status, stderr]).toEqual([3, expect.stringContaining("another kind of message key")]);
  });
});

describe.skipIf(tagtest.missing || age.missing)(`age's tagged recipients and ${tagtest.label}`, () => {
  test.each([
    ["tag", TAGGED],
    ["tagpq", TAGGED_PQ],
  ])("%s: what is sealed without a plugin opens by one, with age and here", async (kind, to) => {
    const ours = await vault(["share", "--to", to, "--json"]);
    const { message, sealedTo } = JSON.parse(ours.stdout.toString());
    expect(sealedTo).toMatchObject([{ type: `age-${kind}`, fingerprint: to }]);
    const options = { cwd: folder.path, env };
    expect((await run(age.path, ["-d", "-j", "tagtest"], { ...options, input: message })).stdout.toString()).toBe(
      "hunter2",
    );
    const theirs = await run(age.path, ["-a", "-r", to], { ...options, input: "from age" });
    writeFileSync(join(folder.path, "tagtest.txt"), `# public key: ${to}\n${TAGTEST}\n`);
    const view = await vault(["view", "-k", "tagtest.txt"], { input: theirs.stdout.toString() });
    expect([view.stdout.toString(), view.stderr]).toEqual(["from age", expect.stringContaining("NOT SIGNED")]);
  });

  test("stand in files of recipients, and a post-quantum one not beside others", async () => {
    writeFileSync(join(folder.path, "tagged.keys"), `${TAGGED}\n`);
    expect((await vault(["share", "--to", "./tagged.keys", "--to", "./bob.pub"])).status).toBe(0);
    const { status, stderr } = await vault(["share", "--to", TAGGED_PQ, "--to", "./bob.pub"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("--allow-mixed")]);
  });
});

describe("vault edit", () => {
  const edit = (args: readonly string[]): Promise<RunResult> =>
    vault(["edit", "-k", "test.txt", ...args, "edited"], { more: { EDITOR: "sed -i s/hunter/runner/" } });
  const view = async (): Promise<string> =>
    (await vault(["view", "-k", "test.txt", "edited"], { input: "" })).stdout.toString();

  test("seals again to the plugin's key that opened the message, which its file names", async () => {
    writeFileSync(join(folder.path, "edited"), await sealed());
    expect([(await edit([])).status, await view()]).toEqual([0, "runner2"]);
  });

  test("seals to a plugin's key that is named", async () => {
    writeFileSync(join(folder.path, "edited"), (await vault(["share", "--to", "./bob.pub", "--to", recipient])).stdout);
    expect([(await edit([])).status, await view()]).toEqual([2, "hunter2"]);
    expect([(await edit(["--to", recipient])).status, await view()]).toEqual([0, "runner2"]);
  });
});

describe("on a terminal", () => {
  const view = async (mode: AgePluginMode): Promise<Terminal> => {
    writeFileSync(join(folder.path, "message.txt"), await sealed());
    return openTerminal(process.execPath, [VAULT, "view", "-k", "test.txt", "message.txt"], {
      cwd: folder.path,
      env: { ...env, AGE_PLUGIN_MODE: mode },
    });
  };

  test.each([
    ["pin", /age-plugin-test: PIN of the card/, "1234"],
    ["confirm", /age-plugin-test: is the card there \(y: touch it, n: skip\)/, "y"],
  ] as const)("a plugin asks for a %s by its name", async (mode, question, answer) => {
    const terminal = await view(mode);
    await terminal.waitFor(question);
    terminal.type(answer);
    terminal.press("enter");
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.screen).toContain("hunter2");
    expect(terminal.screen).not.toContain("1234");
  });

  test("Ctrl-C ends a plugin that hangs and ignores it", async () => {
    const terminal = await view("hang");
    await terminal.waitFor(/waiting for age-plugin-test/);
    terminal.press("ctrl-c");
    expect((await terminal.ended).status).not.toBe(0);
    const { pid } = JSON.parse(readFileSync(seen, "utf8"));
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  });
});

/** One that has ended stays in the list of processes until somebody asks how. */
async function isRunning(pid: number): Promise<boolean> {
  const { stdout } = await run("ps", ["-o", "stat=", "-p", String(pid)]);
  return /^[^Z\s]/.test(stdout.toString());
}

describe.skipIf(batchpass.missing || age.missing)(`the real ${batchpass.label}`, () => {
  const pass = { AGE_PASSPHRASE: "correct", AGE_PASSPHRASE_WORK_FACTOR: "10" };
  const options = (): { cwd: string; env: Record<string, string> } => ({ cwd: folder.path, env: { ...env, ...pass } });

  test("crosses with age both ways", async () => {
    const theirs = await run(age.path, ["-e", "-j", "batchpass", "-a"], { ...options(), input: "from age" });
    const opened = await vault(["view", "-k", "batchpass.txt"], { input: theirs.stdout.toString(), more: pass });
    expect(opened.stdout.toString()).toBe("from age");
    const ours = await vault(["share", "--to", BATCHPASS], { more: pass });
    const back = await run(age.path, ["-d", "-j", "batchpass"], { ...options(), input: ours.stdout.toString() });
    expect(back.stdout.toString()).toBe("hunter2");
  });

  test("stands alone, as its label says, which no flag changes", async () => {
    for (const flags of [[], ["--allow-mixed"]]) {
      const args = ["share", "--to", BATCHPASS, "--to", "./bob.pub", ...flags];
      const { status, stderr } = await vault(args, { more: pass });
      expect([status, stderr]).toEqual([2, expect.stringContaining("does not allow the other recipients")]);
      expect(stderr).toContain("hint: seal a separate message to that recipient");
    }
  });

  test("says what is wrong", async () => {
    const ours = await vault(["share", "--to", BATCHPASS], { more: pass });
    const more = { ...pass, AGE_PASSPHRASE: "wrong" };
    const { status, stderr } = await vault(["view", "-k", "batchpass.txt"], { input: ours.stdout.toString(), more });
    expect([status, stderr]).toEqual([3, expect.stringContaining("incorrect passphrase")]);
  });
});

test("the work factor of a passphrase is raised where the hint says", async () => {
  writeFileSync(join(folder.path, "passphrase"), "correct\n");
  const pass = ["--passphrase-file", "passphrase"];
  const seal = (factor: string): Promise<RunResult> =>
    vault(["share", "--with-passphrase", ...pass, "--work-factor", factor]);
  const message = (await seal("11")).stdout.toString();
  expect(message).toContain("AGE ENCRYPTED FILE");
  const refused = await vault(["view", ...pass, "--max-work-factor", "10"], { input: message });
  expect([refused.status, refused.stderr]).toEqual([5, expect.stringContaining("by --max-work-factor")]);
  const opened = await vault(["view", ...pass, "--max-work-factor", "11"], { input: message });
  expect(opened.stdout.toString()).toBe("hunter2");
  expect((await seal("31")).status).toBe(2);
});
