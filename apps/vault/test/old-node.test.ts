import { peer, run } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const old = peer("node14");

describe.skipIf(old.missing)(`an old Node: ${old.label}`, () => {
  test.each([["--help"], ["status"], ["filter", "clean"]])(
    "says in one sentence which one it needs: %s",
    async (...args) => {
      const { status, stdout, stderr } = await run(old.path, [VAULT, ...args]);
      expect({ status, stdout: stdout.toString(), stderr }).toEqual({
        status: 1,
        stdout: "",
        stderr: "vault: error: expected Node 20.19.0 or newer to run git-vault, got 14.21.3\n",
      });
    },
  );
});
