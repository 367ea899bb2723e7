import { peer } from "@git-vault/testkit";
import { describe, expect, it } from "vitest";
import { check } from "./check-world.ts";

const helm4 = peer("helm4");

describe("a project without a fault", () => {
  it.skipIf(helm4.missing)(`has no findings with ${helm4.label}`, async () => {
    const { lines, skipped } = await check({ helm: helm4.path });
    expect({ lines, skipped }).toEqual({ lines: [], skipped: [] });
  });

  it("is told what cannot be checked without the key and without Helm", async () => {
    const { lines, skipped } = await check({ locked: true });
    expect(lines).toEqual([]);
    expect(skipped.join("\n")).toContain("there is no key");
    expect(skipped.join("\n")).toContain("could not be started");
  });
});
