import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DirectoryError, FORGES, GITHUB, parseQuery, readRecipientLines } from "../src/index.ts";

const [, GITLAB, , SOURCEHUT] = FORGES;
const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH8gOptz22JZEashS2LEWWvJiUYI9M6lxubNX1FGYMXa";

/** What the function gives, or its DirectoryError; any other error is thrown. */
const attempt = <T>(run: () => T): T | DirectoryError => {
  try {
    return run();
  } catch (error) {
    if (error instanceof DirectoryError) return error;
    throw error;
  }
};

const failure = (run: () => unknown): DirectoryError => {
  const error = attempt(run);
  if (error instanceof DirectoryError) return error;
  throw new Error("expected a DirectoryError");
};

describe("parseQuery", () => {
  test.each([
    ["choldgraf", { kind: "user", forge: GITHUB, user: "choldgraf" }],
    ["github:choldgraf", { kind: "user", forge: GITHUB, user: "choldgraf" }],
    ["GeorgianaElena", { kind: "user", forge: GITHUB, user: "georgianaelena" }],
    ["7", { kind: "user", forge: GITHUB, user: "7" }],
    ["old-account-", { kind: "user", forge: GITHUB, user: "old-account-" }],
    ["older--account", { kind: "user", forge: GITHUB, user: "older--account" }],
    ["octocat_acme", { kind: "user", forge: GITHUB, user: "octocat_acme" }],
    ["age1chen", { kind: "age", recipient: "age1chen" }],
    ["github:age1chen", { kind: "user", forge: GITHUB, user: "age1chen" }],
    ["a".repeat(39), { kind: "user", forge: GITHUB, user: "a".repeat(39) }],
    ["github:2i2c-org/Engineering", { kind: "team", org: "2i2c-org", team: "engineering" }],
    ["gitlab:some.user_1", { kind: "user", forge: GITLAB, user: "some.user_1" }],
    ["sourcehut:~Alice", { kind: "user", forge: SOURCEHUT, user: "alice" }],
    ["sourcehut:alice", { kind: "user", forge: SOURCEHUT, user: "alice" }],
    ["https://example.org/x.keys", { kind: "url", url: "https://example.org/x.keys" }],
    ["HTTPS://Example.org/x.keys#top", { kind: "url", url: "https://example.org/x.keys" }],
    ["http://127.0.0.1:8080/x", { kind: "url", url: "http://127.0.0.1:8080/x" }],
    ["./alice", { kind: "file", path: "./alice" }],
    ["alice.pub", { kind: "file", path: "alice.pub" }],
    ["team.keys", { kind: "file", path: "team.keys" }],
    ["~/.ssh/authorized_keys", { kind: "file", path: "~/.ssh/authorized_keys" }],
    ["keys/alice", { kind: "file", path: "keys/alice" }],
    ["C:\\Users\\alice\\key.pub", { kind: "file", path: "C:\\Users\\alice\\key.pub" }],
    [".authorized", { kind: "file", path: ".authorized" }],
    ["/tmp/my keys/alice.pub", { kind: "file", path: "/tmp/my keys/alice.pub" }],
  ])("reads %s", (query, parsed) => {
    expect(parseQuery(query)).toEqual(parsed);
  });

  test("reads a literal key with its comment", () => {
    expect(parseQuery(`${ED25519} alice@laptop`)).toMatchObject({
      kind: "literal",
      entry: { type: "ssh-ed25519", comment: "alice@laptop", unusable: null },
    });
  });

  test("reads a sound literal key of a type that can only sign, and keeps why", () => {
    const blob = Buffer.from("0000001a736b2d7373682d65643235353139406f70656e7373682e636f6d00000020", "hex");
    const app = Buffer.from("000000047373683a", "hex");
    const line = `sk-ssh-ed25519@openssh.com ${Buffer.concat([blob, Buffer.alloc(32, 9), app]).toString("base64")}`;
    expect(parseQuery(line)).toMatchObject({
      kind: "literal",
      entry: { key: null, unusable: "FIDO keys can only sign" },
    });
  });

  test.each([
    [""],
    ["   "],
    ["-flag"],
    ["--to"],
    ["a%2fb"],
    ["github:../../orgs/x"],
    ["github:org/.."],
    ["github:org/team/members"],
    ["github:"],
    ["github:a b"],
    ["gitlab:../admin"],
    ["gitlab:group/project"],
    ["codeberg:"],
    ["bitbucket:x"],
    ["gitlab:~x"],
    ["sourcehut:x~y"],
    ["sourcehut:~~x"],
    ["a".repeat(40)],
    ["-leading"],
    ["ünïcode"],
    ["сholdgraf"],
    ["chold\u202Egraf"],
    ["user@host"],
    ["chold graf"],
    ["choldgraf\n"],
    ["choldgraf\0"],
    ["x\u001B[2Jy"],
    ["ftp://example.org/x.keys"],
    ["file:///etc/passwd"],
    ["https://"],
    ["https://user:secret@example.org/x.keys"],
    ["https://:secret@example.org/x.keys"],
    ["https://secret@example.org/x.keys"],
    ["./keys/alice\u001B[2J.pub"],
    ["https://exa\nmple.org/x.keys"],
    [`${ED25519} alice\n${ED25519} mallory`],
    ["ssh-ed25519"],
    ["ssh-ed25519 AAAA"],
    [`${ED25519.slice(0, -2)}!!`],
    ["x".repeat(10_240)],
    [`./${"x".repeat(8191)}`],
  ])("refuses %j", (query) => {
    const error = failure(() => parseQuery(query));
    expect(error.code).toBe("INVALID_RECIPIENT");
    expect(error.message).toMatch(/^expected /);
    expect(`${error.message}${error.hint}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(error.message.length).toBeLessThan(160);
    expect(error.message).not.toContain("secret");
  });

  test.each([
    ["@choldgraf", "write choldgraf"],
    ["@org/team", "write github:org/team"],
  ])("tells how to write %s", (query, hint) => {
    expect(failure(() => parseQuery(query))).toMatchObject({ code: "INVALID_RECIPIENT", hint });
  });

  test("takes a forgotten recipient for what it is", () => {
    expect(failure(() => parseQuery("--to")).message).toBe("expected a recipient, got what looks like a flag: --to");
  });

  test("takes an age recipient for what it is", () => {
    const native = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    expect(parseQuery(native)).toEqual({ kind: "age", recipient: native });
  });

  test.each([
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"],
    ["-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKCAQEA"],
    ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUx"],
    ["AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"],
    ["PuTTY-User-Key-File-3: ssh-ed25519"],
  ])("refuses a private key without showing any of it", (query) => {
    const error = failure(() => parseQuery(query));
    expect(error).toMatchObject({
      code: "INVALID_RECIPIENT",
      message: "expected a public key, got a private key",
      hint: "a private key is for its owner alone: give the public key, which ends in .pub",
    });
  });

  test("shows only the beginning of what is too long to be a name", () => {
    const pasted = `ghp_${"s3cret".repeat(20)}`;
    expect(failure(() => parseQuery(pasted)).message).toBe(
      `expected a GitHub user or org/team, got ${pasted.slice(0, 20)}…`,
    );
  });

  test("throws nothing but its own error, whatever is written", () => {
    const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ maxLength: 60 }));
    fc.assert(
      fc.property(anything, (query) => {
        const result = attempt(() => parseQuery(query));
        expect(result instanceof DirectoryError ? result.message : "").not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
      { numRuns: 2000 },
    );
  });

  test("never lets a GitHub name leave its place in a path", () => {
    const awkward = fc.string({
      unit: fc.constantFrom("a", "b", "/", ".", "%", "\\", "-", "_", "~", ":", "?", "#"),
      maxLength: 6,
    });
    fc.assert(
      fc.property(awkward, (name) => {
        const query = attempt(() => parseQuery(`github:${name}`));
        const parts = "user" in query ? [query.user] : "team" in query ? [query.org, query.team] : [];
        for (const part of parts) expect(new URL(`https://x/users/${part}/keys`).pathname).toBe(`/users/${part}/keys`);
      }),
      { numRuns: 5000 },
    );
  });

  test("refuses what is not a string with a TypeError", () => {
    expect(() => parseQuery(7 as unknown as string)).toThrow(new TypeError("query: expected a string, got number"));
  });
});

describe("readRecipientLines", () => {
  test("gives one recipient a line, without blank lines and comments, with LF, CRLF and a byte order mark", () => {
    const text = `\u{FEFF}# the team\r\nchold\r\n\r\n  github:a  \n${ED25519} alice # not a comment\n#x\nlast`;
    expect(readRecipientLines(text)).toEqual(["chold", "github:a", `${ED25519} alice # not a comment`, "last"]);
  });

  test("gives none for an empty text", () => {
    expect(readRecipientLines("")).toEqual([]);
    expect(readRecipientLines("# nobody\n\n")).toEqual([]);
  });

  test.each([["a\0b"], ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\n"], ["a\n".repeat(600_000)]])(
    "refuses binary data, a private key, and more than 1 MiB",
    (text) => {
      expect(failure(() => readRecipientLines(text)).code).toBe("INVALID_RECIPIENT");
    },
  );
});
