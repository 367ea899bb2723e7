import { VaultError } from "@git-vault/core";
import { DeployError } from "@git-vault/deploy";
import { DirectoryError } from "@git-vault/directory";
import { GitCryptError } from "@git-vault/git-crypt";
import { KeyError } from "@git-vault/keys";
import { SealingError } from "@git-vault/sealing";
import { SharingError } from "@git-vault/sharing";
import { describe, expect, test } from "vitest";
import { outcomeOf } from "../src/cli/error-codes.ts";
import { CliError } from "../src/cli/errors.ts";

describe("the exit code of an error", () => {
  test.each<[VaultError, number]>([
    [new CliError("UNSIGNED", ""), 5],
    [new KeyError("BAD_SIGNATURE", ""), 5],
    [new KeyError("WRONG_PASSPHRASE", ""), 4],
    [new SealingError("BAD_SIGNATURE", ""), 5],
    [new SealingError("NO_IDENTITY_MATCHED", ""), 3],
    [new DirectoryError("RATE_LIMITED", ""), 6],
    [new GitCryptError("LOCKED", ""), 3],
    [new SharingError("RECIPIENT_CHANGED", ""), 2],
    [new DeployError("STALE_PLAN", ""), 8],
    [new DeployError("VERIFICATION_FAILED", ""), 7],
  ])("is the one of its class and code: %o", (error, exit) => {
    expect(outcomeOf(error, null).exit).toBe(exit);
  });

  test("is 1 for a class that nobody knows", () => {
    expect(outcomeOf(new VaultError("LOCKED", ""), null).exit).toBe(1);
  });
});

describe("what to do about an error", () => {
  test("is what the library says, unless the command line has words of its own", () => {
    const error = new GitCryptError("GIT_MISSING", "there is no git", { hint: "install git" });
    expect(outcomeOf(error, "status").hint).toBe("install git");
  });

  test("is the help of the command that was used wrongly, where the error says nothing better", () => {
    expect(outcomeOf(new CliError("USAGE", "no"), "deploy check").hint).toBe("see `vault deploy check --help`");
    expect(outcomeOf(new CliError("USAGE", "no", { hint: "say yes" }), "sync").hint).toBe("say yes");
    expect(outcomeOf(new CliError("USAGE", "no"), null).hint).toBeUndefined();
  });
});
