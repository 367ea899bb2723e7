import { cases, seed } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorOf } from "./world.ts";
import { SOPS, type SopsWorld, sopsWorld } from "./sops-world.ts";
import { mapText } from "./yaml-text.ts";

/*
 * What the real sops encrypts is read as the real sops decrypts it: each case is an environment
 * whose layer is encrypted, beside one whose layer is what sops makes of it.
 */
const EVERYTHING = `# a comment at the top
text: hello # at a line
empty: ""
quoted: "12"
spaces: "  two  "
unicode: "ümläut 🙂 \\u2028"
multi: |
  first
    second

  third
folded: >-
  one
  two
strip: |-
  no end
keep: |+
  two ends


integer: 42
negative: -7
large: 9007199254740993
octal: 0755
newOctal: 0o17
hex: 0xff
binary: 0b101
underscored: 1_000
float: 1.5
whole: 2.0
exponent: 1e3
tiny: 1e-9
huge: 1.5e300
yes: yes
on: "on"
off: off
true: no
switch: true
other: False
nothing: null
tilde: ~
date: 2001-01-02
time: 2001-01-02T03:04:05.600+02:00
spaced: 2001-1-2 3:4:5
sexagesimal: 1:30
base: &base {a: 1, b: two}
merged:
  <<: *base
  c: 3
aliased: *base
list:
  # of an item
  - one
  - 2
  - [nested, 3.5, null, true]
  - {deep: {deeper: value}}
emptyList: []
emptyMap: {}
plain_unencrypted: stays
below_unencrypted: {all: stays, yes: yes, on: 2001-01-02, n: 0x10}
"with.dots: and": colon
pem: |
  -----BEGIN EXAMPLE-----
  bWFkZQ==
  -----END EXAMPLE-----
`.replace("true: no\n", "");

const CASES: readonly (readonly [title: string, text: string, ...words: string[]])[] = [
  ["every value type and comments", EVERYTHING],
  [
    "an encrypted_regex",
    "password: a\nuser: b\nnested: {password: {x: 1, y: [2, true]}, z: 3.50}\n",
    "--encrypted-regex",
    "^pass",
  ],
  [
    "an unencrypted_regex",
    "image: a\nuser: b\ndeep: {image: {tag: 0x10, n: 1e3}}\n",
    "--unencrypted-regex",
    "^im(age)?$",
  ],
  ["an encrypted_suffix", "a_secret: 1\nb: 2\n", "--encrypted-suffix", "_secret"],
  ["an unencrypted_suffix", "a_open: 1\nb: 2\nc_open: [yes, 2001-01-01]\n", "--unencrypted-suffix", "_open"],
];

describe.skipIf(SOPS.missing)(`beside ${SOPS.label}`, () => {
  let world: SopsWorld;
  beforeAll(async () => {
    world = await sopsWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Commits environments `cN` and `pN`: encrypted by sops, and decrypted by it again. */
  async function bothWays(
    encrypted: readonly (readonly [path: string, text: string])[],
  ): Promise<{ readonly ours: string[]; readonly theirs: string[] }> {
    const environments: Record<string, object> = {};
    for (const [at, [path, text]] of encrypted.entries()) {
      const ending = /\.\w+$/.exec(path)?.[0] ?? "";
      world.repository.write(`layers/c${at}${ending}`, text);
      world.repository.write(`layers/p${at}.yaml`, await world.decrypt(path, text));
      environments[`c${at}`] = { layers: [`layers/c${at}${ending}`] };
      environments[`p${at}`] = { layers: [`layers/p${at}.yaml`] };
    }
    world.repository.write("deploy.yaml", JSON.stringify({ chart: "app", environments }));
    await world.repository.commit("layers");
    await using project = await world.open();
    const valuesOf = (name: string): string => JSON.stringify(project.environment(name).values().value);
    return {
      ours: encrypted.map((_, at) => valuesOf(`c${at}`)),
      theirs: encrypted.map((_, at) => valuesOf(`p${at}`)),
    };
  }

  test.each(CASES)("%s, in YAML and in JSON", async (_, text, ...words) => {
    const yaml = await world.encrypt("a.yaml", text, ...words);
    expect(yaml).toContain("ENC[AES256_GCM");
    const json = await world.encrypt("a.json", JSON.stringify({ ...JSON_CASE, _password: "x" }), ...words);
    const { ours, theirs } = await bothWays([
      ["a.yaml", yaml],
      ["a.json", json],
    ]);
    expect(ours).toEqual(theirs);
  });

  test("what the name does not tell to be YAML or JSON is one text to sops", async () => {
    const { ours, theirs } = await bothWays([
      ["a.txt", await world.encrypt("a.txt", "password: one\nlist: [1, yes]\n")],
    ]);
    expect(ours).toEqual(theirs);
  });

  test("and is a map where it holds more than that text", async () => {
    world.repository.write("layers/prod.conf", await world.encrypt("a.yaml", "data: one\nother: two\n"));
    world.repository.write("deploy.yaml", JSON.stringify({ environments: { prod: { layers: ["layers/prod.conf"] } } }));
    await world.repository.commit("more");
    await using project = await world.open();
    expect({ ...project.environment("prod").values().value }).toEqual({ data: "one", other: "two" });
  });

  test("mac_only_encrypted, and comments that say what is encrypted", async () => {
    const text = "# sops:enc\npassword: a\nuser: b\nlist:\n  # sops:enc\n  - x\n  - y\n# nothing\nlast: {a: 1}\n";
    const rules = [
      "mac_only_encrypted: true\n    encrypted_regex: ^pass",
      "encrypted_comment_regex: sops:enc",
      "unencrypted_comment_regex: nothing",
      "mac_only_encrypted: true\n    encrypted_comment_regex: sops:enc",
    ];
    const encrypted: [string, string][] = [];
    for (const rule of rules) {
      const config = `creation_rules:\n  - age: ${world.recipient}\n    ${rule}\n`;
      world.repository.write(".sops.yaml", config);
      const words = ["--config", `${world.repository.path}/.sops.yaml`, "encrypt"];
      encrypted.push(["a.yaml", await world.encrypt("a.yaml", text, ...words)]);
    }
    const { ours, theirs } = await bothWays(encrypted);
    expect(ours).toEqual(theirs);
  });

  test("random files", async () => {
    const texts = fc.sample(mapText, { numRuns: cases(40, 400), seed: seed(7) });
    const encrypted: [string, string][] = [];
    for (const text of texts) {
      // What sops refuses, such as keys that are numbers, nobody has.
      const made = await world.encrypt("a.yaml", text).catch(() => null);
      const plain = made === null ? null : await world.decrypt("a.yaml", made).catch(() => null);
      if (made !== null && plain !== null && plain.trim() !== "{}" && made.includes("ENC["))
        encrypted.push(["a.yaml", made]);
    }
    expect(encrypted.length).toBeGreaterThan(5);
    const { ours, theirs } = await bothWays(encrypted);
    expect(ours).toEqual(theirs);
  });

  test("a file that was changed, cut, moved or made up is refused", async () => {
    const yaml = await world.encrypt("a.yaml", "password: canary\nother: needle\nn: 3\nopen_unencrypted: x\n");
    const [first = "", second = ""] = yaml.match(/ENC\[\S+\]/g) ?? [];
    const attacks = {
      "a value in another's place": yaml.replace(first, "@").replace(second, first).replace("@", second),
      "a plain value": yaml.replace(first, "mine"),
      "a value with more behind it": yaml.replace(first, `${first} mine`),
      "a value of another file": yaml.replace(
        first,
        (await world.encrypt("b.yaml", "password: mine\n")).match(/ENC\[\S+\]/)?.[0] ?? "",
      ),
      "a value less": yaml.replace(/other: .*\n/, ""),
      "another plain value": yaml.replace("open_unencrypted: x", "open_unencrypted: y"),
      "no MAC of its own": yaml.replace(/mac: (?:.*\n)/, "mac: x\n"),
      "a short tag": yaml.replace(first, first.replace(/tag:[^,]+/, "tag:AAAA")),
      "another rule": yaml.replace("version:", "encrypted_regex: ^nothing$\n    version:"),
      "more recipients than anybody has": yaml.replace(
        / {4}age:\n/,
        `    age:\n${"        - {recipient: age1x, enc: x}\n".repeat(200)}`,
      ),
      "two rules": yaml.replace("version:", "encrypted_regex: a\n    encrypted_suffix: b\n    version:"),
      "an expression that is none": yaml.replace("version:", "encrypted_regex: '('\n    version:"),
      "another time": yaml.replace(/lastmodified: "20(..)/, 'lastmodified: "19$1'),
      "no metadata": yaml.slice(0, yaml.indexOf("sops:")),
      "metadata of another form": yaml.replace(/sops:\n/, "sops:\n    mac: \n"),
    };
    for (const [title, text] of Object.entries(attacks)) {
      expect([title, text === yaml]).toEqual([title, false]);
      world.repository.write("layers/prod.yaml", text);
      world.repository.write(
        "deploy.yaml",
        JSON.stringify({ environments: { prod: { layers: ["layers/prod.yaml"] } } }),
      );
      await world.repository.commit(title);
      await using project = await world.open();
      const error = await errorOf(() => project.environment("prod").values());
      expect([title, error.code]).toEqual([title, expect.stringMatching(/^(?:TAMPERED_FILE|DUPLICATE_KEY)$/)]);
      expect(`${error.message} ${error.hint}`).not.toMatch(/canary|needle/);
    }
  });
});

const JSON_CASE = {
  text: "hello",
  html: "<&>\u2028 🙂",
  empty: "",
  number: 42,
  large: 9007199254740991,
  float: 1.5,
  whole: 1e21,
  tiny: 1e-9,
  yes: "yes",
  date: "2001-01-02",
  truth: true,
  nothing: null,
  list: [1, "two", [], {}, { deep: [null] }],
  password: "secret",
  image: { tag: 1 },
};
