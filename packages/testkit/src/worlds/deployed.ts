import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesStandIn } from "../kubernetes/index.ts";
import { encryptWithGitCrypt, GIT_CRYPT_KEY } from "./git-crypt-key.ts";
import { type Repository, throwawayRepository } from "./repository.ts";

/** The one secret value of the environment. */
export const PASSWORD = "canary-password-7261";

/** A repository with the environment `prod`, and the cluster that it is deployed to. */
export interface DeployWorld extends AsyncDisposable {
  readonly repository: Repository;
  readonly kubernetes: KubernetesStandIn;
  /** The base64 text of the git-crypt key. */
  readonly key: string;
  /** The private key of the cluster's user, in PEM. */
  readonly userKey: string;
  /** The settings with the cluster's uid that they pin. */
  settings(uid: string): string;
  /** What the command gets, with that Helm. */
  environment(helm: string): Record<string, string>;
  /** Commits another `config/prod.yaml` for the time of `job`. */
  withConfig(content: string, job: () => Promise<void>): Promise<void>;
}

const TEMPLATES = `apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: {{ .Values.password }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {url: "https://web:{{ .Values.password }}@db"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: {{ .Values.image }}}]}
`;

/**
 * Makes the repository, whose secrets are encrypted with `GIT_CRYPT_KEY`, and starts the cluster.
 *
 * @param templates are in the chart beside the usual ones, by their names
 */
export async function deployWorld(templates: Readonly<Record<string, string>> = {}): Promise<DeployWorld> {
  const repository = await throwawayRepository();
  // Most tests need no cluster.
  const { startKubernetes } = await import("../kubernetes/index.ts");
  const kubernetes = await startKubernetes();
  const key = GIT_CRYPT_KEY.toString("base64");
  const user = await kubernetes.mintUser({ username: "deployer" });
  const encrypt = (path: string, content: string): void => {
    repository.write(path, encryptWithGitCrypt(Buffer.from(content)));
  };
  const layers = ["config/prod.yaml", "secrets/config/prod.yaml"];
  const settings = (uid: string): string =>
    JSON.stringify({
      chart: "app",
      environments: { prod: { cluster: { uid }, kubeconfig: "secrets/prod-kubeconfig.yaml", layers } },
    });
  repository.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  repository.write("app/values.yaml", "image: web:1\npassword: none\n");
  repository.write("app/templates/all.yaml", TEMPLATES);
  for (const [name, content] of Object.entries(templates)) repository.write(`app/templates/${name}`, content);
  repository.write("config/prod.yaml", "image: web:1\n");
  encrypt("secrets/config/prod.yaml", `password: ${PASSWORD}\n`);
  encrypt("secrets/prod-kubeconfig.yaml", kubernetes.kubeconfig({ certificate: user.certificate, key: user.key }));
  repository.write("deploy.yaml", settings(kubernetes.identity));
  await repository.commit("all");
  return {
    repository,
    kubernetes,
    key,
    userKey: user.key,
    settings,
    environment(helm) {
      const temporary = join(repository.folder, "temporary");
      mkdirSync(temporary, { recursive: true });
      return { ...repository.env, HELM: helm, TMPDIR: temporary, GIT_CRYPT_KEY: key };
    },
    async withConfig(content, job) {
      repository.write("config/prod.yaml", content);
      await repository.commit("changed");
      try {
        await job();
      } finally {
        await repository.git("reset", "--quiet", "--hard", "HEAD~1");
      }
    },
    async [Symbol.asyncDispose]() {
      await kubernetes.close();
      repository.remove();
    },
  };
}
