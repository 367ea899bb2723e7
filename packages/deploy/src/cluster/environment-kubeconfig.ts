import { DeployError } from "../errors.ts";
import type { Environment } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { titleOf } from "../project/given-kubeconfig.ts";
import { type Kubeconfig, parseKubeconfig } from "./kubeconfig.ts";

/**
 * The kubeconfig of an environment, which says what runs and what is connected to: that which the
 * caller gave for it, else the one of the commit.
 *
 * @throws DeployError as `committedKubeconfig` does
 */
export function readKubeconfig(
  project: KubeconfigReader & Pick<Project, "givenKubeconfig">,
  of: Environment,
): Kubeconfig {
  const given = project.givenKubeconfig;
  return given?.environment === of.name
    ? parseKubeconfig(titleOf(given), given.text, {})
    : committedKubeconfig(project, of);
}

type KubeconfigReader = Pick<Project, "file" | "readAuthentic">;

/**
 * The kubeconfig that the commit has for an environment: only one is taken that holders of the key
 * encrypted.
 *
 * @throws DeployError NO_KUBECONFIG, MISSING_FILE; UNTRUSTED_SOURCE; LOCKED, TAMPERED_FILE; as
 * `parseKubeconfig` does
 */
export function committedKubeconfig(project: KubeconfigReader, { name, kubeconfig: path }: Environment): Kubeconfig {
  if (path === null) {
    throw new DeployError("NO_KUBECONFIG", `nothing says how to reach the cluster of ${name}`, {
      hint: `commit a kubeconfig, encrypted, as secrets/${name}-kubeconfig.yaml, or name one in deploy.yaml`,
      remedy: "give-kubeconfig",
    });
  }
  const file = project.file(path);
  if (file !== undefined) return parseKubeconfig(path, project.readAuthentic(file).toString());
  throw new DeployError("MISSING_FILE", `the kubeconfig ${path} is not in the commit`, {
    hint: "commit it, encrypted",
    remedy: "give-kubeconfig",
    place: { file: path },
  });
}
