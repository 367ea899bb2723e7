import { join } from "node:path";
import * as cctv from "cctv-age";
import { rolldown } from "rolldown";
import { describe, expect, test } from "vitest";
import { browserSources } from "../../../scripts/sources.mjs";
import type { Outcome } from "./vectors-in-browser.ts";
import { BROWSERS } from "./world.ts";

/*
 * C2SP's test vectors for age, through the entry for browsers, in a browser. How Node's entry takes
 * them, in steps of all sizes, is tested in packages/sealing.
 */

const CODES: Readonly<Record<string, readonly (string | null)[]>> = {
  success: [null],
  "no match": ["NO_IDENTITY_MATCHED", "WRONG_PASSPHRASE"],
  "header failure": ["MALFORMED_MESSAGE", "WORK_FACTOR"],
  "HMAC failure": ["TAMPERED_MESSAGE"],
  "armor failure": ["MALFORMED_MESSAGE"],
  "payload failure": ["TAMPERED_MESSAGE", "MALFORMED_MESSAGE"],
};

const VECTORS = Object.entries<unknown>(cctv).flatMap(([name, file]) =>
  file instanceof Uint8Array ? [{ name, base64: Buffer.from(file).toString("base64") }] : [],
);

const [browser] = BROWSERS;

describe.skipIf(browser?.program.missing !== false)(`in ${browser?.program.label}`, () => {
  test("all 143 vectors end as they should", async () => {
    if (browser === undefined) throw new Error("there is no browser");
    const input = join(import.meta.dirname, "vectors-in-browser.ts");
    const bundle = await rolldown({ input, platform: "browser", plugins: [browserSources] });
    const { output } = await bundle.generate({ format: "iife", codeSplitting: false });
    const running = await browser.type.launch({ executablePath: browser.program.path, ...browser.options });
    const page = await running.newPage();
    await page.evaluate(output[0].code);
    const outcomes: Outcome[] = [];
    for (const { name, base64 } of VECTORS) {
      const outcome = await page.evaluate(
        (vector) => Reflect.get(globalThis, "runVector")(vector.name, vector.base64) as Promise<Outcome>,
        { name, base64 },
      );
      outcomes.push(outcome);
    }
    await running.close();
    expect(outcomes).toHaveLength(143);
    const wrong = outcomes.filter(
      ({ expect: kind, wanted, code, digest }) =>
        CODES[kind]?.includes(code) !== true || (kind === "success" && digest !== wanted),
    );
    expect(wrong).toEqual([]);
  });
});
