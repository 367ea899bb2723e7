/*
 * A project without a fault, in which each test breaks one thing.
 */
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { throwawayRepository } from "@git-vault/testkit";
import { expect } from "vitest";
import { type Check, runChecks } from "../src/checks/index.ts";
import type { CheckOptions } from "../src/checks/run-checks.ts";
import { type Finding, scopeOf } from "../src/findings/index.ts";
import { Project } from "../src/index.ts";

/** Files by their paths; null takes one away. Those in `secret` are encrypted. */
export interface World {
  readonly plain?: Readonly<Record<string, string | Uint8Array | null>>;
  readonly secret?: Readonly<Record<string, string | null>>;
  /** Is done to the repository after the commit. */
  readonly afterwards?: (repository: Awaited<ReturnType<typeof throwawayRepository>>) => Promise<void>;
  /** All that the package has where left out. */
  readonly checks?: readonly Check[];
  /** Whether there is the key. */
  readonly locked?: boolean;
  readonly helm?: string | undefined;
  readonly options?: CheckOptions;
  /** Of the environments' names. */
  readonly only?: readonly string[];
}

const POOLS = "nodePools: { core: { labels: { pool: core } }, users: { labels: { pool: users } } }";

const PLAIN = {
  ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\n",
  "deploy.yaml": `chart: web
environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml], ${POOLS} }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml], ${POOLS} }
`,
  "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
  "web/values.yaml": `image: quay.io/example/web:1.2.3
replicas: 1
url: ""
selector: { pool: core }
users: { nodeSelector: { pool: users } }
database: { host: db, password: "" }
`,
  "web/templates/web.yaml": `apiVersion: v1
kind: Secret
metadata: { name: web }
stringData: { password: {{ .Values.database.password | quote }} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: web }
data:
  config.json: {{ dict "url" .Values.url "host" .Values.database.host "users" .Values.users | toJson | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      nodeSelector: {{ toJson .Values.selector }}
      containers:
        - name: web
          image: {{ .Values.image }}
`,
  "config/staging.yaml": "url: https://staging.example.org\n",
  "config/prod.yaml": "url: https://example.org\nreplicas: 3\n",
};

/** The secrets of the faultless project. */
export const CANARIES = { staging: "canary-Staging-4f7Qz81LmXv2", prod: "canary-Prod-9kT3bWc6RnYe5" };

const SECRET = {
  "secrets/config/staging.yaml": `database:\n  password: ${CANARIES.staging}\n`,
  "secrets/config/prod.yaml": `database:\n  password: ${CANARIES.prod}\n`,
};

/** What the checks made of a world. */
export interface Outcome {
  readonly findings: readonly Finding[];
  readonly skipped: readonly string[];
  /**
   * `weak-secret error secrets/config/prod.yaml:2 [web in prod] message`, without the parts that
   * are not there.
   */
  readonly lines: readonly string[];
}

const key = generateKeyFile();

/** Makes the project and runs the checks on it. No secret of it may be in what they say. */
export async function check(world: World): Promise<Outcome> {
  using repository = await throwawayRepository();
  const plain = { ...PLAIN, ...world.plain };
  const secret = { ...SECRET, ...world.secret };
  for (const [path, content] of Object.entries(plain)) if (content !== null) repository.write(path, content);
  for (const [path, content] of Object.entries(secret))
    if (content !== null && plain[path as keyof typeof plain] === undefined)
      repository.write(path, encryptBlob(key, Buffer.from(content)));
  await repository.commit("all");
  await world.afterwards?.(repository);
  await using project = await Project.open({
    root: repository.path,
    key: world.locked === true ? null : { bytes: encodeKeyFile(key) },
    env: { ...repository.env, HELM: world.helm ?? "no-helm-here" },
  });
  const findings: Finding[] = [];
  const skipped: string[] = [];
  const options: CheckOptions = {
    ...(world.checks === undefined ? {} : { checks: world.checks }),
    ...(world.only === undefined ? {} : { environments: world.only.map((name) => project.environment(name)) }),
    onSkip: (reason) => skipped.push(reason),
    ...world.options,
  };
  for await (const finding of runChecks(project, options)) findings.push(finding);
  expectNoCanary(JSON.stringify({ findings, skipped }), Object.values(secret).join("\n"));
  return { findings, skipped, lines: findings.map(line) };
}

/** Every word of the secret files that could be a secret, in every form that it might take. */
export function expectNoCanary(text: string, secrets: string): void {
  for (const word of new Set(secrets.match(/[\w+/=~.@!-]*canary[\w+/=~.@!-]*/gi))) {
    expect(text).not.toContain(word);
    expect(text).not.toContain(Buffer.from(word).toString("base64").replace(/=+$/, ""));
  }
}

function line(finding: Finding): string {
  const { id, severity, file, line: number, message } = finding;
  const scope = scopeOf(finding);
  const place = file === undefined || number === undefined ? file : `${file}:${number}`;
  const parts = [id, severity, place, scope === undefined ? undefined : `[${scope}]`, message];
  return parts.filter((part) => part !== undefined).join(" ");
}
