import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, runOk, temporaryFolder } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { VAULT } from "./program.ts";

const peakMemory = join(import.meta.dirname, "../../../bench/peak-memory.cjs");
const MIB = 1024 * 1024;

test("a large message in armor is sealed and opened in little memory", async () => {
  using folder = temporaryFolder();
  const { path } = folder;
  await makeSshKey({ folder: path, type: "ed25519" });
  writeFileSync(join(path, "plain"), "");
  truncateSync(join(path, "plain"), 128 * MIB);
  const peakOf = async (...args: string[]): Promise<number> => {
    const env = { PATH: process.env["PATH"], HOME: path };
    await runOk(process.execPath, ["--require", peakMemory, VAULT, ...args], { cwd: path, env });
    return (Number(readFileSync(join(path, "peak-memory"), "utf8")) * 1024) / MIB;
  };
  expect(await peakOf("share", "-q", "--to", "./id_ed25519.pub", "-o", "sealed", "plain")).toBeLessThan(110);
  expect(await peakOf("view", "-q", "-k", "id_ed25519", "-o", "opened", "sealed")).toBeLessThan(110);
  await runOk("cmp", [join(path, "opened"), join(path, "plain")]);
});
