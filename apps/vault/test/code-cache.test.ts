import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { makeSshKey, runOk, temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/** A home of its own, and the program run in it. */
function makeHome(): {
  readonly path: string;
  readonly code: string;
  readonly run: (args: string[], input?: string | Uint8Array, env?: NodeJS.ProcessEnv) => Promise<Buffer>;
  /** What is kept for `--help`. */
  readonly helpFile: () => string;
} & Disposable {
  const folder = temporaryFolder();
  const code = join(folder.path, ".cache/git-vault/code");
  return {
    path: folder.path,
    code,
    run: (args, input = "", env = {}) =>
      runOk(process.execPath, [VAULT, ...args], {
        input,
        env: { PATH: process.env["PATH"], HOME: folder.path, NODE_COMPILE_CACHE: undefined, ...env },
      }),
    helpFile: () => join(code, readdirSync(code).find((name) => name.startsWith("help-")) ?? "none"),
    [Symbol.dispose]: () => folder.remove(),
  };
}

const SAID = "decrypt one file";
const PLANTED = "PLANTED one file";

/**
 * Keeps code for `--help` that says something else, as only who may write it can: V8 takes it for
 * the program's, since that is as long.
 */
async function plant(home: ReturnType<typeof makeHome>): Promise<string> {
  for (let run = 0; run < 2; run++) await home.run(["--help"]);
  const path = home.helpFile();
  const bytes = readFileSync(path);
  const start = bytes.indexOf("\n\n") + 2;
  let end = start;
  const lines = bytes.toString("utf8", 0, start).trimEnd().split("\n");
  const parts: Buffer[] = [];
  for (const [at, line] of lines.entries()) {
    const [, name, time, length] = /^(\S+\.cjs) (\S+) (\d+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const own = bytes.subarray(end, (end += Number(length)));
    const data = name === "commands.cjs" ? planted() : own;
    lines[at] = `${name} ${time} ${data.length}`;
    parts.push(data);
  }
  writeFileSync(path, Buffer.concat([Buffer.from(`${lines.join("\n")}\n\n`), ...parts, ...parts]));
  return path;
}

function planted(): Buffer {
  const source = readFileSync(join(dirname(VAULT), "commands.cjs"), "utf8").replaceAll(SAID, PLANTED);
  return new Script(`(function (exports, require, module, __filename, __dirname) { ${source}\n})`).createCachedData();
}

const says = async (home: ReturnType<typeof makeHome>): Promise<string> => {
  const help = (await home.run(["--help"])).toString();
  return [SAID, PLANTED].filter((words) => help.includes(words)).join();
};

describe("what V8 compiled", () => {
  test("is kept by the second run of a command, and then used", async () => {
    using home = makeHome();
    await home.run(["--help"]);
    expect(statSync(home.helpFile()).size).toBe(0);
    await home.run(["--help"]);
    const { size, mode, mtimeNs } = statSync(home.helpFile(), { bigint: true });
    expect(size).toBeGreaterThan(10_000n);
    expect(mode & 0o777n).toBe(0o600n);
    await home.run(["--version"]);
    expect(statSync(home.helpFile(), { bigint: true }).mtimeNs).toBe(mtimeNs);
    await plant(home);
    expect(await says(home)).toBe(PLANTED);
  });

  test("is kept again by the first run that succeeds", async () => {
    using home = makeHome();
    const key = (await makeSshKey({ type: "ed25519", folder: home.path })).publicKeyPath;
    const kept = (): number =>
      Math.max(
        ...readdirSync(home.code).map(
          (name) => statSync(join(home.code, name)).size * Number(name.startsWith("share-")),
        ),
      );
    for (let run = 0; run < 2; run++)
      await expect(home.run(["share", "--to", join(home.path, "no-such.pub")], "secret")).rejects.toThrow(
        "there is no file",
      );
    const afterFailure = kept();
    expect(afterFailure).toBeGreaterThan(10_000);
    await home.run(["share", "--to", key], "secret");
    const afterSuccess = kept();
    expect(afterSuccess).toBeGreaterThan(afterFailure * 1.2);
    await home.run(["share", "--to", key, "--quiet"], "secret");
    expect(kept()).toBe(afterSuccess);
  });

  test("is kept for what git runs for each file apart from all else that its command does", async () => {
    using home = makeHome();
    // That one finds no repository is of no account here.
    for (const args of [["filter"], ["-C", home.path, "filter", "verify"]]) await home.run(args).catch(() => null);
    const names = readdirSync(home.code).map((name) => name.replace(/-[^-]*$/, ""));
    expect(names.toSorted()).toEqual(["by-git", "filter"]);
  });

  test.each<[string, (home: ReturnType<typeof makeHome>, path: string) => void]>([
    ["in a folder that others may write", ({ code }) => chmodSync(code, 0o777)],
    ["in a folder that its group may write", ({ code }) => chmodSync(code, 0o770)],
    ["below a folder that others may write", ({ path }) => chmodSync(join(path, ".cache"), 0o777)],
    ["in a file that others may write", (_, path) => chmodSync(path, 0o666)],
    [
      "in a folder that a link leads to",
      ({ code }) => {
        renameSync(code, `${code}-elsewhere`);
        symlinkSync(`${code}-elsewhere`, code);
      },
    ],
    [
      "in a file that a link leads to",
      (_, path) => {
        renameSync(path, `${path}-elsewhere`);
        symlinkSync(`${path}-elsewhere`, path);
      },
    ],
    ["that is cut off", (_, path) => truncateSync(path, statSync(path).size - 1000)],
    [
      "that is damaged",
      (_, path) => {
        const bytes = readFileSync(path);
        for (let at = bytes.indexOf("\n\n") + 100; at < bytes.length; at += 997) bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      "of another program, or another Node",
      (_, path) => {
        const bytes = readFileSync(path).toString("latin1");
        writeFileSync(path, bytes.replace(`\n${process.version}\n`, "\nv20.0.0\n"), "latin1");
      },
    ],
    ["and is no such thing", (_, path) => writeFileSync(path, "{}\n")],
  ])("is not loaded %s", async (_, change) => {
    using home = makeHome();
    change(home, await plant(home));
    expect(await says(home)).toBe(SAID);
  });

  test.runIf(process.getuid?.() === 0)("is not loaded where another user owns it", async () => {
    for (const part of ["file", "code", "cache"] as const) {
      using home = makeHome();
      const file = await plant(home);
      chownSync({ file, code: home.code, cache: join(home.path, ".cache") }[part], 12_345, 12_345);
      expect([part, await says(home)]).toEqual([part, SAID]);
    }
  });

  test("is kept nowhere that cannot be written, and nothing is said of it", async () => {
    using home = makeHome();
    writeFileSync(join(home.path, ".cache"), "");
    for (let run = 0; run < 2; run++) expect((await home.run(["--version"])).toString()).toMatch(/^vault /);
    for (const env of [{ HOME: undefined }, { HOME: "relative" }, { HOME: "/dev/null" }, { XDG_CACHE_HOME: "/proc" }])
      expect((await home.run(["--version"], "", env)).toString()).toMatch(/^vault /);
  });

  test("is kept where Node keeps such files", async () => {
    using home = makeHome();
    const NODE_COMPILE_CACHE = join(home.path, "node");
    for (let run = 0; run < 2; run++) await home.run(["--version"], "", { NODE_COMPILE_CACHE });
    expect(readdirSync(home.path)).toEqual(["node"]);
    expect(readdirSync(join(NODE_COMPILE_CACHE, "git-vault/code"))).toEqual([expect.stringMatching(/^help-/)]);
    await home.run(["--version"], "", { NODE_COMPILE_CACHE: "relative" });
    expect(readdirSync(home.path)).toEqual([".cache", "node"]);
  });

  test("is not kept where Node is told so", async () => {
    using home = makeHome();
    for (let run = 0; run < 2; run++) await home.run(["--version"], "", { NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(readdirSync(home.path)).toEqual([]);
  });

  test("goes where it was not written for a month", async () => {
    using home = makeHome();
    mkdirSync(home.code, { recursive: true, mode: 0o700 });
    const [old, young] = [join(home.code, "view-old"), join(home.code, "view-young")];
    for (const path of [old, young]) writeFileSync(path, "");
    const then = Date.now() / 1000 - 31 * 24 * 3600;
    utimesSync(old, then, then);
    for (let run = 0; run < 2; run++) await home.run(["--help"]);
    expect(readdirSync(home.code)).toContain("view-young");
    expect(readdirSync(home.code)).not.toContain("view-old");
  });

  test("holds nothing of what the program worked on", async () => {
    using home = makeHome();
    mkdirSync(join(home.path, ".ssh"));
    const { publicKeyPath } = await makeSshKey({ type: "ed25519", folder: join(home.path, ".ssh") });
    const secret = "the secret 5f1c9d";
    const message = await home.run(["share", "--to", publicKeyPath], secret);
    for (let run = 0; run < 3; run++) expect((await home.run(["view"], message)).toString()).toBe(secret);
    const view = readdirSync(home.code).find((name) => name.startsWith("view-")) ?? "none";
    const kept = readFileSync(join(home.code, view)).toString("latin1");
    expect(kept).toContain("work.cjs");
    for (const part of [secret, home.path.slice(1), message.toString("latin1").slice(40, 80)])
      expect(kept).not.toContain(part);
  });
});
