import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { peer } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { type Check, CHECKS } from "../src/checks/index.ts";
import { RULES } from "../src/findings/index.ts";
import { exposed } from "../src/checks/exposed.ts";
import { render } from "../src/checks/render.ts";
import { check } from "./check-world.ts";

const helm4 = peer("helm4");

describe("a project without a fault", () => {
  test.skipIf(helm4.missing)(`has no findings with ${helm4.label}`, async () => {
    const { lines, skipped } = await check({ helm: helm4.path });
    expect({ lines, skipped }).toEqual({ lines: [], skipped: [] });
  });

  test("is told what cannot be checked without the key and without Helm", async () => {
    const { lines, skipped } = await check({ locked: true });
    expect(lines).toEqual([]);
    expect(skipped).toEqual([
      "what is encrypted, since there is no key",
      expect.stringMatching(/^what the chart renders, since no-helm-here could not be started/),
    ]);
  });
});

describe("silence", () => {
  const settings = (silence: string): { "deploy.yaml": string } => ({
    "deploy.yaml": `environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml] }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml] }
silence:
${silence}`,
  });
  const banner = { "config/prod.yaml": "url: https://example.org\nbanner: x\n" };

  test.skipIf(helm4.missing)(`tells of silences that silence nothing, with ${helm4.label}`, async () => {
    const { lines } = await check({
      helm: helm4.path,
      plain: {
        ...banner,
        ...settings(`  - { check: unknown-key, file: config/prod.yaml, reason: "for the next version" }
  - { check: drift, environment: prod, reason: "it is about to go" }
  - { check: unknown-key, file: config/staging.yaml, reason: "it was there once" }
  - { check: misspelt, reason: "whatever it was" }
`),
      },
    });
    expect(lines).toEqual([
      "silence warning deploy.yaml:7 nothing is silenced here: unknown-key finds nothing of the kind",
      "silence warning deploy.yaml:8 nothing is silenced here: misspelt finds nothing of the kind",
    ]);
  });

  test("says nothing of silences that might silence what was passed over, or another environment's", async () => {
    const plain = settings('  - { check: unknown-key, reason: "for the next version" }\n');
    expect((await check({ plain, locked: true })).lines).toEqual([]);
    expect((await check({ plain, only: ["prod"] })).lines).toEqual([]);
    expect((await check({ plain, checks: CHECKS.slice(0, 3) })).lines).toEqual([]);
  });
});

describe("checks of one's own", () => {
  const mine: Check = async function* mineCheck({ environments, now, history, skip }) {
    skip("the rest");
    skip("the rest");
    for (const { name } of environments) {
      const finding = {
        id: "mine",
        severity: "note",
        message: `${now.getUTCFullYear()} ${history}`,
        file: "x",
      } as const;
      yield finding;
      yield { ...finding, environment: name };
    }
  };

  test("run with the context, are silenced by their ids, and give each finding once", async () => {
    const world = { checks: [mine], options: { now: new Date("2030-01-01"), history: true } };
    expect(await check(world)).toMatchObject({
      lines: ["mine note x 2030 true", "mine note x [staging] 2030 true", "mine note x [prod] 2030 true"],
      skipped: ["the rest"],
    });
  });

  test("may fail, and the run fails with them", async () => {
    // oxlint-disable-next-line require-yield -- it fails before
    const failing: Check = async function* failingCheck() {
      throw new Error("mine");
    };
    await expect(check({ checks: [failing] })).rejects.toThrow("mine");
  });

  test.skipIf(helm4.missing)("a run that was interrupted ends with INTERRUPTED", async () => {
    const signal = AbortSignal.abort();
    await expect(check({ helm: helm4.path, options: { signal } })).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

describe("a run that ends early", () => {
  test("ends with INTERRUPTED in the middle of a check that waits for nothing, and whatever else fails by it", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const later: Check = async function* laterCheck() {
      // As a signal comes: while something else is at work.
      globalThis.setImmediate(() => controller.abort());
      yield { id: "mine", severity: "note", message: "begun" };
      throw new Error("git was ended by the same Ctrl-C");
    };
    const options = { signal };
    await expect(check({ checks: [later], options })).rejects.toMatchObject({ code: "INTERRUPTED" });

    const busy = new AbortController();
    const starting: Check = async function* startingCheck() {
      yield { id: "mine", severity: "note", message: "begun" };
      globalThis.setImmediate(() => globalThis.setImmediate(() => busy.abort()));
    };
    const plain = Object.fromEntries([1, 2, 3, 4].map((at) => [`large-${at}.txt`, "a line of text\n".repeat(300_000)]));
    const running = check({ checks: [starting, exposed], plain, options: { signal: busy.signal } });
    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  test("tells every Helm that it started to end, waits for each, and starts no other", async () => {
    const folder = await mkdtemp(join(tmpdir(), "checks-"));
    const [log, helm] = [join(folder, "log"), join(folder, "helm")];
    await writeFile(log, "");
    const script = `test "$1" = version && { echo v4.0.0; exit; }\necho $$ >>"${log}"\nexec sleep 600\n`;
    await writeFile(helm, `#!/bin/sh\n${script}`, { mode: 0o700 });
    const failing: Check = async function* failingCheck() {
      while ((await readFile(log, "utf8")) === "") await setTimeout(10);
      yield { id: "mine", severity: "note", message: "begun" };
      throw new Error("mine");
    };
    const names = Array.from({ length: 40 }, (_, at) => `e${at}`);
    const settings = names.map((name) => `  ${name}: { layers: [config/prod.yaml] }\n`).join("");
    try {
      const world = { helm, plain: { "deploy.yaml": `environments:\n${settings}` }, checks: [failing, render] };
      await expect(check(world)).rejects.toThrow("mine");
      const started = (await readFile(log, "utf8")).trim().split("\n").map(Number);
      for (const pid of started) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
      expect(started.length).toBeLessThan(names.length);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("docs/checks.md", () => {
  const text = readFileSync(new URL("../../../docs/checks.md", import.meta.url), "utf8");

  test("has one section for each id, in the order of the rules, that begins with the worst severity", () => {
    const [, sections = ""] = text.split("\n# What is looked for\n");
    const found = [...sections.matchAll(/^## (.*)\n\n_(error|warning|note)\b/gm)].map(([, id, severity]) => [
      id,
      severity,
    ]);
    expect(found).toEqual(Object.entries(RULES).map(([id, { severity }]) => [id, severity]));
  });
});

describe("malformed input of every sort", () => {
  test.skipIf(helm4.missing)(`gives findings, and no check fails, with ${helm4.label}`, async () => {
    const deep = "[".repeat(3000);
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, at) => {
      const [name, below] = [String.fromCharCode(98 + at), String.fromCharCode(97 + at)];
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${below}`).join(", ")}]\n`;
    }).join("")}`;
    const { lines, skipped } = await check({
      helm: helm4.path,
      plain: {
        "deploy.yaml": `schemas: [bad.json]
environments:
  staging: { layers: [config/staging.yaml, config/bomb.yaml] }
  prod: { layers: [config/prod.yaml, config/deep.yaml, config/latin.yaml, config/cycle.yaml], kubeconfig: secrets/kubeconfig.yaml }
`,
        "config/bomb.yaml": bomb,
        "config/deep.yaml": `a: ${deep}\n`,
        "config/latin.yaml": Buffer.from("a: \xff\xfe\n", "latin1"),
        "config/cycle.yaml": "a: &a { b: *a }\n",
        "bad.json": deep,
        "other.yaml": bomb,
        "binary.bin": Buffer.from(Array.from({ length: 4096 }, (_, at) => at % 256)),
        "web/values.schema.json": '{"type": ["nonsense"], "properties": 5}',
        "web/templates/notes.yaml": "not: [an object\n",
        "web/charts/odd/Chart.yaml": "- a list\n",
        "secrets/plain.yaml": "a: [\n",
      },
      secret: {
        "secrets/kubeconfig.yaml": "clusters: 5\nusers: [1, null, { user: canaryUser }]\n",
        "secrets/deep.json": deep,
        "secrets/bomb.yaml": bomb.replaceAll("x", "canaryBomb"),
        "secrets/binary": "\0\u0001canaryBinary\ufffd",
        "secrets/empty.yaml": "",
      },
    });
    const ids = new Set(lines.map((line) => line.split(" ")[0]));
    expect(ids).toEqual(new Set(["dependencies", "encrypted", "expiry", "layers", "schema"]));
    expect(lines.filter((line) => line.startsWith("layers error"))).toHaveLength(4);
    expect(skipped).not.toEqual([]);
  });
});
