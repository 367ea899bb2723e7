import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { peer, run, type RunOptions, type RunResult, temporaryFolder } from "../../src/index.ts";
import {
  type KubernetesCredentials,
  type KubernetesOptions,
  type KubernetesStandIn,
  startKubernetes,
} from "../../src/kubernetes/index.ts";

/** An answer of the cluster. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look at answers of every form
  readonly json: any;
}

/** What a request sends beside its path. */
export interface Sending {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A cluster with a private home for the programs that talk to it. */
export interface Workbench extends AsyncDisposable {
  readonly kubernetes: KubernetesStandIn;
  readonly folder: string;
  /** Writes the kubeconfig that `start` uses from now on. */
  readonly signIn: (credentials: KubernetesCredentials) => void;
  /** Runs a program against the cluster. */
  readonly start: (program: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;
  /** Sends one request, with a token that is let in. */
  readonly ask: (path: string, sending?: Sending) => Promise<Answer>;
  /** Reads the lines of a watch until there are `count` of them, then leaves. */
  readonly watch: (
    path: string,
    count: number,
  ) => Promise<{ type: string; object: { metadata: Record<string, unknown> } }[]>;
}

const AGENT = { authorization: "Bearer token-of-tests" };

function send(kubernetes: KubernetesStandIn, path: string, { method = "GET", body, headers }: Sending) {
  const content =
    Buffer.isBuffer(body) || typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const request = httpsRequest(new URL(path, kubernetes.url), {
    method,
    ca: kubernetes.authority.certificate,
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(content), ...AGENT, ...headers },
  });
  request.end(content);
  return request;
}

const ask = (kubernetes: KubernetesStandIn, path: string, sending: Sending): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = send(kubernetes, path, sending);
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => {
        const isJson = response.headers["content-type"]?.startsWith("application/json") ?? false;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: isJson ? JSON.parse(text) : {},
        });
      });
    });
  });

const watch: (kubernetes: KubernetesStandIn, path: string, count: number) => ReturnType<Workbench["watch"]> = (
  kubernetes,
  path,
  count,
) =>
  new Promise((resolve, reject) => {
    const request = send(kubernetes, path, {});
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      const lines = (): string[] => text.split("\n").slice(0, -1);
      const finish = (): void => {
        response.destroy();
        resolve(
          lines()
            .slice(0, count)
            .map((line) => JSON.parse(line)),
        );
      };
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (lines().length >= count) finish();
      });
      response.on("end", finish);
      response.on("error", () => {});
    });
  });

/** Starts a cluster, with a user signed in by a client certificate. */
export async function workbench(options: KubernetesOptions = {}): Promise<Workbench> {
  const kubernetes = await startKubernetes(options);
  const folder = temporaryFolder();
  const kubeconfig = join(folder.path, "kubeconfig");
  const signIn = (credentials: KubernetesCredentials): void =>
    writeFileSync(kubeconfig, kubernetes.kubeconfig(credentials), { mode: 0o600 });
  signIn(await kubernetes.mintUser({ username: "ci", groups: ["deployers"] }));
  kubernetes.tokens.set("token-of-tests", { username: "tests" });
  const env = { PATH: process.env["PATH"], HOME: folder.path, KUBECONFIG: kubeconfig };
  return {
    kubernetes,
    folder: folder.path,
    signIn,
    start: (program, args, more = {}) => run(peer(program).path, args, { env, cwd: folder.path, ...more }),
    ask: (path, sending = {}) => ask(kubernetes, path, sending),
    watch: (path, count) => watch(kubernetes, path, count),
    async [Symbol.asyncDispose]() {
      await kubernetes.close();
      folder.remove();
    },
  };
}

/** A Deployment of one container. */
export const deployment = (
  name: string,
  replicas = 1,
  image = "web:1",
): { apiVersion: string; kind: string; metadata: { name: string } } & Record<string, unknown> => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    progressDeadlineSeconds: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "web", image, ports: [{ containerPort: 80 }] }] },
    },
  },
});

const TEMPLATES = {
  "workloads.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: {{ .Values.replicas }}
  progressDeadlineSeconds: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      nodeSelector: { mybinder.org/pool-type: core }
      containers:
        - { name: web, image: "{{ .Values.image }}", ports: [{ containerPort: 80 }], env: [{ name: A, value: b }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  replicas: 2
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: "db:1" }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec: { containers: [{ name: agent, image: "agent:{{ .Values.replicas }}" }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: migrate }
spec:
  template:
    metadata: { labels: { app: migrate } }
    spec: { restartPolicy: Never, containers: [{ name: migrate, image: "migrate:1" }] }
`,
  "others.yaml": `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Secret
metadata: { name: web }
stringData: { password: "{{ .Values.password }}" }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: web }
data: { image: "{{ .Values.image }}" }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { minAvailable: 1, selector: { matchLabels: { app: web } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  tls: [{ hosts: [a.example], secretName: tls }]
  rules: [{ host: a.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }]
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: web }
spec: { secretName: tls, dnsNames: [a.example], issuerRef: { name: letsencrypt } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: "app:reader" }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
`,
};

/** Writes a chart with one of each kind, and gives its folder. */
export function writeChart(folder: string): string {
  const chart = join(folder, "chart");
  mkdirSync(join(chart, "templates"), { recursive: true });
  writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  writeFileSync(join(chart, "values.yaml"), "image: web:1\nreplicas: 2\npassword: first\n");
  for (const [name, text] of Object.entries(TEMPLATES)) writeFileSync(join(chart, "templates", name), text);
  return chart;
}
