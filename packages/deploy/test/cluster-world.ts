import { existsSync } from "node:fs";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { peer, type Repository, throwawayRepository, variants } from "@git-vault/testkit";
import { type KubernetesCredentials, type KubernetesStandIn, startKubernetes } from "@git-vault/testkit/kubernetes";
import { Project } from "../src/index.ts";

/** The Helms that deploying is tried with, where it may depend on which. */
export const HELMS = [peer("helm3"), peer("helm4")];

/** The Helms for what hardly depends on which: one of them, both with the long tests. */
export const HELM_3 = variants(peer("helm3"), peer("helm4"));
export const HELM_4 = variants(peer("helm4"), peer("helm3"));

/**
 * A secret value, and the token and key of the cluster's user: no trace of them may be found
 * anywhere.
 */
export const PASSWORD = "canary-password-7261";
export const TOKEN = "canary-token-0123456789abcdef";

/** The requests that change a cluster, and those that would: what is rehearsed changes nothing. */
export const changesOf = ({ requests }: KubernetesStandIn): KubernetesStandIn["requests"][number][] =>
  requests.filter(({ method, path }) => method !== "GET" && !path.includes("dryRun=All"));

/** The files of a chart with an object of each simple kind and one Deployment. */
export const CHART: Readonly<Record<string, string>> = {
  "app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
  "app/values.yaml": "image: web:1\nreplicas: 2\npassword: none\ngreeting: hello\n",
  "app/templates/all.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  greeting: {{ .Values.greeting }}
  url: https://web:{{ .Values.password }}@db
---
apiVersion: v1
kind: Secret
metadata:
  name: web
stringData:
  password: {{ .Values.password }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: {{ .Values.image }}
`,
};

/** A repository to deploy from, and the cluster that it is deployed to. */
export interface ClusterWorld extends AsyncDisposable {
  readonly repository: Repository;
  readonly kubernetes: KubernetesStandIn;
  readonly key: { readonly bytes: Buffer };
  /** With the programs and without anything of the user's. */
  readonly env: Record<string, string>;
  /** Writes a file encrypted. */
  encrypt(path: string, content: string): void;
  /** Writes the settings; `cluster` is the pin, null for none. */
  settings(cluster?: object | null, more?: object, top?: object): void;
  /** Writes the kubeconfig, encrypted. */
  signIn(credentials: KubernetesCredentials): void;
  open(): Promise<Project>;
}

/** A repository with a chart, the environment `staging`, and its secrets; all is committed. */
export async function clusterWorld(helm: string = peer("helm4").path): Promise<ClusterWorld> {
  const repository = await throwawayRepository();
  const kubernetes = await startKubernetes();
  const keyFile = generateKeyFile();
  const key = { bytes: encodeKeyFile(keyFile) };
  const env = {
    ...repository.env,
    HELM: helm,
    GIT_CRYPT_KEY: key.bytes.toString("base64"),
  };
  const encrypt = (path: string, content: string): void => {
    repository.write(path, encryptBlob(keyFile, Buffer.from(content)));
  };
  const all: ClusterWorld = {
    repository,
    kubernetes,
    key,
    env,
    encrypt,
    settings(cluster = { uid: kubernetes.identity }, more = {}, top = {}) {
      const staging = {
        kubeconfig: "secrets/staging-kubeconfig.yaml",
        layers: ["config/staging.yaml", "secrets/config/staging.yaml"],
        release: "app",
        namespace: "web",
        ...(cluster === null ? {} : { cluster }),
        ...more,
      };
      repository.write("deploy.yaml", JSON.stringify({ chart: "app", environments: { staging }, ...top }));
    },
    signIn: (credentials) => encrypt("secrets/staging-kubeconfig.yaml", kubernetes.kubeconfig(credentials)),
    open: () => Project.open({ root: repository.path, key, env }),
    async [Symbol.asyncDispose]() {
      await kubernetes.close();
      if (existsSync(repository.folder)) repository.remove();
    },
  };
  for (const [path, content] of Object.entries(CHART)) repository.write(path, content);
  repository.write("config/staging.yaml", "replicas: 1\n");
  encrypt("secrets/config/staging.yaml", `password: ${PASSWORD}\n`);
  kubernetes.tokens.set(TOKEN, { username: "deployer" });
  all.signIn({ token: TOKEN });
  all.settings();
  await repository.commit("all");
  return all;
}
