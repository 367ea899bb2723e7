import { VaultError, type VaultErrorOptions } from "@git-vault/core";
import { DeployError } from "@git-vault/deploy";
import { DirectoryError } from "@git-vault/directory";
import { GitCryptError, type GitCryptErrorCode } from "@git-vault/git-crypt";
import { KeyError } from "@git-vault/keys";
import { SealingError } from "@git-vault/sealing";
import { SharingError } from "@git-vault/sharing";
import { describe, expect, test } from "vitest";
import { outcomeOf } from "../src/cli/error-codes.ts";
import { describe as tell } from "../src/cli/report-error.ts";
import { CliError } from "../src/errors.ts";

describe("the exit code of an error", () => {
  test.each<[VaultError, number]>([
    [new CliError("UNSIGNED", ""), 9],
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

describe("an error that nobody foresaw", () => {
  test("keeps its words to itself, since they may quote a secret", () => {
    for (const error of [new TypeError("canary"), Object.assign(new Error("canary"), { code: "EWHAT" }), "canary"]) {
      const told = tell(error);
      expect(told).toMatchObject({ code: "INTERNAL", exit: 1 });
      expect(JSON.stringify(told)).not.toContain("canary");
    }
    expect(tell(new TypeError("canary")).message).toBe("internal error (TypeError)");
  });

  test("is told where the system refused", () => {
    const refused = Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE", syscall: "open" });
    expect(tell(refused)).toMatchObject({ code: "EMFILE", message: "the system refused: EMFILE: too many open files" });
  });
});

describe("what to do about an error", () => {
  test("is what the library says, unless the command line has words of its own", () => {
    const error = new GitCryptError("GIT_MISSING", "there is no git", { hint: "install git" });
    expect(outcomeOf(error, "status").hint).toBe("install git");
  });

  test("is said in words of the command line where a deployment names a remedy", () => {
    const options = { hint: "open or add another one first", remedy: "force" } as const;
    expect(outcomeOf(new DeployError("LAST_NODE", "", options), null).hint).toBe(
      "open or add another one first; --force closes it nevertheless",
    );
    const unlocked = new DeployError("UNLOCKED_DEPENDENCY", "", { remedy: "update-locks", subject: "hub" });
    expect(outcomeOf(unlocked, null).hint).toContain("`helm dependency update hub`");
  });

  test("and the exit code are those of the error that a deployment passes on", () => {
    const cause = new GitCryptError("NO_SUCH_REVISION", "no such commit", { hint: "name another one" });
    const passedOn = new DeployError("NO_SUCH_REVISION", "no such commit", { cause });
    expect(outcomeOf(passedOn, null)).toEqual(outcomeOf(cause, null));
    expect(
      outcomeOf(new DeployError("WRONG_PASSPHRASE", "", { cause: new KeyError("WRONG_PASSPHRASE", "") }), null),
    ).toEqual({
      exit: 4,
      hint: undefined,
    });
  });

  test("is the help of the command that was used wrongly, where the error says nothing better", () => {
    expect(outcomeOf(new CliError("USAGE", "no"), "deploy check").hint).toBe("see `vault deploy check --help`");
    expect(outcomeOf(new CliError("USAGE", "no", { hint: "say yes" }), "sync").hint).toBe("say yes");
    expect(outcomeOf(new CliError("USAGE", "no"), null).hint).toBe("see `vault --help`");
  });
});

describe("what to do about an error of sharing or opening", () => {
  test.each<[VaultError, hint: string]>([
    [
      new SealingError("NO_IDENTITY_MATCHED", "", { subject: "gpg", hint: "name a private key file" }),
      "name a private key file by --key, or ask the sender to seal to a key of yours",
    ],
    [new SealingError("NO_IDENTITY_MATCHED", "", { hint: "tried ~/.ssh/id_rsa" }), "tried ~/.ssh/id_rsa"],
    [new SharingError("GPG_MISSING", ""), "install gpg, or name a private key file by --key"],
    [new SharingError("NOT_AN_IDENTITY", ""), "set it to what `vault grant --ci` printed"],
    [
      new SharingError("NO_SIGNING_KEY", "", { hint: "name the file of a private key" }),
      "name the file of a private key with --sign-key",
    ],
    [
      new SharingError("NO_USABLE_KEY", "", { subject: "SSH keys", hint: "seal to their SSH keys" }),
      "seal to their SSH keys: --format age",
    ],
    [
      new SharingError("NO_USABLE_KEY", "", { subject: "an OpenPGP key", hint: "seal to the OpenPGP key" }),
      "seal to the OpenPGP key with --format openpgp",
    ],
    [
      new SharingError("NO_USABLE_KEY", "", { subject: "a weak key", hint: "seal to the weak one" }),
      "seal to the weak one with --allow-weak",
    ],
    [new SharingError("NO_USABLE_KEY", "", { hint: "ask them for a key" }), "ask them for a key"],
    [
      new SharingError("INVALID_KEY_CHOICE", "", { subject: "github:alice" }),
      "list the keys with `vault keys github:alice`",
    ],
    [new SharingError("INVALID_KEY_CHOICE", "", { hint: "choose one" }), "choose one"],
    [
      new SharingError("NOT_EXPECTED", "", { subject: "github:bob", hint: "name a fingerprint of each recipient" }),
      "name a fingerprint of each recipient by --expect",
    ],
    [new SharingError("NOT_EXPECTED", "", { hint: "compare the fingerprints" }), "compare the fingerprints"],
  ])("is said in words of the command line: %o", (error, hint) => {
    expect(outcomeOf(error, "share").hint).toBe(hint);
  });
});

describe("what to do about an error of a git-crypt repository", () => {
  const hintOf = (error: GitCryptError, command: string): string | undefined => outcomeOf(error, command).hint;

  test.each<[command: string, GitCryptErrorCode, options: VaultErrorOptions, hint: string]>([
    [
      "status",
      "NOT_A_REPOSITORY",
      { hint: "change to the repository" },
      "change to the repository, or name it with -C",
    ],
    ["share", "NOT_GIT_CRYPT", {}, "change to the repository whose key you mean, or begin with `vault init`"],
    [
      "unlock",
      "NOT_GIT_CRYPT",
      { subject: ".gitattributes", hint: "decrypt that file" },
      "nothing was changed; first `vault decrypt --key-file KEY -o .gitattributes HEAD:.gitattributes`, then unlock again",
    ],
    ["unlock", "NOT_GIT_CRYPT", { hint: "change to the submodule" }, "change to the submodule"],
    [
      "migrate-key",
      "MALFORMED_KEY_FILE",
      { subject: "a sealed message", hint: "this is a sealed message: open it first" },
      "this is a sealed message: open it first, with vault view",
    ],
    ["migrate-key", "MALFORMED_KEY_FILE", { hint: "remove its last byte" }, "remove its last byte"],
    [
      "grant",
      "GIT_FAILED",
      { subject: ".git-vault", hint: "nothing was changed; fix that, or leave the files staged" },
      "nothing was changed; fix that, or leave the files staged with --no-commit",
    ],
    [
      "grant",
      "NO_BRANCH",
      { subject: ".git-vault", hint: "check out a branch first, or leave the changes staged" },
      "check out a branch first, or leave the changes staged with --no-commit",
    ],
    ["rotate", "NO_BRANCH", { hint: "check it out" }, "check it out"],
    [
      "rotate",
      "NO_BRANCH",
      {},
      "commit first; before the first commit, `vault lock --without-copy` and `vault init` make another key",
    ],
    [
      "filter",
      "RETIRED_KEY",
      {},
      "take the present key with `vault unlock`, which finds the copy for you in what was pulled or fetched",
    ],
    [
      "merge",
      "RETIRED_KEY",
      {},
      "take that key with `vault unlock`, then merge the file again with `git checkout --merge PATH`; or undo with `git merge --abort` or `git rebase --abort`, and do it again",
    ],
    ["init", "OTHER_KEY", {}, "it is set up already; `vault init PATTERN` protects more files with it"],
    ["unlock", "OTHER_KEY", { hint: "lock it first" }, "lock it first"],
    ["rotate", "MODIFIED", {}, "run `vault unlock` first"],
    ["lock", "MODIFIED", { hint: "stage them" }, "stage them"],
    ["lock", "OTHER_WORKTREES", {}, "lock all work trees together, with `vault lock --all-worktrees`"],
    ["rotate", "UNFINISHED", {}, "finish it with `vault rotate --continue`, or undo it with `vault rotate --abort`"],
    [
      "lock",
      "UNFINISHED",
      { subject: "/repo" },
      "finish it with vault rotate --continue, or undo it with vault rotate --abort, in /repo",
    ],
    ["rotate", "UNFINISHED", { hint: "finish it or abort it first" }, "finish it or abort it first"],
    ["rotate", "NO_ROTATION", {}, "nothing was changed; `vault rotate` begins one"],
    ["rotate", "BRANCH_MOVED", {}, "finish it instead, with `vault rotate --continue`"],
  ])("%s, %s, %o", (command, code, options, hint) => {
    expect(hintOf(new GitCryptError(code, "", options), command)).toBe(hint);
  });
});
