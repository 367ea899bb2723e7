import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";
import { findAgents, findIdentities, type IdentityFile } from "../src/index.ts";
import { parseConfigLine } from "../src/discovery/ssh-config.ts";
import { makeKey, ssh, sshKeygen, type MadeKey } from "./make-key.ts";
import { expect } from "./matchers.ts";

const isNotThere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

const read = (path: string): Buffer | null => {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
};

const find = (home: string, explicit?: readonly string[]): IdentityFile[] =>
  findIdentities({ home, explicit, read, list: (path) => readdirSync(path) });

const namesOf = (home: string, identities: readonly IdentityFile[]): string[] =>
  identities.map(({ path }) => path.replace(`${home}/.ssh/`, ""));

describe.skipIf(sshKeygen.missing)(`identities made by ${sshKeygen.label}`, () => {
  const folder = temporaryFolder();
  let ed25519: MadeKey;
  let rsa: MadeKey;
  let ecdsa: MadeKey;
  let pem: MadeKey;
  const homes: TemporaryFolder[] = [];

  beforeAll(async () => {
    ed25519 = await makeKey(folder.path, "ed25519");
    rsa = await makeKey(folder.path, "rsa", { type: "rsa", bits: 2048 });
    ecdsa = await makeKey(folder.path, "ecdsa", { type: "ecdsa" });
    pem = await makeKey(folder.path, "pem", { type: "rsa", bits: 2048, format: "PEM", passphrase: "passphrase" });
  });
  afterAll(() => {
    folder.remove();
    for (const home of homes) home.remove();
  });

  /** A home folder whose `.ssh` folder has these files. */
  const homeWith = (files: Record<string, Uint8Array | string>): string => {
    const home = temporaryFolder();
    homes.push(home);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(home.path, ".ssh", name, ".."), { recursive: true });
      writeFileSync(join(home.path, ".ssh", name), content);
    }
    return home.path;
  };

  test("are the two default keys, in their order", async () => {
    const home = homeWith({ id_rsa: rsa.bytes, id_ed25519: ed25519.bytes });
    const found = find(home);
    expect(namesOf(home, found)).toEqual(["id_ed25519", "id_rsa"]);
    expect(found.map(({ problem }) => problem)).toEqual([null, null]);
    const keys = await Promise.all(found.map(async ({ file }) => await file?.unlock()));
    expect(keys.map((key) => key?.type)).toEqual(["ssh-ed25519", "ssh-rsa"]);
    expect(found[0]?.publicKey?.blob.toString("base64")).toBe(ed25519.publicLine.split(" ")[1]);
  });

  test("are read from buffers that are overwritten", () => {
    const home = homeWith({ id_ed25519: ed25519.bytes, id_rsa: "no key at all" });
    const buffers: Buffer[] = [];
    const keep = (path: string): Buffer | null => {
      const bytes = read(path);
      if (bytes !== null && path.startsWith(home)) buffers.push(bytes);
      return bytes;
    };
    expect(findIdentities({ home, read: keep }).map(({ problem }) => problem)).toEqual([null, expect.any(String)]);
    expect(buffers.map(({ length }) => length)).toEqual([ed25519.bytes.length, 13]);
    expect(buffers.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  test("are asked for their .pub file only where they do not tell their public half themselves", () => {
    const home = homeWith({
      config: "IdentityFile ~/.ssh/pem\nIdentityFile ~/.ssh/ecdsa\nIdentityFile ~/.ssh/agent\nIdentityFile ~/.ssh/none",
      pem: pem.bytes,
      ecdsa: ecdsa.bytes,
      "agent.pub": ed25519.publicLine,
      id_ed25519: ed25519.bytes,
      "id_ed25519.pub": rsa.publicLine,
      id_rsa: rsa.bytes,
    });
    const asked = new Set<string>();
    const spy = (path: string): Buffer | null => {
      asked.add(path);
      return read(path);
    };
    const found = findIdentities({ home, read: spy });
    expect(found.map(({ publicKey }) => publicKey?.type)).toEqual([
      undefined,
      undefined,
      "ssh-ed25519",
      "ssh-ed25519",
      "ssh-rsa",
    ]);
    const publicFiles = [...asked].filter((path) => path.endsWith(".pub"));
    const expected = ["pem", "ecdsa", "agent", "none"].map((name) => join(home, ".ssh", `${name}.pub`));
    expect(publicFiles).toEqual(expected);
  });

  test("are none in an empty home", () => {
    expect(find(homeWith({}))).toEqual([]);
  });

  test("that are broken, unsupported or unreadable are told of and stop nothing", () => {
    const config = "IdentityFile ~/.ssh/broken\nIdentityFile ~/.ssh/folder\nIdentityFile ~/.ssh/ecdsa";
    const home = homeWith({
      config,
      broken: ed25519.bytes.subarray(0, 200),
      "folder/file": "",
      ecdsa: ecdsa.bytes,
      id_rsa: rsa.bytes,
    });
    const found = find(home);
    expect(namesOf(home, found)).toEqual(["broken", "folder", "ecdsa", "id_rsa"]);
    expect(found.map(({ file }) => file?.format ?? null)).toEqual([null, null, null, "openssh"]);
    expect(found.map(({ problem }) => problem)).toEqual([
      expect.stringMatching("malformed OpenSSH private key"),
      "it cannot be read (EISDIR)",
      expect.stringMatching("ECDSA keys can only sign"),
      null,
    ]);
  });

  test("of which only the .pub file exists live in an agent", () => {
    const home = homeWith({
      config: "IdentityFile ~/.ssh/agent\nIdentityFile ~/.ssh/other.pub\nIdentityFile ~/.ssh/token",
      "agent.pub": ed25519.publicLine,
      "other.pub": rsa.publicLine,
      "token.pub": ecdsa.publicLine,
    });
    const found = find(home);
    expect(namesOf(home, found)).toEqual(["agent", "other", "token"]);
    expect(found.every(({ isGuessed, isMissing }) => !isGuessed && isMissing)).toBe(true);
    for (const { file, problem } of found) {
      expect(file).toBeNull();
      expect(problem).toMatch("agents only sign");
    }
    expect(found.map(({ publicKey }) => publicKey?.type)).toEqual(["ssh-ed25519", "ssh-rsa", undefined]);
  });

  test("that an IdentityFile line names by the .pub file are opened where the private half exists", () => {
    const home = homeWith({
      config: "IdentityFile ~/.ssh/work.pub",
      work: ed25519.bytes,
      "work.pub": ed25519.publicLine,
    });
    expect(find(home)).toMatchObject([{ path: `${home}/.ssh/work`, problem: null, file: { encrypted: false } }]);
  });

  test("in encrypted PEM get their public half from the .pub file, and unlocking checks it", async () => {
    const passphrase = Buffer.from("passphrase");
    const right = find(homeWith({ id_rsa: pem.bytes, "id_rsa.pub": pem.publicLine }))[0];
    expect(right?.file?.publicKey?.blob.toString("base64")).toBe(pem.publicLine.split(" ")[1]);
    const key = await right?.file?.unlock(passphrase);
    await expect(key).toBelongTo(pem.publicLine);
    expect(key?.type).toBe("ssh-rsa");
    const wrong = find(homeWith({ id_rsa: pem.bytes, "id_rsa.pub": rsa.publicLine }))[0];
    await expect(() => wrong?.file?.unlock(passphrase)).toFailWith("MALFORMED_KEY", ".pub file beside it");
    for (const content of ["nonsense", Buffer.of(0, 255)]) {
      const unknown = find(homeWith({ id_rsa: pem.bytes, "id_rsa.pub": content }))[0];
      expect(unknown).toMatchObject({ publicKey: null, problem: null });
      expect((await unknown?.file?.unlock(passphrase))?.type).toBe("ssh-rsa");
    }
  });

  test("that were named are the only ones, in the order of their naming", () => {
    const home = homeWith({ id_ed25519: ed25519.bytes, config: "IdentityFile ~/.ssh/id_rsa" });
    expect(find(home, [rsa.path, ed25519.path, rsa.path]).map(({ path }) => path)).toEqual([rsa.path, ed25519.path]);
  });

  test("that were named and are not there, broken, public or unsupported throw, with their path", async () => {
    const home = homeWith({
      id_ed25519: ed25519.bytes,
      broken: ed25519.bytes.subarray(0, 200),
      "agent.pub": ed25519.publicLine,
    });
    const path = (name: string): string => join(home, ".ssh", name);
    await expect(() => find(home, [path("none")])).toFailWith("KEY_NOT_FOUND", "/.ssh/none: there is no such file");
    await expect(() => find(home, [path("broken")])).toFailWith("MALFORMED_KEY", "/.ssh/broken: malformed OpenSSH");
    await expect(() => find(home, [path("agent")])).toFailWith("UNSUPPORTED_KEY", "agents only sign");
    await expect(() => find(home, [path("agent.pub")])).toFailWith("MALFORMED_KEY", "got a public key");
    await expect(() => find(home, [ecdsa.path])).toFailWith("UNSUPPORTED_KEY", "ECDSA keys can only sign");
    await expect(() => find(home, ["\u001b[31m"])).toFailWith("KEY_NOT_FOUND", /^\\x1b\[31m: /);
    expect(() => find(home, [home])).toThrow("EISDIR");
  });

  test("of ~/.ssh/config come first, whatever way they are written, and once", () => {
    const config = String.raw`
      # IdentityFile ~/.ssh/commented
      IdentityFile ~/.ssh/plain
      identityfile=~/.ssh/equals
      IDENTITYFILE = "~/.ssh/with blank"   # a comment
      IdentityFile ~/.ssh/escaped\ blank
      Host example.org
        IdentityFile %d/.ssh/of%%host
        IdentityFile none
        IdentityFile ~/.ssh/%h
        IdentityFile ~/.ssh/%u
        IdentityFile ~other/.ssh/key
        IdentityFile \${HOME}/.ssh/variable
        IdentityFile "~/.ssh/open quote
      Match host x
        IdentityFile ~/.ssh/id_rsa
        IdentityFile ~/.ssh/plain
        IdentityFile
      IdentityAgent ~/.ssh/agent.sock`.replaceAll(String.raw`\$`, "$");
    const names = ["plain", "equals", "with blank", "escaped blank", "of%host", "id_rsa", "id_ed25519"];
    const skipped = ["open quote", "none", "agent.sock", "commented", "me", "variable"];
    const files = Object.fromEntries([...names, ...skipped].map((name) => [name, ed25519.bytes]));
    const home = homeWith({ ...files, config });
    const found = find(home);
    expect(
      namesOf(
        home,
        found.filter(({ isGuessed }) => !isGuessed),
      ),
    ).toEqual(names);
    // %h may be any name: what is no key among them is not told of.
    const guessed = found.filter(({ isGuessed }) => isGuessed);
    expect(namesOf(home, guessed)).toEqual(skipped.toSorted());
  });

  test("are those of the examples of ssh_config(5), with its tokens and variables", () => {
    const config = String.raw`
      IdentityFile \${KEYS}/one
      IdentityFile \${HOME}/.ssh/two
      IdentityFile ~/.ssh/keys/%u/%i
      IdentityFile %d/.ssh/%L-key
      IdentityFile ~me/.ssh/three
      IdentityFile ~other/.ssh/no
      IdentityFile \${UNSET}/no
      Match user x exec "touch /ran"
        IdentityFile ~/.ssh/%r@%h:%p
      Match final all
        IdentityFile ~/.ssh/hosts/%n/id
      Include conf[.]d/[a-c]*/*.conf \${HOME}/.ssh/extra
      IdentityAgent ~/.ssh/agent.sock
      IdentityAgent \${AGENT}
      IdentityAgent $AGENT
      IdentityAgent none
      IdentityAgent SSH_AUTH_SOCK`.replaceAll(String.raw`\$`, "$");
    const names = ["one", "two", "keys/me/1000", "box-key", "three"];
    const ofHosts = ["git@example.org:22", "hosts/a/id", "hosts/b/id"];
    const files = Object.fromEntries(
      [...names, ...ofHosts, "four", "five", "keys/six"].map((name) => [name, ed25519.bytes]),
    );
    const home = homeWith({
      ...files,
      config,
      "conf.d/a1/x.conf": "IdentityFile ~/.ssh/four",
      "conf.d/d/x.conf": "IdentityFile ~/.ssh/keys/six",
      extra: "IdentityFile ~/.ssh/five",
    });
    const env = { HOME: home, KEYS: `${home}/.ssh`, AGENT: "/run/agent" };
    const local = { user: "me", uid: 1000, host: "box.example.org", env };
    const options = { home, read, list: (path: string) => readdirSync(path), local };
    expect(namesOf(home, findIdentities(options))).toEqual([...names, "four", "five", ...ofHosts]);
    expect(findAgents(options)).toEqual([`${home}/.ssh/agent.sock`, "/run/agent"]);
  });

  test("are all others in ~/.ssh, too, but for those that hide whose they are", () => {
    const home = homeWith({
      github_ed25519: ed25519.bytes,
      "github_ed25519.pub": ed25519.publicLine,
      "bob.pub": rsa.publicLine,
      "nonsense.pub": "nonsense",
      lonely: ed25519.bytes,
      "other.pem": pem.bytes,
      id_rsa: rsa.bytes,
      known_hosts: "example.org ssh-rsa AAAA",
    });
    const found = find(home);
    expect(namesOf(home, found)).toEqual(["id_rsa", "bob", "github_ed25519", "lonely", "other.pem"]);
    expect(found.map(({ file, isGuessed, isMissing }) => [file !== null, isGuessed, isMissing])).toEqual([
      [true, false, false],
      [false, true, true],
      [true, true, false],
      [true, true, false],
      [false, false, false],
    ]);
    expect(found.at(-1)?.problem).toMatch(/^it is encrypted, and without its .pub file/);
  });

  test("of a configuration with CRLF are found", () => {
    const home = homeWith({ config: "Host *\r\n\tIdentityFile ~/.ssh/key\r\n", key: ed25519.bytes });
    expect(namesOf(home, find(home))).toEqual(["key"]);
  });

  test("of included files are found, where they are included", () => {
    const home = homeWith({
      config:
        "IdentityFile ~/.ssh/a\nInclude more ~/.ssh/conf.d/*.conf none missing/*\nIdentityFile ~/.ssh/z\nInclude config",
      more: "IdentityFile ~/.ssh/b",
      "conf.d/2.conf": "IdentityFile ~/.ssh/d\nInclude conf.d/?x",
      "conf.d/1.conf": "IdentityFile ~/.ssh/c",
      "conf.d/.hidden.conf": "IdentityFile ~/.ssh/keys/hidden",
      "conf.d/3.config": "IdentityFile ~/.ssh/keys/hidden",
      "conf.d/0x": "IdentityFile ~/.ssh/e",
      ...Object.fromEntries(["a", "b", "c", "d", "e", "keys/hidden", "z"].map((name) => [name, ed25519.bytes])),
    });
    expect(namesOf(home, find(home))).toEqual(["a", "b", "c", "d", "e", "z"]);
    expect(namesOf(home, findIdentities({ home, read }))).toEqual(["a", "b", "z"]);
  });

  test.each([
    ["file", "config"],
    ["folder", "*"],
  ])("of a configuration that includes its own %s without end are found", (_, pattern) => {
    const home = homeWith({ config: `${`Include ${pattern}\n`.repeat(10)}IdentityFile ~/.ssh/a`, a: ed25519.bytes });
    expect(namesOf(home, find(home))).toEqual(["a"]);
  });

  test.skipIf(ssh.missing)(`are those that ${ssh.label} itself would offer`, async () => {
    const home = homeWith({
      config: 'IdentityFile "~/.ssh/a b"\nIdentityFile=%d/.ssh/c%%d\nidentityfile ~/.ssh/e\\ f',
    });
    const config = join(home, ".ssh", "config");
    const printed = (
      await runOk(ssh.path, ["-G", "-F", config, "example.org"], { env: { ...process.env, HOME: home } })
    ).toString();
    const offered = [...printed.matchAll(/^identityfile (.*)$/gm)].map(([, path = ""]) => path.split("/").at(-1));
    expect(offered).toEqual(["a b", "c%%d", "e f"]);
    const asked: string[] = [];
    const spy = (path: string): Buffer | null => {
      asked.push(path);
      return read(path);
    };
    findIdentities({ home, read: spy });
    expect(asked).toEqual(expect.arrayContaining(["a b", "c%d", "e f"].map((name) => join(home, ".ssh", name))));
  });
});

describe("a line of an SSH configuration", () => {
  test.each([
    ["", "", []],
    ["  # IdentityFile x", "", []],
    ["IdentityFile x", "identityfile", ["x"]],
    ["IdentityFile\t=\tx  y\r", "identityfile", ["x", "y"]],
    ["Include 'a b' c\\\"d \"e'f\" g#h # i", "include", ["a b", 'c"d', "e'f", "g#h"]],
    ['IdentityFile ""', "identityfile", [""]],
    ['IdentityFile "x', "", []],
    ["IdentityFile a\\\\b\\c", "identityfile", ["a\\b\\c"]],
  ])("%j is split like ssh does", (line, keyword, args) => {
    expect(parseConfigLine(line)).toEqual({ keyword, args });
  });
});
