import { expect, test } from "vitest";
import { addressOf } from "../src/members/remote-address.ts";

test.each([
  "https://github.com/Org/repo",
  "https://user:secret@github.com/org/repo.git/",
  "http://GitHub.com/org/repo",
  "git@github.com:org/Repo.git",
  "github.com:/org/repo",
  "ssh://git@github.com/org/repo",
  "git+ssh://git@github.com/org/repo.git",
])("%s is github.com/org/repo", (url) => {
  expect(addressOf(url)).toBe("github.com/org/repo");
});

test.each([
  // git connects to the host evil.
  ["evil:y@github.com:org/repo", "evil/y@github.com:org/repo"],
  ["git@evil:y@github.com:org/repo", "evil/y@github.com:org/repo"],
  ["[evil]:y@github.com:org/repo", "[evil]/y@github.com:org/repo"],
  ["[::1]:org/repo", "[::1]/org/repo"],
  ["example.org:Org/repo.git", "example.org/Org/repo"],
  ["ssh://git@example.org:2222/org/repo", "example.org:2222/org/repo"],
  ["/srv/git/repo.git/", "/srv/git/repo.git"],
  ["./a@github.com:org/repo", "./a@github.com:org/repo"],
])("%s is %s", (url, address) => {
  expect(addressOf(url)).toBe(address);
});

test.each([
  "ssh://evil.example:x@github.com/org/repo",
  "ssh://a@evil@github.com/org/repo",
  "a@evil@github.com:org/repo",
  "ssh://evil.example%2F@github.com/org/repo",
  "ssh://evil.example%2Fx/org/repo",
  "https://a@evil@github.com/org/repo",
  "https://evil#@github.com/org/repo",
  "https://evil?@github.com/org/repo",
  "https://evil\\@github.com/org/repo",
  "github.com::org/repo",
])("%s, which may be read otherwise, is an address of its own", (url) => {
  expect(addressOf(url)).toBe(url);
});
