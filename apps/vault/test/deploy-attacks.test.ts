import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { type DeployWorld, deployWorld, isLong, PASSWORD, peer, run } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Attacks by somebody without the key. Most are in one commit, on which every command of deploying
 * is run under strace, with each Helm; those that end a run before it comes to others have a commit
 * of their own. Nothing but git and Helm may be started, nothing but the pinned cluster be
 * connected to, no file be read that a secret is in outside of the repository, and no canary be
 * seen.
 *
 * With the long tests, each attack is also alone for every command and each Helm.
 */
const strace = peer("strace");
const OUTSIDE = "canary-outside-4410";
/** Sets the title of a terminal. */
const TERMINAL = "\u001b]0;evil";
const OTHERS = "canary-of-another-release";

interface Attack {
  readonly name: string;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Symbolic links, and where they lead. */
  readonly links?: Readonly<Record<string, string>>;
  /** In `deploy.yaml`, beside the chart and the environments. */
  readonly settings?: object;
  /** Whether Helm itself could do what the attack wants: it is tried with both, always. */
  readonly isHelms?: boolean;
  /** Whether it goes with others: their runs come as far with it as without. */
  readonly isJoint?: boolean;
}

const CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
const configMap = (value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: attack}\ndata:\n  x: ${value}\n`;

const SUB = "apiVersion: v2\nname: sub\nversion: 1.0.0\n";

/** A file of an archive (ustar), or a symbolic link. */
function tar(name: string, content: string, link = ""): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write("0000755\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write(`        ${link === "" ? "0" : "2"}`, 148);
  header.write(link, 157);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return gzipSync(Buffer.concat([header, Buffer.from(content), Buffer.alloc(1536 - (content.length % 512))]));
}

/** An archive whose one template is a link, which `deploy.lock` has, so that it is taken. */
function linkedArchive(): Record<string, Buffer | string> {
  const dependency = { name: "sub", version: "1.0.0", repository: "https://127.0.0.2:9" };
  const link = tar("sub/templates/x.yaml", "", outside);
  const archive = gzipSync(Buffer.concat([gunzipSync(tar("sub/Chart.yaml", SUB)).subarray(0, 1024), gunzipSync(link)]));
  const sha256 = hash("sha256", archive, "hex");
  return {
    "app/Chart.yaml": `${CHART}dependencies: [${JSON.stringify(dependency)}]\n`,
    "app/charts/sub-1.0.0.tgz": archive,
    "deploy.lock": JSON.stringify({ lockVersion: 1, archives: [{ ...dependency, sha256 }] }),
  };
}

let world: DeployWorld;
let proof: string;
let outside: string;
let evil: string;

/** What each attack commits; the places are known once the world is made. */
const attacks = (): Attack[] => [
  { name: "a link to a file outside, among the templates", isHelms: true, links: { "app/templates/x.yaml": outside } },
  { name: "a link to a folder outside, as the templates", links: { "app/more": dirname(outside) } },
  { name: "a link outside, as a layer", links: { "config/prod.yaml": outside } },
  { name: "a link outside, as the chart's schema", links: { "app/values.schema.json": outside } },
  { name: "a link outside, as the chart's values", links: { "app/values.yaml": outside } },
  { name: "a link outside, as deploy.lock", links: { "deploy.lock": outside } },
  { name: "a link outside, as deploy.yaml", links: { "deploy.yaml": outside } },
  { name: "a link outside, as the folder of archives", links: { "app/charts": dirname(outside) } },
  {
    name: "a file outside by .Files",
    isJoint: true,
    isHelms: true,
    files: {
      "app/templates/x.yaml": configMap(`{{ .Files.Get "${outside}" | default (.Files.Get "../../outside") | quote }}`),
    },
  },
  {
    name: "files outside by a pattern",
    isJoint: true,
    isHelms: true,
    files: { "app/templates/x.yaml": configMap('{{ (.Files.Glob "../../**").AsConfig | quote }}') },
  },
  { name: "an odd .helmignore", files: { "app/.helmignore": "!../../outside\n/../\n**/../**\n" } },
  {
    name: "a schema over the network",
    isHelms: true,
    files: { "app/values.schema.json": '{"$ref":"http://127.0.0.2:9/x"}' },
  },
  {
    name: "a schema from the disk",
    isHelms: true,
    files: { "app/values.schema.json": `{"$ref":"file://${outside}"}` },
  },
  {
    name: "a schema in a subchart's archive",
    isHelms: true,
    files: { "app/charts/sub-1.0.0.tgz": tar("sub/values.schema.json", '{"$ref":"http://127.0.0.2:9/x"}') },
  },
  { name: "an archive that leaves its folder", files: { "app/charts/sub-1.0.0.tgz": tar(`../../../..${proof}`, "x") } },
  {
    name: "tags of YAML that make programs run elsewhere",
    files: {
      "config/prod.yaml": `a: !!python/object/apply:os.system ["touch ${proof}"]\nb: !!js/function "x"\nc: !include ${outside}\n`,
    },
  },
  {
    name: "a post-renderer and a plugin",
    isJoint: true,
    isHelms: true,
    files: {
      "app/plugins/evil/plugin.yaml": `name: evil\nversion: 1.0.0\ncommand: "${evil}"\nhooks: { install: "${evil}" }\n`,
      "app/Chart.yaml": `${CHART}annotations: { post-renderer: "${evil}" }\n`,
      ".helm/plugins/evil/plugin.yaml": `name: evil\ncommand: "${evil}"\n`,
    },
  },
  {
    name: "programs of the names of Helm and git",
    isJoint: true,
    files: { helm: `#!/bin/sh\n"${evil}"\n`, git: `#!/bin/sh\n"${evil}"\n`, sh: `#!/bin/sh\n"${evil}"\n` },
  },
  {
    name: "definitions of kinds",
    files: {
      "app/crds/x.yaml":
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.example.org}\n",
    },
  },
  {
    name: "a hook with a secret in its words",
    isJoint: true,
    files: {
      "app/templates/x.yaml": `apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, annotations: {helm.sh/hook: pre-upgrade}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1", args: [{{ .Values.password | upper | quote }}]}]}}}\n`,
    },
  },
  {
    name: "notes with a secret",
    isJoint: true,
    isHelms: true,
    files: { "app/templates/NOTES.txt": "{{ .Values.password | upper }} {{ .Values.password }}" },
  },
  {
    name: "a failure with a secret",
    isHelms: true,
    files: { "app/templates/x.yaml": "{{ fail (.Values.password | swapcase) }}" },
  },
  {
    name: "a broken document with a secret",
    isHelms: true,
    files: { "app/templates/x.yaml": "a: {{ .Values.password | b32enc }}: b\n" },
  },
  {
    name: "a name made of a secret",
    isJoint: true,
    files: {
      "app/templates/x.yaml": configMap("1").replace("attack", "a{{ .Values.password | sha256sum | trunc 20 }}"),
    },
  },
  {
    name: "a Secret of another release",
    isJoint: true,
    isHelms: true,
    files: {
      "app/templates/x.yaml": configMap('{{ (lookup "v1" "Secret" "prod" "others") | toJson | b64enc | quote }}'),
    },
  },
  {
    name: "the environment",
    isHelms: true,
    files: { "app/templates/x.yaml": configMap('{{ env "GIT_CRYPT_KEY" }}{{ expandenv "$GIT_CRYPT_KEY" }}') },
  },
  {
    name: "a look-up of a host's name",
    isJoint: true,
    isHelms: true,
    files: { "app/templates/x.yaml": configMap('{{ getHostByName "evil.example.org" | quote }}') },
  },
  {
    name: "attributes and settings of git that name programs",
    isJoint: true,
    files: {
      ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\n* filter=evil diff=evil merge=evil\n",
      ".gitconfig": `[filter "evil"]\n smudge = ${evil}\n clean = ${evil}\n[diff "evil"]\n textconv = ${evil}\n[core]\n fsmonitor = ${evil}\n`,
      ".gitmodules": `[submodule "x"]\n path = x\n url = ext::${evil}\n`,
    },
  },
  {
    name: "a provenance file",
    isJoint: true,
    files: { "app/charts/sub-1.0.0.tgz.prov": "x", "app/Chart.yaml.prov": OUTSIDE.slice(0, 6) },
  },
  {
    name: "a dependency at an address of the network, and one of the disk",
    files: {
      "app/Chart.yaml": `${CHART}dependencies:\n  - {name: a, version: 1.0.0, repository: "http://127.0.0.2:9"}\n  - {name: b, version: 1.0.0, repository: "file://${dirname(outside)}"}\n  - {name: c, version: 1.0.0, repository: "oci://127.0.0.2:9/x"}\n`,
    },
  },
  { name: "a kubeconfig in plaintext", files: { "secrets/prod-kubeconfig.yaml": "{{KUBECONFIG}}" } },
  {
    name: "members of a federation in plaintext",
    isJoint: true,
    files: { "config/f.yaml": "a: https://127.0.0.2:9/v\n" },
    settings: { federation: "config/f.yaml" },
  },
  { name: "a chart outside", settings: { chart: "../outside" } },
  { name: "nesting without an end", files: { "config/prod.yaml": `a: ${"[".repeat(2000)}` } },
  {
    name: "a chart whose name leads outside",
    files: { "app/Chart.yaml": `apiVersion: v2\nname: "../../../../../../../..${proof}"\nversion: 1.0.0\n` },
  },
  {
    name: "a version and an alias that lead outside",
    files: {
      "app/Chart.yaml": `${CHART}dependencies:\n  - {name: sub, version: "1.0.0/../../../../../../../../..${proof}", repository: "https://127.0.0.2:9"}\n  - {name: local, version: 1.0.0, alias: "../../../../../../../..${proof}", repository: ""}\n`,
      "app/charts/local/Chart.yaml": "apiVersion: v2\nname: local\nversion: 1.0.0\n",
    },
    isHelms: true,
  },
  {
    name: "an archive with a link outside, and a lock of its own",
    files: linkedArchive(),
    isHelms: true,
  },
  {
    name: "keys that every object of JavaScript has",
    files: {
      "config/prod.yaml":
        "__proto__: {image: evil:1, encrypted: true}\nconstructor: {prototype: {encrypted: true}}\nimage: web:1\n",
      "app/values.yaml": '"__proto__": {secret: false}\nimage: web:1\npassword: none\n',
    },
  },
  {
    name: "patterns that take long to fit",
    files: { "app/.helmignore": `${"*a".repeat(40)}b\n${"**/".repeat(60)}x\n`, [`app/${"a".repeat(200)}`]: "x" },
    settings: { layers: [`config/${"*a".repeat(40)}b.yaml`] },
  },
  {
    name: "a template in a value, by tpl",
    isJoint: true,
    files: {
      "config/prod.yaml": 'image: web:1\nx: "{{ .Values.password | upper }}{{ .Values.password | b64enc | quote }}"\n',
      "app/templates/x.yaml": configMap("{{ tpl .Values.x . | quote }}"),
    },
    isHelms: true,
  },
  {
    name: "a template that calls itself",
    files: { "app/templates/x.yaml": '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}' },
    isHelms: true,
  },
  {
    name: "names that speak to a terminal",
    files: {
      "config/\u001b]0;evil\u0007.yaml": "a: 1\n",
      "app/templates/x.yaml": configMap('"\\e]0;evil\\a"').replace("name: attack", 'name: "\\e]0;evil\\a"'),
    },
    settings: { layers: ["config/\u001b]0;evil\u0007.yaml", "config/\u001b]0;missing\u0007.yaml"] },
  },
  {
    name: "names that are flags of Helm",
    settings: {
      environments: { prod: { release: "--post-renderer=/bin/sh", namespace: "--kube-apiserver=https://127.0.0.2:9" } },
    },
  },
  {
    name: "a hook that asks for the values of what runs",
    isJoint: true,
    files: {
      "app/templates/x.yaml": configMap(
        '{{ range (lookup "v1" "Secret" .Release.Namespace "").items }}{{ .data | toJson | b64enc }}{{ end }}',
      ).replace("name: attack", "name: attack, annotations: {helm.sh/hook: 'pre-upgrade,pre-install,pre-rollback'}"),
    },
    isHelms: true,
  },
  {
    name: "an API that is a path to something else, and a kind made of a secret",
    files: {
      "app/templates/x.yaml": `apiVersion: x/../../api/v1/namespaces/prod/secrets\nkind: A\nmetadata: {name: a}\n---\napiVersion: v1\nkind: {{ .Values.password | upper }}\nmetadata: {name: b}\n`,
    },
  },
  {
    name: "helmfiles that lead outside",
    files: { "helmfile.yaml": `helmfiles: [../../outside, "${outside}"]\nreleases: [{name: a, chart: ../../out}]\n` },
  },
  {
    name: "a chart at a registry whose version leads outside",
    settings: {
      chart: { name: "sub", version: `1.0.0/../../../../../../..${outside}`, repository: "https://127.0.0.2:9" },
    },
  },
  {
    name: "a file of sops whose key a server of the attacker's has",
    files: {
      "config/prod.yaml": `image: "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]"\nsops:\n  mac: x\n  lastmodified: "2026-01-01T00:00:00Z"\n  hc_vault: [{vault_address: "http://127.0.0.2:9", engine_path: a, key_name: b, enc: x}]\n  pgp: [{fp: A, enc: "-----BEGIN PGP MESSAGE-----\\n\\nx\\n-----END PGP MESSAGE-----"}]\n`,
    },
  },
  {
    name: "commands to a runner",
    isJoint: true,
    files: { "app/templates/x.yaml": configMap('"::stop-commands::x ##[error]y"') },
  },
];

const HELMS = [peer("helm4"), peer("helm3")];

const COMMANDS: readonly (readonly string[])[] = [
  ["check"],
  ["check", "--history", "--json"],
  ["values", "prod", "--json"],
  ["values", "prod", "--explain", "image"],
  ["template", "prod"],
  ["template", "prod", "--json", "--secrets", "stand-ins"],
  ["plan", "prod", "--json"],
  ["plan", "prod", "--secrets", "stand-ins"],
  ["apply", "prod", "--dry-run"],
  ["apply", "prod", "--yes", "--timeout", "5"],
  ["rollout", "--yes", "--timeout", "5"],
  ["rollback", "prod", "1", "--yes"],
  ["drift", "prod"],
  ["rights", "prod"],
  ["verify"],
  ["certs"],
  ["nodes", "prod"],
  ["init", "--dry-run"],
  ["fetch"],
  // Alone, it asks where a commit says: those addresses are an attack's own.
  ["lock"],
];

/** Those that do all that they are for, whatever stands in the commit beside. */
const GO_THROUGH = new Set(["plan", "apply", "rollout", "rollback", "template", "values", "rights"]);

/** For attacks that are alone, where the long tests are not asked for. */
const USUAL: readonly (readonly string[])[] = [["check"], ["plan", "prod"]];

beforeAll(async () => {
  world = await deployWorld();
  const { folder } = world.repository;
  proof = join(folder, "proof");
  mkdirSync(join(folder, "out"));
  outside = join(folder, "out/outside");
  evil = join(folder, "evil");
  writeFileSync(outside, `a: ${OUTSIDE}\n`);
  writeFileSync(evil, `#!/bin/sh\ntouch ${proof}\n`, { mode: 0o700 });
  world.kubernetes.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "prod", name: "others" },
    data: { token: Buffer.from(OTHERS).toString("base64") },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

/** As one commit: each has templates and objects of its own. */
function together(all: readonly Attack[]): Attack {
  const files = all.flatMap((attack, at) =>
    Object.entries(attack.files ?? {}).map(([path, content]): [string, string | Buffer] => [
      path.replace(/\/x\.yaml$/, `/x${at}.yaml`),
      typeof content === "string" ? content.replaceAll(/\bname: (attack|x)\b/g, `name: $1-${at}`) : content,
    ]),
  );
  const settings = Object.assign({}, ...all.map((attack) => attack.settings ?? {}));
  if (new Set(files.map(([path]) => path)).size < files.length) throw new Error("two attacks share a file");
  return { name: "all that go together", files: Object.fromEntries(files), settings };
}

async function commit({ files = {}, links = {}, settings }: Attack): Promise<void> {
  const { repository } = world;
  await repository.git("checkout", "--quiet", "--force", "-B", "attack", "main");
  await repository.git("clean", "-qfdx");
  if (settings !== undefined) {
    const own: object = JSON.parse(world.settings(world.kubernetes.identity));
    repository.write("deploy.yaml", JSON.stringify({ ...own, ...settings }));
  }
  const spy = world.kubernetes.kubeconfig({ exec: { command: evil } });
  for (const [path, content] of Object.entries(files))
    repository.write(path, content.toString() === "{{KUBECONFIG}}" ? spy : content);
  for (const [path, target] of Object.entries(links)) {
    const file = join(repository.path, path);
    rmSync(file, { force: true, recursive: true });
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(target, file);
  }
  await run("chmod", ["-f", "+x", "helm", "git", "sh"], { cwd: repository.path });
  await repository.commit("an attack");
}

/** What the programs of a run did that none may, by strace. */
function misdeeds(traces: string, helm: string, port: string, [command]: readonly string[]): string[] {
  const lines = readdirSync(traces).flatMap((name) => readFileSync(join(traces, name), "latin1").split("\n"));
  return lines.flatMap((line) => {
    const [, program] = /^execve\("([^"]+)".* = 0$/.exec(line) ?? [];
    if (program !== undefined) {
      const known = [helm, process.execPath, VAULT, "/bin/sh", "/usr/bin/env"];
      // The caller's own keys are listed, and nothing of the commit is given to it.
      if (program.endsWith("/gpg") && line.includes('"--list-secret-keys"')) return [];
      return known.includes(program) || /^\/usr\/(?:bin|lib)\/(?:git|git-core\/git[\w-]*|env|sh|node)$/.test(program)
        ? []
        : [line];
    }
    if (line.startsWith("connect(") && /AF_INET/.test(line) && command !== "lock")
      return line.includes(`htons(${port})`) && line.includes("127.0.0.1") ? [] : [line];
    if (/^open(?:at)?\(/.test(line) && line.includes(outside) && !/ = -1 /.test(line)) return [line];
    return [];
  });
}

const canariesIn = (text: string): string[] =>
  [PASSWORD, OUTSIDE, OTHERS, TERMINAL, world.key.slice(30, 60)].flatMap((canary) =>
    [canary, canary.toUpperCase(), Buffer.from(canary).toString("base64").slice(0, -3)].filter((form) =>
      text.includes(form),
    ),
  );

interface Found {
  readonly attack: string;
  readonly status: number | null;
  readonly stderr: string;
  /** What none may do; nothing where all is well. */
  readonly wrong: readonly unknown[];
}

/** Runs a command on a commit of the attack, with a Helm. */
async function attacked(attack: Attack, helm: string, words: readonly string[]): Promise<Found> {
  const traces = join(world.repository.folder, "traces");
  rmSync(traces, { recursive: true, force: true });
  mkdirSync(traces);
  const calls = "trace=execve,connect,open,openat";
  const { status, signal, stdout, stderr } = await run(
    strace.path,
    ["--seccomp-bpf", "-ff", "-qq", "-s", "400", "-e", calls, "-o", join(traces, "t"), VAULT, "deploy", ...words],
    { cwd: world.repository.path, env: world.environment(helm), timeout: 120_000 },
  );
  const { port } = new URL(world.kubernetes.url);
  const wrong = [
    ...misdeeds(traces, helm, port, words),
    ...canariesIn(stdout.toString("latin1") + stderr),
    ...(existsSync(proof) ? ["a program of the attack's ran"] : []),
    ...(signal !== null || (status ?? 0) > 128 ? [`it died: ${signal ?? status}`] : []),
    ...(/INTERNAL|internal error/.test(stderr) ? ["an internal error"] : []),
  ];
  return { attack: attack.name, status, stderr, wrong };
}

test("there are more than thirty attacks", () => {
  expect(attacks().length).toBeGreaterThan(30);
});

describe.each(HELMS)("with $label", ({ path: helm, missing }) => {
  const isUsual = helm === HELMS[0]?.path;

  describe.skipIf(missing || strace.missing)("all attacks that go together", () => {
    beforeAll(() => commit(together(attacks().filter(({ isJoint }) => isJoint === true))));

    test.each(COMMANDS.map((words) => [words.join(" "), words] as const))(
      `vault deploy %s runs, reaches and shows nothing that they want, by ${strace.label}`,
      async (_, words) => {
        const found = await attacked({ name: "together" }, helm, words);
        expect(found).toMatchObject(GO_THROUGH.has(words[0] ?? "") ? { status: 0, wrong: [] } : { wrong: [] });
      },
      240_000,
    );
  });

  const alone = isLong() ? COMMANDS : isUsual ? USUAL : [["plan", "prod"]];
  test.skipIf(missing || strace.missing).each(alone.map((words) => [words.join(" "), words] as const))(
    `vault deploy %s runs, reaches and shows nothing that an attack wants which is alone, by ${strace.label}`,
    async (_, words) => {
      const failed: Found[] = [];
      for (const attack of attacks().filter(({ isHelms, isJoint }) =>
        isLong() ? true : isJoint !== true && (isUsual || isHelms === true),
      )) {
        await commit(attack);
        const found = await attacked(attack, helm, words);
        if (found.wrong.length > 0) failed.push(found);
      }
      expect(failed).toEqual([]);
    },
    1_200_000,
  );
});
