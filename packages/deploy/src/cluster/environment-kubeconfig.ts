import { DeployError } from "../errors.ts";
import type { Environment } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { type Kubeconfig, parseKubeconfig } from "./kubeconfig.ts";

/**
 * The kubeconfig of an environment: it says what runs and what is connected to, so only one is
 * taken that holders of the key encrypted.
 *
 * @throws DeployError NO_KUBECONFIG, MISSING_FILE; UNTRUSTED_SOURCE; LOCKED, TAMPERED_FILE; as
 * `parseKubeconfig` does
 */
export function readKubeconfig(
  project: Pick<Project, "file" | "readAuthentic">,
  { name, kubeconfig: path }: Environment,
): Kubeconfig {
  if (path === null) {
    throw new DeployError("NO_KUBECONFIG", `nothing says how to reach the cluster of ${name}`, {
      hint: `commit a kubeconfig, encrypted, as secrets/${name}-kubeconfig.yaml, or name one in deploy.yaml`,
    });
  }
  const file = project.file(path);
  if (file !== undefined) return parseKubeconfig(path, project.readAuthentic(file).toString());
  throw new DeployError("MISSING_FILE", `the kubeconfig ${path} is not in the commit`, { place: { file: path } });
}
