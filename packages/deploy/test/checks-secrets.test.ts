import { generateKeyFile, encryptBlob } from "@git-vault/git-crypt";
import { peer } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { authentic, encrypted } from "../src/checks/ciphertext.ts";
import { exposed, SECRET_FORMS } from "../src/checks/exposed.ts";
import { sharedSecret } from "../src/checks/shared-secret.ts";
import { weakSecret } from "../src/checks/weak-secret.ts";
import { CANARIES, check } from "./check-world.ts";

const helm4 = peer("helm4");

describe("encrypted", () => {
  const checks = [encrypted];

  test("tells of a secret that git stores in the clear, by its folder and by its attributes", async () => {
    const { lines } = await check({
      checks,
      plain: {
        ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\n*.pem filter=git-crypt diff=git-crypt\n",
        "secrets/notes.txt": "in the clear\n",
        "certs/web.pem": "in the clear\n",
      },
    });
    expect(lines).toEqual([
      "encrypted error certs/web.pem this file is to be secret, and git stores it in the clear",
      "encrypted error secrets/notes.txt this file is to be secret, and git stores it in the clear",
    ]);
  });

  test("tells of attributes that were lost: the next change would be stored in the clear", async () => {
    const { lines } = await check({
      checks,
      plain: { ".gitattributes": "secrets/config/prod.yaml filter=git-crypt\n" },
    });
    expect(lines).toEqual([
      "encrypted warning secrets/config/staging.yaml this file is encrypted, and no attribute keeps it so",
    ]);
  });

  test("a file of sops is looked at value by value, whatever it says of itself", async () => {
    const sealed = "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]";
    const block = (rule: string): string => `sops:\n  lastmodified: "2020"\n  mac: ${sealed}\n${rule}`;
    const { lines } = await check({
      checks,
      plain: {
        "secrets/a.yaml": "password: hunter2\nsops:\n  - x # ENC[AES256_GCM,\n",
        "secrets/b.yaml": `password: hunter2\n${block("  encrypted_regex: ^none$\n")}`,
        "secrets/c.yaml": `password: ${sealed}\nadded: {token: [hunter2], other: 1}\n${block("")}`,
        "secrets/d.yaml": `password: ${sealed}\nimage: web\n${block("  encrypted_regex: ^password$\n")}`,
        "secrets/e.yaml": `password: ${sealed}\nnone: null\nempty: ""\nlist: []\n${block("")}`,
        "secrets/f.yaml": `password: ${sealed} hunter2\n${block("")}`,
        "secrets/g.yaml": `password: ${sealed}\n`,
      },
    });
    expect(lines).toEqual([
      "encrypted error secrets/a.yaml this file is to be secret, and git stores it in the clear",
      "encrypted error secrets/b.yaml this file is to be secret, and git stores it in the clear",
      "encrypted error secrets/c.yaml:2 this file is to be secret, and holds in the clear what sops is to encrypt: added.token[0] and 1 more",
      "encrypted warning secrets/d.yaml:2 this file is to be secret, and its own rule for sops leaves values in the clear: image",
      "encrypted error secrets/f.yaml this file is to be secret, and git stores it in the clear",
      "encrypted error secrets/g.yaml this file is to be secret, and git stores it in the clear",
    ]);
  });

  test("tells of a symbolic link on a protected path", async () => {
    const { lines } = await check({
      checks,
      afterwards: async (repository) => {
        const { symlinkSync } = await import("node:fs");
        symlinkSync("../web/values.yaml", `${repository.path}/secrets/link`);
        await repository.commit("a link");
      },
    });
    expect(lines).toEqual([
      "encrypted error secrets/link this path is to be secret, and a symbolic link is never encrypted",
    ]);
  });

  test("lets pass what git and people read, and empty files", async () => {
    const { lines } = await check({
      checks,
      plain: {
        ".gitattributes":
          "secrets/** filter=git-crypt diff=git-crypt\nsecrets/README.md !filter !diff\nsecrets/.gitattributes !filter !diff\n",
        "secrets/README.md": "what is in here\n",
        "secrets/.gitattributes": "x.txt text\n",
        "secrets/empty": "",
        "config/secrets.txt": "not in the folder\n",
      },
    });
    expect(lines).toEqual([]);
  });

  test("searches the history where it is asked to, and only there", async () => {
    const world = {
      checks,
      plain: { "secrets/config/prod.yaml": "database: { password: canary-of-old }\n" },
      afterwards: async (repository: {
        write: (path: string, content: Uint8Array) => unknown;
        commit: (message: string) => Promise<string>;
      }) => {
        repository.write("secrets/config/prod.yaml", encryptBlob(generateKeyFile(), Buffer.from("a: 1\n")));
        await repository.commit("encrypted");
      },
    };
    expect((await check({ ...world, locked: true })).lines).toEqual([]);
    expect((await check({ ...world, locked: true, options: { history: true } })).lines).toEqual([
      "encrypted error secrets/config/prod.yaml an older commit holds this file in the clear",
    ]);
  });
});

describe("authentic", () => {
  const other = encryptBlob(generateKeyFile(), Buffer.from("of another key\n"));

  test("tells of a file that the key does not open", async () => {
    const { lines } = await check({ checks: [authentic], plain: { "secrets/other.txt": other } });
    expect(lines).toEqual([
      "authentic error secrets/other.txt secrets/other.txt was tampered with, or encrypted with another key",
    ]);
  });

  test("lets pass what it opens, and tells that it could not look without the key", async () => {
    expect(await check({ checks: [authentic] })).toMatchObject({ lines: [], skipped: [] });
    expect(await check({ checks: [authentic], locked: true, plain: { "secrets/other.txt": other } })).toMatchObject({
      lines: [],
      skipped: ["what is encrypted, since there is no key"],
    });
  });
});

describe("leaked", () => {
  const checks = [exposed];
  const where = "the value of database.password in secrets/config/prod.yaml:2";
  const inFile = `${where} stands in this file, which everybody can read`;
  const secret = CANARIES.prod;

  test("tells of a secret in a readable file, in every form", async () => {
    const forms = [
      `see ${secret} there`,
      `x: ${Buffer.from(secret).toString("base64")}`,
      `x: ${Buffer.from(`user:${secret}\n`).toString("base64")}`,
      `{"x": "${secret}"}`,
      `https://user:${encodeURIComponent(secret)}@db/`,
    ];
    const plain = Object.fromEntries(forms.map((text, at) => [`docs/${at}.txt`, `line one\n${text}\n`]));
    const { lines } = await check({ checks, plain });
    expect(lines).toEqual(forms.map((_, at) => `leaked error docs/${at}.txt:2 ${inFile}`));
  });

  test("finds one that must be escaped, and each line of one that has several", async () => {
    const key = 'canary"\\of key 1\ncanary second line 22';
    const { lines } = await check({
      checks,
      secret: { "secrets/config/prod.yaml": `database:\n  password: ${JSON.stringify(key)}\n` },
      plain: {
        "a.json": JSON.stringify({ key }),
        "b.txt": "it is\ncanary second line 22\n",
        "c.yaml": `x: '${key.split("\n")[0]?.replaceAll("'", "''")}'\n`,
      },
    });
    expect(lines).toEqual([
      `leaked error a.json:1 ${inFile}`,
      `leaked error b.txt:2 ${inFile}`,
      `leaked error c.yaml:1 ${inFile}`,
    ]);
  });

  test("finds the password within a secret address, and secrets of files that are no layers", async () => {
    const { lines } = await check({
      checks,
      secret: {
        "secrets/url.yaml": "database: postgres://web:canaryPass77x@db.example.org/web\n",
        "secrets/env": "export API_TOKEN='canary-Env-12345'\n",
        "secrets/key.pem":
          "-----BEGIN PRIVATE KEY-----\nMIICANARYcanarycanarycanary1234567890abcdefghijklmnopqrstuvwxyz12\n-----END PRIVATE KEY-----\n",
      },
      plain: {
        "notes.txt":
          "canaryPass77x\ncanary-Env-12345\nMIICANARYcanarycanarycanary1234567890abcdefghijklmnopqrstuvwxyz12\n",
      },
    });
    expect(lines).toEqual([
      "leaked error notes.txt:1 the value of database in secrets/url.yaml:1 stands in this file, which everybody can read",
      "leaked error notes.txt:2 the value of API_TOKEN in secrets/env:1 stands in this file, which everybody can read",
      "leaked error notes.txt:3 the value of a line in secrets/key.pem:1 stands in this file, which everybody can read",
    ]);
  });

  test("lets pass what secret files hold that is no secret, and secrets in secret files", async () => {
    const { lines } = await check({
      checks,
      secret: {
        "secrets/config/prod.yaml": `database: { password: ${secret}, host: db.example.org, user: webmaster, port: 5432 }
replicas: 3
enabled: true
adminEmail: someone@example.org
passwordPolicy: at-least-twelve
secretName: web-certificate
certificate: |
  -----BEGIN CERTIFICATE-----
  MIIBszCCAVmgAwIBAgIUQ2fQ3zXrAk7pZr8sDq1d0GmU5lEwCgYIKoZIzj0EAwIw
  -----END CERTIFICATE-----
`,
        "secrets/copy.txt": `${secret}\n`,
      },
      plain: {
        "notes.txt": "db.example.org webmaster 5432 someone@example.org true at-least-twelve web-certificate\n",
        "ca.txt":
          "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2fQ3zXrAk7pZr8sDq1d0GmU5lEwCgYIKoZIzj0EAwIw\n-----END CERTIFICATE-----\n",
        "near.txt": `${secret.slice(0, -1)} ${secret.slice(1)}\n`,
      },
    });
    expect(lines).toEqual([]);
  });

  const DOCKER = JSON.stringify({ auths: { "quay.io": { auth: "Y2FuYXJ5OmNhbmFyeTEyMzQ1" } } });
  const PRETTY = JSON.stringify(JSON.parse(DOCKER), null, 2);
  /** The whole of a value under a key that tells nothing, and whether it is a secret. */
  const WHOLE: readonly (readonly [key: string, text: string, hidden: boolean])[] = [
    ["dockerconfigjson", DOCKER, true],
    ["dockerconfigjson", PRETTY, true],
    ["other", "correct horse battery staple 42", true],
    ["other", "correct horse battery staple", true],
    ["other", "Tr0ub4dor&3!!", true],
    ["other", "not so short (canary)", true],
    ["other", "import os\nprint('canary')\nimport sys\n", true],
    ["other", "short words", false],
    ["other", "at-least-twelve", false],
    ["other", "web_certificate.of.prod", false],
    ["other", "quay.io/example/web:1.2.3", false],
    ["other", "quay.io/example/web@sha256:0123456789abcdef", false],
    ["other", "https://example.org/a?b=c", false],
    ["other", "a.example.org, b.example.org", false],
    ["other", "10.0.0.0/8, 192.168.0.0/16", false],
    ["other", "2030-01-31T12:00:00Z", false],
    ["other", "*/15 * * * *", false],
    ["other", "openid profile email", false],
    ["other", "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----", false],
    ["other", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI someone", false],
    ["description", "all that is said of the hub, in words", false],
    ["pathPrefix", "a (strange) prefix of paths", false],
    ["annotations", "nginx (for all that is here)", false],
  ];

  test.each(WHOLE)(
    "knows whether the whole of a value of a secret layer is one: %s: %j",
    async (name, text, hidden) => {
      const { lines } = await check({
        checks,
        secret: { "secrets/config/prod.yaml": `x: ${JSON.stringify({ [name]: text })}\n` },
        plain: { "notes.txt": `it is\n${text}\n`, "a.json": JSON.stringify({ x: text }) },
      });
      const said = (file: string): unknown =>
        expect.stringMatching(
          new RegExp(`^leaked error ${file} the value of x\\.${name} in secrets/config/prod\\.yaml:1 `),
        );
      expect(lines).toEqual(hidden ? [said("a\\.json:1"), said("notes\\.txt:\\d")] : []);
    },
  );

  test("lets pass single lines of a longer text, what the chart's defaults say, too, and what nearly is a whole value", async () => {
    const { lines } = await check({
      checks,
      secret: {
        "secrets/config/prod.yaml": `x: { program: "import canary as this\\nprint(this + that)\\n", same: "said by the chart, too", other: correct horse battery staple 42 }\n`,
        "secrets/notes.txt": "a sentence that is in no layer of any environment\n",
      },
      plain: {
        "web/values.yaml": 'x: { same: "said by the chart, too" }\nimage: x\n',
        "web/templates/web.yaml": null,
        "notes.txt": "import canary as this\nsaid by the chart, too\ncorrect horse battery staple 4\ncorrect horse\n",
      },
    });
    expect(lines).toEqual([]);
  });

  test.skipIf(helm4.missing)("tells of a secret in a rendered object that is no Secret", async () => {
    const { lines } = await check({
      checks,
      helm: helm4.path,
      plain: {
        "web/templates/leak.yaml": `apiVersion: v1
kind: ConfigMap
metadata: { name: leak }
data:
  url: {{ printf "postgres://web:%s@db" .Values.database.password | quote }}
  encoded: {{ .Values.database.password | b64enc }}
`,
      },
    });
    expect(lines.filter((line) => line.includes("[prod]"))).toEqual([
      `leaked error web/templates/leak.yaml [prod] ${where} is rendered into ConfigMap leak at data.url`,
      `leaked error web/templates/leak.yaml [prod] ${where} is rendered into ConfigMap leak at data.encoded`,
    ]);
  });
});

describe.skipIf(helm4.missing)("what depends on a secret, whatever the template made of it", () => {
  const leaky = (data: string, annotations = ""): Record<string, string> => ({
    "web/templates/leak.yaml": `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: leak${annotations}}\ndata: ${data}\n`,
  });

  test.each([
    ["capitals", "upper"],
    ["a digest", "sha256sum"],
    ["base32", "b32enc"],
    ["a part", "trunc 6"],
    ["a comparison", 'hasPrefix "canary"'],
  ])("is a leak: %s", async (_, form) => {
    const plain = leaky(`{ a: {{ .Values.database.password | ${form} | quote }}, b: {{ .Values.url | upper }} }`);
    const { lines } = await check({ checks: [exposed], helm: helm4.path, plain });
    expect(lines).toEqual([
      "leaked error web/templates/leak.yaml [staging] what ConfigMap leak at data.a has depends on a secret",
      "leaked error web/templates/leak.yaml [prod] what ConfigMap leak at data.a has depends on a secret",
    ]);
  });

  test("is a note where it is a checksum, and nothing where it is made at random", async () => {
    const checksum = ", annotations: { checksum/secret: {{ .Values.database.password | sha256sum }} }";
    const plain = leaky("{ a: {{ randAlphaNum 20 }}, b: x }", checksum);
    const { lines } = await check({ checks: [exposed], helm: helm4.path, plain, only: ["prod"] });
    expect(lines).toEqual([
      'leaked note web/templates/leak.yaml [prod] what ConfigMap leak at metadata.annotations["checksum/secret"] has is a digest of a secret, by which anyone who sees it can test guesses',
    ]);
  });
});

describe("what is too large to be searched", () => {
  test("is told", async () => {
    // Git packs zeros away.
    const { skipped } = await check({ checks: [exposed], plain: { "large.bin": Buffer.alloc(32 * 1024 * 1024 + 1) } });
    expect(skipped).toContain("whether secrets stand in large.bin, which is larger than 33554432 bytes");
  });

  test("is told of a secret file, too, and one that is just not too large is read", async () => {
    const text = (bytes: number): string => `password: ${"x".repeat(bytes - 11)}\n`;
    const most = 4 * 1024 * 1024;
    const { skipped, lines } = await check({
      checks: [weakSecret],
      plain: { "secrets/larger.yaml": text(most + 1), "secrets/large.yaml": text(most) },
    });
    expect(skipped).toEqual([`what is secret in secrets/larger.yaml, which is larger than ${most} bytes`]);
    expect(lines).toEqual([expect.stringContaining("secrets/large.yaml:1 this is a placeholder")]);
  });
});

describe("looks-secret", () => {
  const checks = [exposed];
  const random = (length: number): string => "aB3dE5gH7jK9mN2pQ4sT6vW8yZ1cF0xL".repeat(8).slice(0, length);

  const upper = (length: number): string => random(length).toUpperCase();
  const base64 = Buffer.from(`\0GITCRYPTKEY${random(120)}`).toString("base64");
  const pem = (kind: string, length = 140): string =>
    `-----BEGIN ${kind}-----\n${random(length)}\n-----END ${kind}-----`;
  const jwt = (payload: string, signature: number): string => `eyJhbGciOiJIUzI1NiJ9.${payload}.${random(signature)}`;

  /** Each form that is known, what has it, and what nearly has it. */
  const FORMS: readonly (readonly [what: string, positive: readonly string[], near: readonly string[]])[] = [
    [
      "a private key",
      [
        ...["PRIVATE KEY", "OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"].map(
          (kind) => pem(kind),
        ),
        pem("PGP PRIVATE KEY BLOCK"),
        `-----BEGIN RSA PRIVATE KEY-----\\n${random(140)}`,
        "PuTTY-User-Key-File-3: ssh-ed25519\n",
        "PuTTY-User-Key-File-2: ssh-rsa\n",
      ],
      [
        pem("PUBLIC KEY"),
        pem("CERTIFICATE"),
        pem("PGP PUBLIC KEY BLOCK"),
        pem("OPENSSH PRIVATE KEY", 20),
        "begins with -----BEGIN OPENSSH PRIVATE KEY----- and goes on, in words, for quite a while until it ends",
        "PuTTY-User-Key-File: ssh-rsa\n",
      ],
    ],
    [
      "an age identity",
      [`AGE-SECRET-KEY-1${upper(58)}`, `AGE-SECRET-KEY-PQ-1${upper(58)}`],
      [
        `AGE-SECRET-KEY-1${upper(39)}`,
        `AGE-SECRET-KEY-1${random(58).toLowerCase()}`,
        `age1${random(58).toLowerCase()}`,
      ],
    ],
    ["a git-crypt key", [base64], [base64.slice(0, 55), base64.slice(4)]],
    [
      "a GitHub token",
      [...Array.from("pousr", (kind) => `gh${kind}_${random(36)}`), `github_pat_${random(82)}`],
      [`ghx_${random(36)}`, `ghp_${random(35)}`, `aghp_${random(36)}`, `github_pat_${random(59)}`],
    ],
    [
      "a GitLab token",
      ["pat", "ptt", "dt", "rt", "cbt", "oas", "ft", "imt", "agent", "soat"].map((kind) => `gl${kind}-${random(20)}`),
      [`glpat-${random(19)}`, `glpot-${random(20)}`],
    ],
    [
      "a Slack token or webhook",
      [
        ...Array.from("abeprs", (kind) => `xox${kind}-${random(24)}`),
        `https://hooks.slack.com/services/T${upper(8)}/B${upper(8)}/${random(24)}`,
      ],
      [
        `xoxb-${random(9)}`,
        `xoxz-${random(24)}`,
        `https://hooks.slack.com/services/T${upper(8)}/B${upper(8)}/${random(15)}`,
      ],
    ],
    [
      "an AWS access key",
      ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
      [
        "AKIAIOSFODNN7EXAMPL",
        "AKIAIOSFODNN7EXAMPLEX",
        "AKIAIOSFODNN1EXAMPLE",
        "AKIBIOSFODNN7EXAMPLE",
        "akiaiosfodnn7example",
      ],
    ],
    [
      "a Google API key or token",
      [`AIza${random(35)}`, `ya29.${random(40)}`, `GOCSPX-${random(28)}`],
      [`AIza${random(34)}`, `ya29.${random(29)}`, `GOCSPX-${random(27)}`],
    ],
    [
      "a Stripe key",
      [`sk_live_${random(24)}`, `rk_live_${random(24)}`],
      [`sk_live_${random(19)}`, `sk_test_${random(24)}`, `pk_live_${random(24)}`],
    ],
    ["an npm token", [`npm_${random(36)}`], [`npm_${random(35)}`, `npm_${random(37)}`]],
    ["a PyPI token", [`pypi-AgEI${random(60)}`], [`pypi-AgE${random(49)}`, `pypi-Xyz${random(60)}`]],
    [
      "a Docker token",
      [`dckr_pat_${random(27)}`, `dckr_oat_${random(27)}`],
      [`dckr_pat_${random(19)}`, `dckr_cat_${random(27)}`],
    ],
    [
      "a HashiCorp Vault token",
      Array.from("sbr", (kind) => `hv${kind}.${random(24)}`),
      [`hvs.${random(23)}`, `hvx.${random(24)}`],
    ],
    [
      "a SendGrid key",
      [`SG.${random(22)}.${random(43)}`],
      [`SG.${random(19)}.${random(43)}`, `SG.${random(22)}.${random(39)}`],
    ],
    [
      "a JSON web token",
      [jwt("eyJzdWIiOiIxMjM0NTY3ODkwIn0", 43)],
      [
        jwt("eyJzdWIiOiIxMjM0NTY3ODkwIn0", 19),
        jwt("c3ViOiIxMjM0NTY3ODkwIn0", 43),
        jwt("eyJzdWIiOiIxMjM0NTY3ODkwIn0", 0),
      ],
    ],
    [
      "a kubeconfig's private key",
      [`client-key-data: ${random(60)}`],
      [`client-key-data: ${random(39)}`, `client-certificate-data: ${random(60)}`],
    ],
    [
      "an address with a password",
      [`postgres://web:${random(12)}@db.example.org/web`, `redis://:${random(12)}@db.example.org`],
      [
        `postgres://web:${random(7)}@db.example.org/web`,
        `postgres://web@db.example.org/${random(12)}`,
        `postgres://web:\${PASSWORD}@db.example.org/web`,
        `https://example.org:8443/${random(12)}@b.example`,
      ],
    ],
  ];

  test("knows every form that it is said to know", async () => {
    // The forms are those of the check, each once.
    expect(FORMS.map(([what]) => what).toSorted()).toEqual([...new Set(SECRET_FORMS)].toSorted());
  });

  test.each(FORMS)("knows %s by its form, and lets pass what is near to it", async (what, positive, near) => {
    const positives = Object.fromEntries(positive.map((text, at) => [`${10 + at}.md`, `\n${text}\n`]));
    const nears = Object.fromEntries(near.map((text, at) => [`near-${10 + at}.md`, `\n${text}\n`]));
    const { lines } = await check({ checks, plain: { ...positives, ...nears } });
    expect(lines).toEqual(positive.map((_, at) => `looks-secret error ${10 + at}.md:2 this looks like ${what}`));
  });

  test("knows a git-crypt key file, and values under telling keys", async () => {
    const { lines } = await check({
      checks,
      plain: {
        key: Buffer.from(`\0GITCRYPTKEY\0\0\0\u0002${random(80)}`, "latin1"),
        "config/prod.yaml": `url: https://example.org\nhub:\n  cookieSecret: ${"0123456789abcdef".repeat(4)}\n  apiToken: ${random(20)}\n`,
      },
    });
    expect(lines).toEqual([
      "looks-secret warning config/prod.yaml:3 the value of hub.cookieSecret looks like a secret",
      "looks-secret warning config/prod.yaml:4 the value of hub.apiToken looks like a secret",
      "looks-secret error key this looks like a git-crypt key",
    ]);
  });

  test("lets pass what is near to them", async () => {
    const { lines } = await check({
      checks,
      plain: {
        "notes.md": `A key begins with \`-----BEGIN OPENSSH PRIVATE KEY-----\`, and ends.
ghp_short AKIA123 https://user@example.org postgres://web:$PASSWORD@db.example.org/web https://user:<password>@host/x
postgres://web:\${DB_PASSWORD}@db/ 2001:db8::1 https://example.org:8443/a@b
`,
        "config/prod.yaml": `url: https://example.org
hub:
  cookieSecret: ""
  secretName: web-certificate-for-example-org-2026
  tokenUrl: https://example.org/oauth2/token
  existingSecret: web-database-credentials
  passwordFile: /etc/web/password
  apiToken: "{{ .Values.x }}"
  keyboard: 0123456789abcdef0123456789abcdef
image: { digest: sha256:${"0123456789abcdef".repeat(4)} }
`,
      },
    });
    expect(lines).toEqual([]);
  });
});

describe("shared-secret", () => {
  const checks = [sharedSecret];

  test("tells of a secret that staging and production share", async () => {
    const { lines } = await check({
      checks,
      secret: { "secrets/config/prod.yaml": `# a comment\ndatabase:\n  password: ${CANARIES.staging}\n` },
    });
    expect(lines).toEqual([
      "shared-secret error secrets/config/staging.yaml:2 this secret is the same as database.password in secrets/config/prod.yaml:3",
    ]);
  });

  test("tells of equal files without the key", async () => {
    const same = `database:\n  password: ${CANARIES.prod}\n`;
    const secret = { "secrets/config/prod.yaml": same, "secrets/config/staging.yaml": same };
    const expected = [
      "shared-secret error secrets/config/prod.yaml this file is the same as secrets/config/staging.yaml",
    ];
    expect((await check({ checks, secret, locked: true })).lines).toEqual(expected);
    expect((await check({ checks, secret })).lines).toEqual(expected);
  });

  test.each([false, true])(
    "tells of a file that both have as their own, a kubeconfig among it; locked: %s",
    async (locked) => {
      const { lines } = await check({
        checks,
        locked,
        plain: {
          "deploy.yaml": `environments:
  staging: { layers: [config/own.yaml, secrets/config/own.yaml], kubeconfig: secrets/kubeconfig.yaml }
  prod: { layers: [config/own.yaml, secrets/config/own.yaml], kubeconfig: secrets/kubeconfig.yaml }
`,
          "config/own.yaml": "greeting: hello\n",
        },
        secret: { "secrets/config/own.yaml": `password: ${CANARIES.prod}\n`, "secrets/kubeconfig.yaml": "users: []\n" },
      });
      expect(lines).toEqual([
        "shared-secret error secrets/config/own.yaml staging and production both have this file as their own",
        "shared-secret error secrets/kubeconfig.yaml staging and production both have this file as their own",
      ]);
    },
  );

  test("lets pass what both may have: user names, hosts, what a shared layer holds, and one tier's own members", async () => {
    const { lines } = await check({
      checks,
      plain: {
        "deploy.yaml": `layers: [secrets/config/common.yaml]
environments:
  staging: { layers: [secrets/config/staging.yaml] }
  prod: { layers: [secrets/config/prod.yaml] }
  ovh: { tier: prod, layers: [secrets/config/ovh.yaml] }
`,
      },
      secret: {
        "secrets/config/common.yaml": "token: canary-Common-8k3JdQ\n",
        "secrets/config/staging.yaml": `database: { password: ${CANARIES.staging}, user: webmaster, host: db.example.org }\n`,
        "secrets/config/prod.yaml": `database: { password: ${CANARIES.prod}, user: webmaster, host: db.example.org }\n`,
        "secrets/config/ovh.yaml": `database: { password: ${CANARIES.prod}, user: webmaster, host: db.example.org }\n`,
      },
    });
    expect(lines).toEqual([]);
  });
});

describe("weak-secret", () => {
  const PLACEHOLDER = "error this is a placeholder where a secret should be";
  const GUESSED = "error this is one of the secrets that are guessed first";
  const REPEATS = "warning this secret repeats itself, and can be guessed";

  test("takes what a template fills in for no placeholder, as a layer's is", async () => {
    const { lines } = await check({
      checks: [weakSecret],
      plain: { ".gitattributes": "secrets/** filter=git-crypt\nweb/templates/more.yaml filter=git-crypt\n" },
      secret: {
        "web/templates/more.yaml": "stringData:\n  password: {{ .Values.password }}\n  token: changeme\n",
        "secrets/config/prod.yaml": "database: { password: '{{ canary }}' }\n",
      },
    });
    expect(lines).toEqual([
      "weak-secret error secrets/config/prod.yaml:1 this is a placeholder where a secret should be",
      "weak-secret error web/templates/more.yaml:3 this is a placeholder where a secret should be",
    ]);
  });

  test("knows placeholders, what is guessed first, and what is short or repeats itself", async () => {
    const values: readonly (readonly [string, string | null])[] = [
      ...[
        "changeme",
        "CHANGE_ME",
        "<your password>",
        "TODO",
        "xxxxxxxx",
        "********",
        "password",
        "replace-me-please",
      ].map((value) => [value, PLACEHOLDER] as const),
      ["${PASSWORD}", PLACEHOLDER],
      ["hunter2", GUESSED],
      ["Qwerty123", GUESSED],
      ["aB3$x", "warning this secret has fewer than 8 characters"],
      ["", "warning this secret is empty"],
      ["abababababab", REPEATS],
      ["abcdefghijkl", REPEATS],
      ["correct horse battery staple", null],
      ["example-only-9f8e7d6c5b", null],
      ["xK9#mP2$vL5q", null],
      ["changelings-are-9-real", null],
    ];
    const text = values.map(([value]) => `- password: ${JSON.stringify(value)}\n`).join("");
    const { findings } = await check({ checks: [weakSecret], secret: { "secrets/many.yaml": text } });
    expect(findings.map(({ line, severity, message }) => `${line} ${severity} ${message}`)).toEqual(
      values.flatMap(([, expected], at) => (expected === null ? [] : [`${at + 1} ${expected}`])),
    );
  });

  test("lets pass short and plain words under keys that speak of no secret", async () => {
    const text = `database: { password: ${CANARIES.prod}, user: admin, secretName: web, tokenUrl: changeme, passwordFile: /x }\n`;
    expect((await check({ checks: [weakSecret], secret: { "secrets/config/prod.yaml": text } })).lines).toEqual([]);
  });
});
