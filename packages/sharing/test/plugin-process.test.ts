import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { AGE_PLUGIN_TEST, temporaryFolder, writeAgePlugin, type TemporaryFolder } from "@git-vault/testkit";
import { parsePluginKey } from "@git-vault/sealing/plugins";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pluginRecipient, type PluginDialog } from "../src/identities/plugin-process.ts";

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder();
  writeAgePlugin(folder.path, "test");
});
afterAll(() => folder.remove());

test("a plugin that says nothing is ended when patience is, also where it ignores signals", async () => {
  const seen = join(folder.path, "seen.json");
  const waited: string[] = [];
  const dialog: PluginDialog = {
    named: new Set(),
    tell: () => false,
    ask: async () => null,
    confirm: async () => null,
    started: () => () => {},
    waiting: (name) => waited.push(name),
    patience: 1500,
    env: {
      PATH: [folder.path, process.env["PATH"]].join(delimiter),
      AGE_PLUGIN_MODE: "hang",
      AGE_PLUGIN_SEEN: seen,
    },
  };
  const recipient = pluginRecipient(parsePluginKey(AGE_PLUGIN_TEST.recipient), dialog);
  await expect(recipient.wrapFileKey(Buffer.alloc(16))).rejects.toMatchObject({
    code: "PLUGIN_FAILED",
    message: expect.stringContaining("age-plugin-test") as string,
  });
  const { pid } = JSON.parse(readFileSync(seen, "utf8"));
  const isGone = (): boolean => {
    try {
      return !/^State:\t[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
    } catch {
      return true;
    }
  };
  await expect.poll(isGone, { timeout: 20_000 }).toBe(true);
});
