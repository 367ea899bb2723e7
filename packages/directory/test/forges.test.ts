import { expect, test } from "vitest";
import { forgeUserOf, isKeysAddress } from "../src/index.ts";

test.each([
  ["gitlab:alice", "https://gitlab.com/alice.keys", true],
  ["gitlab:alice", "https://GitLab.com/Alice.keys", true],
  ["gitlab:alice", "https://evil.example/alice.keys", false],
  ["gitlab:alice", "https://evil.example/https://gitlab.com/alice.keys", false],
  ["gitlab:alice", "https://gitlab.com/mallory.keys", false],
  ["gitlab:alice", "https://gitlab.com/alice.keys?as=mallory", false],
  ["sourcehut:alice", "https://meta.sr.ht/~alice.keys", true],
  ["github:alice", "https://api.github.com/users/alice/keys", true],
  ["github:alice", "https://git.acme.org/api/v3/users/alice/keys", true],
  ["github:alice", "https://api.github.com/users/mallory/keys", false],
  ["github:alice", "https://api.github.com/users/alice/keys?as=mallory", false],
])("the keys of %s come from %s: %s", (name, address, isTheirs) => {
  const user = forgeUserOf(name);
  expect(user && isKeysAddress(user, "ssh", address)).toBe(isTheirs);
});

test.each(["gitlab:../admin", "github:org/team", "github:a b", "gitlab:", "bitbucket:alice", "alice"])(
  "%s is the name of no account",
  (name) => {
    expect(forgeUserOf(name)).toBeNull();
  },
);
