import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathWithVault, peer, startScriptPeople, type ScriptPeople } from "@git-vault/testkit";
import { runScript } from "@git-vault/testkit/script";
import { afterAll, beforeAll, describe, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Each script of test/scripts runs in a folder of its own, with the keys of the people of its
 * world: those of `choldgraf` in $HOME/.ssh, and the others in keys/.
 */
const scripts = join(import.meta.dirname, "scripts");
let people: ScriptPeople;

beforeAll(async () => {
  people = await startScriptPeople();
});
afterAll(() => people.close());

/**
 * What a script needs beside the program, by the first line of the script: `# needs: git-crypt`.
 */
const needs = (file: string): string[] =>
  /^# needs: (.*)$/m.exec(readFileSync(join(scripts, file), "utf8"))?.[1]?.split(" ") ?? [];

describe.each(readdirSync(scripts))("the script %s", (file) => {
  const missing = needs(file)
    .map((name) => peer(name))
    .find((its) => its.missing);
  test.skipIf(missing !== undefined)(
    `does what it says${missing === undefined ? "" : `: ${missing.label}`}`,
    async () => {
      // As for those who are signed in.
      Object.assign(people.github.rate, { limit: 5000, remaining: 5000 });
      await runScript(join(scripts, file), {
        env: { GITHUB_API_URL: people.github.url },
        setup: ({ folder: work, env }) => {
          env["PATH"] = pathWithVault(VAULT, join(env["TMPDIR"] ?? "", "bin"));
          people.bring({ home: env["HOME"] ?? "", work });
          writeFileSync(join(work, "binary"), Buffer.from(Array.from({ length: 148 }, (_, at) => (at * 7) % 256)));
        },
        programs: { vault: ["vault"] },
      });
    },
  );
});
