import { describe, expect, test } from "vitest";
import { parseKubeconfig } from "../src/cluster/kubeconfig.ts";

interface Config {
  "current-context": string;
  readonly clusters: { name: string; cluster: Record<string, unknown> }[];
  readonly contexts: { name: string; context: { cluster: string; user: string } }[];
  readonly users: { name: string; user: Record<string, unknown> }[];
}

const PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const config = (): Config => ({
  "current-context": "a",
  contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
  clusters: [
    { name: "c", cluster: { server: "https://203.0.113.7:6443/", "certificate-authority-data": base64(PEM) } },
  ],
  users: [{ name: "u", user: { token: "canary-token" } }],
});

type Change = (config: Config) => unknown;
const inCluster =
  (more: object): Change =>
  ({ clusters }) =>
    Object.assign(clusters[0]?.cluster ?? {}, more);
const inUser =
  (more: object): Change =>
  ({ users }) =>
    Object.assign(users[0]?.user ?? {}, more);

function read(change: Change): ReturnType<typeof parseKubeconfig> {
  const changed = config();
  change(changed);
  return parseKubeconfig("secrets/kubeconfig", JSON.stringify(changed));
}

describe("a kubeconfig", () => {
  test("tells how its current context is reached", () => {
    expect(read(({ users }) => users.push({ name: "v", user: {} }))).toEqual({
      server: "https://203.0.113.7:6443",
      authority: PEM,
      serverName: null,
      proxy: null,
      user: { token: "canary-token" },
      demands: { branches: [], members: null },
    });
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "cloud", args: ["login"], env: null };
    expect(read(inUser({ exec })).user).toEqual({
      apiVersion: exec.apiVersion,
      command: "cloud",
      args: ["login"],
      env: {},
    });
  });

  test.each<[string, Change, string]>([
    ["without a context", (all) => (all["current-context"] = ""), "names no context that is there"],
    ["of another context", (all) => (all["current-context"] = "b"), "names no context that is there"],
    ["without its user", ({ users }) => users.pop(), "names no user that is there"],
    ["without its cluster", ({ clusters }) => clusters.pop(), "names no cluster that is there"],
    ["with its user twice", ({ users }) => users.push(...users), "several users of the name"],
    ["with its cluster twice", ({ clusters }) => clusters.push(...clusters), "several clusters of the name"],
    ["with its context twice", ({ contexts }) => contexts.push(...contexts), "several contexts of the name"],
    ["whose token is in a file", inUser({ tokenFile: "/dev/null" }), "tokenFile names a file"],
    ["whose key is in a file", inUser({ "client-key": "/dev/null" }), "client-key names a file"],
    ["whose certificate is in a file", inUser({ "client-certificate": "x" }), "client-certificate names a file"],
    ["whose authority is in a file", inCluster({ "certificate-authority": "x" }), "certificate-authority names a file"],
    ["that trusts anybody", inCluster({ "insecure-skip-tls-verify": true }), "it trusts any server"],
    ["over http", inCluster({ server: "http://127.0.0.1:1" }), "expected a server with an https address"],
    ["with a name in its address", inCluster({ server: "https://a@127.0.0.1:1" }), "expected a server with an https"],
    ["with an authority that is none", inCluster({ "certificate-authority-data": "eA==" }), "expected base64 of PEM"],
    ["with a proxy of another kind", inCluster({ "proxy-url": "socks5://a" }), "SOCKS is not supported"],
    ["with a proxy's password", inCluster({ "proxy-url": "http://a:canary@b" }), "holds a user name or password"],
    ["without a credential", inUser({ token: "" }), "its user has neither a token, nor"],
    ["with a certificate alone", inUser({ "client-certificate-data": base64(PEM) }), "and its key, got one of them"],
    ["with a key alone", inUser({ "client-key-data": base64(PEM) }), "and its key, got one of them"],
    ["with a program of no version", inUser({ exec: { command: "x", apiVersion: "v1" } }), "and the apiVersion"],
    [
      "with a program whose words are none",
      inUser({ exec: { command: "x", apiVersion: "client.authentication.k8s.io/v1", args: [1] } }),
      "expected lists of args and env",
    ],
  ])("%s is refused", (_, change, reason) => {
    const code = reason.endsWith(" names a file") ? "UNTRUSTED_SOURCE" : "INVALID_KUBECONFIG";
    expect(() => read(change)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(reason) }));
    expect(() => read(change)).not.toThrow(/canary/);
  });

  test.each(["./login", "tools/login", "../login"])("names no program by a path such as %s", (command) => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command };
    expect(() => read(inUser({ exec }))).toThrow(expect.objectContaining({ code: "UNTRUSTED_SOURCE" }));
    expect(read(inUser({ exec: { ...exec, command: "/opt/login" } })).user).toMatchObject({ command: "/opt/login" });
  });

  const demanding =
    (...extensions: readonly object[]): Change =>
    (all) =>
      Object.assign(all, { extensions: extensions.map((extension) => ({ name: "git-vault", extension })) });

  test("may take commits on some branches alone, and those that a member signed", () => {
    const members = { root: "SHA256:x", branch: "origin/main" };
    const branches = ["origin/main", "origin/release"];
    expect(read(() => {}).demands).toEqual({ branches: [], members: null });
    expect(read(demanding({ branches })).demands).toEqual({ branches, members: null });
    expect(read(demanding({ members })).demands).toEqual({ branches: [], members });
    expect(read(demanding({ branches, members })).demands).toEqual({ branches, members });
  });

  test.each([
    [[{}]],
    [[{ branches: [] }]],
    [[{ branches: "origin/main" }]],
    [[{ branches: ["--all"] }]],
    [[{ branches: [1] }]],
    [[{ members: "all" }]],
    [[{ members: { root: "SHA256:x" } }]],
    [[{ members: { root: "SHA256:x", branch: "--all" } }]],
    [[{ members: { root: "SHA256:x", branch: "main", role: "admin" } }]],
    [[{ branches: ["main"], signed: true }]],
    [[{ branches: ["main"] }, { branches: ["pr"] }]],
  ])("takes no demand that it does not understand whole: %j", (extensions) => {
    expect(() => read(demanding(...extensions))).toThrow(/extensions: expected git-vault/);
  });
});
