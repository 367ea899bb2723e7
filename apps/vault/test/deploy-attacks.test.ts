import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type DeployWorld, deployWorld, isLong, PASSWORD, peer, run, variants } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * A repository of attacks. Each is a commit by somebody without the key, and every command of
 * deploying is run on it under strace: nothing but git and Helm may be started, nothing but the
 * pinned cluster be connected to, no file be read that a secret is in outside of the repository,
 * and no canary be seen.
 */
const strace = peer("strace");
const OUTSIDE = "canary-outside-4410";
const OTHERS = "canary-of-another-release";

interface Attack {
  readonly name: string;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Symbolic links, and where they lead. */
  readonly links?: Readonly<Record<string, string>>;
  /** In `deploy.yaml`, beside the chart and the environments. */
  readonly settings?: object;
}

const CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
const configMap = (value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: attack}\ndata:\n  x: ${value}\n`;

/** A file of an archive (ustar). */
function tar(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write("0000755\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        0ustar\u000000", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return gzipSync(Buffer.concat([header, Buffer.from(content), Buffer.alloc(1536 - (content.length % 512))]));
}

let world: DeployWorld;
let proof: string;
let outside: string;
let evil: string;

/** What each attack commits; the places are known once the world is made. */
const attacks = (): Attack[] => [
  { name: "a link to a file outside, among the templates", links: { "app/templates/x.yaml": outside } },
  { name: "a link to a folder outside, as the templates", links: { "app/more": dirname(outside) } },
  { name: "a link outside, as a layer", links: { "config/prod.yaml": outside } },
  { name: "a link outside, as the chart's schema", links: { "app/values.schema.json": outside } },
  { name: "a link outside, as the chart's values", links: { "app/values.yaml": outside } },
  { name: "a link outside, as deploy.lock", links: { "deploy.lock": outside } },
  { name: "a link outside, as deploy.yaml", links: { "deploy.yaml": outside } },
  { name: "a link outside, as the folder of archives", links: { "app/charts": dirname(outside) } },
  {
    name: "a file outside by .Files",
    files: {
      "app/templates/x.yaml": configMap(`{{ .Files.Get "${outside}" | default (.Files.Get "../../outside") | quote }}`),
    },
  },
  {
    name: "files outside by a pattern",
    files: { "app/templates/x.yaml": configMap('{{ (.Files.Glob "../../**").AsConfig | quote }}') },
  },
  { name: "an odd .helmignore", files: { "app/.helmignore": "!../../outside\n/../\n**/../**\n" } },
  { name: "a schema over the network", files: { "app/values.schema.json": '{"$ref":"http://127.0.0.2:9/x"}' } },
  { name: "a schema from the disk", files: { "app/values.schema.json": `{"$ref":"file://${outside}"}` } },
  {
    name: "a schema in a subchart's archive",
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
    files: {
      "app/plugins/evil/plugin.yaml": `name: evil\nversion: 1.0.0\ncommand: "${evil}"\nhooks: { install: "${evil}" }\n`,
      "app/Chart.yaml": `${CHART}annotations: { post-renderer: "${evil}" }\n`,
      ".helm/plugins/evil/plugin.yaml": `name: evil\ncommand: "${evil}"\n`,
    },
  },
  {
    name: "programs of the names of Helm and git",
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
    files: {
      "app/templates/x.yaml": `apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, annotations: {helm.sh/hook: pre-upgrade}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1", args: [{{ .Values.password | upper | quote }}]}]}}}\n`,
    },
  },
  {
    name: "notes with a secret",
    files: { "app/templates/NOTES.txt": "{{ .Values.password | upper }} {{ .Values.password }}" },
  },
  { name: "a failure with a secret", files: { "app/templates/x.yaml": "{{ fail (.Values.password | swapcase) }}" } },
  {
    name: "a broken document with a secret",
    files: { "app/templates/x.yaml": "a: {{ .Values.password | b32enc }}: b\n" },
  },
  {
    name: "a name made of a secret",
    files: {
      "app/templates/x.yaml": configMap("1").replace("attack", "a{{ .Values.password | sha256sum | trunc 20 }}"),
    },
  },
  {
    name: "a Secret of another release",
    files: {
      "app/templates/x.yaml": configMap('{{ (lookup "v1" "Secret" "prod" "others") | toJson | b64enc | quote }}'),
    },
  },
  {
    name: "the environment",
    files: { "app/templates/x.yaml": configMap('{{ env "GIT_CRYPT_KEY" }}{{ expandenv "$GIT_CRYPT_KEY" }}') },
  },
  {
    name: "a look-up of a host's name",
    files: { "app/templates/x.yaml": configMap('{{ getHostByName "evil.example.org" | quote }}') },
  },
  {
    name: "attributes and settings of git that name programs",
    files: {
      ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\n* filter=evil diff=evil merge=evil\n",
      ".gitconfig": `[filter "evil"]\n smudge = ${evil}\n clean = ${evil}\n[diff "evil"]\n textconv = ${evil}\n[core]\n fsmonitor = ${evil}\n`,
      ".gitmodules": `[submodule "x"]\n path = x\n url = ext::${evil}\n`,
    },
  },
  {
    name: "a provenance file",
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
    files: { "config/f.yaml": "a: https://127.0.0.2:9/v\n" },
    settings: { federation: "config/f.yaml" },
  },
  { name: "a chart outside", settings: { chart: "../outside" } },
  { name: "nesting without an end", files: { "config/prod.yaml": `a: ${"[".repeat(2000)}` } },
  { name: "commands to a runner", files: { "app/templates/x.yaml": configMap('"::stop-commands::x ##[error]y"') } },
];

const COMMANDS: readonly (readonly string[])[] = isLong()
  ? [
      ["check"],
      ["check", "--history", "--json"],
      ["values", "prod", "--json"],
      ["plan", "prod", "--json"],
      ["apply", "prod", "--dry-run"],
      ["apply", "prod", "--yes", "--timeout", "5"],
      ["rollout", "--yes", "--timeout", "5"],
      ["rollback", "prod", "1", "--yes"],
      ["verify"],
      ["certs"],
      ["nodes", "prod"],
    ]
  : [["check"], ["plan", "prod"]];

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
function misdeeds(traces: string, helm: string, port: string): string[] {
  const lines = readdirSync(traces).flatMap((name) => readFileSync(join(traces, name), "latin1").split("\n"));
  return lines.flatMap((line) => {
    const [, program] = /^execve\("([^"]+)".* = 0$/.exec(line) ?? [];
    if (program !== undefined) {
      const known = [helm, process.execPath, VAULT, "/bin/sh", "/usr/bin/env"];
      return known.includes(program) || /^\/usr\/(?:bin|lib)\/(?:git|git-core\/git[\w-]*|env|sh|node)$/.test(program)
        ? []
        : [line];
    }
    if (line.startsWith("connect(") && /AF_INET/.test(line))
      return line.includes(`htons(${port})`) && line.includes("127.0.0.1") ? [] : [line];
    if (/^open(?:at)?\(/.test(line) && line.includes(outside) && !/ = -1 /.test(line)) return [line];
    return [];
  });
}

const canariesIn = (text: string): string[] =>
  [PASSWORD, OUTSIDE, OTHERS, world.key.slice(30, 60)].flatMap((canary) =>
    [canary, canary.toUpperCase(), Buffer.from(canary).toString("base64").slice(0, -3)].filter((form) =>
      text.includes(form),
    ),
  );

describe.each(variants(peer("helm4"), peer("helm3")))("with $label", ({ path: helm, missing }) => {
  test("there are more than thirty attacks", () => {
    expect(attacks().length).toBeGreaterThan(30);
  });

  test.skipIf(missing || strace.missing).each(COMMANDS.map((words) => [words.join(" "), words] as const))(
    `vault deploy %s runs, reaches and shows nothing that an attack wants, by ${strace.label}`,
    async (_, words) => {
      const { port } = new URL(world.kubernetes.url);
      const failed: object[] = [];
      for (const attack of attacks()) {
        await commit(attack);
        const traces = join(world.repository.folder, "traces");
        rmSync(traces, { recursive: true, force: true });
        mkdirSync(traces);
        const calls = "trace=execve,connect,open,openat";
        const { status, signal, stdout, stderr } = await run(
          strace.path,
          ["-ff", "-qq", "-s", "400", "-e", calls, "-o", join(traces, "t"), VAULT, "deploy", ...words],
          { cwd: world.repository.path, env: world.environment(helm), timeout: 120_000 },
        );
        const found = {
          misdeeds: misdeeds(traces, helm, port),
          canaries: canariesIn(stdout.toString("latin1") + stderr),
          proof: existsSync(proof),
          died: signal ?? (status !== null && status > 128 ? status : null),
          internal: stderr.includes("INTERNAL") || stderr.includes("internal error"),
        };
        if (JSON.stringify(found) !== '{"misdeeds":[],"canaries":[],"proof":false,"died":null,"internal":false}')
          failed.push({ attack: attack.name, ...found, stderr });
      }
      expect(failed).toEqual([]);
    },
    1_200_000,
  );
});
