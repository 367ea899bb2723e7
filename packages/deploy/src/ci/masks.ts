import { orElse } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { hiddenPart } from "../secrets/sensitive.ts";
import { readYaml } from "../values/read-yaml.ts";
import { textsIn } from "../values/value.ts";
import { valueOf } from "../values/yaml.ts";

/**
 * What must not stand in a log, for {@link Ci.mask}: of the secret layers of all releases what is
 * secret indeed, and no user name, host name or switch; of the kubeconfigs the tokens, passwords
 * and private keys.
 *
 * What cannot be read, such as a layer that is locked, tampered with or no YAML, is passed over:
 * nobody here can print it, and whoever needs it tells of it.
 */
export function secretsToMask(project: Project): Set<string> {
  const masks = new Set<string>();
  for (const layer of project.layers())
    for (const { value, path } of layer.secret && !layer.locked ? orElse([], () => layer.scalars()) : []) {
      const hidden = typeof value === "boolean" ? null : hiddenPart({ text: String(value), path });
      if (hidden !== null) masks.add(hidden);
    }
  for (const kubeconfig of new Set(project.environments.flatMap((environment) => environment.kubeconfig ?? [])))
    for (const secret of orElse([], () => [...credentialsIn(project, kubeconfig)])) masks.add(secret);
  return masks;
}

/** What lets somebody in, whatever else is wrong with the kubeconfig. */
function* credentialsIn(project: Project, file: string): Generator<string> {
  const tracked = project.file(file);
  if (tracked === undefined) return;
  for (const document of readYaml(file, project.read(tracked).toString()).documents)
    for (const { path, text } of textsIn(valueOf(document))) {
      const key = path.at(-1);
      if (key === "client-key-data") yield Buffer.from(text, "base64").toString("latin1");
      if (key === "client-key-data" || key === "token" || key === "password") yield text;
      else {
        const hidden = hiddenPart({ text, path });
        if (hidden !== null) yield hidden;
      }
    }
}
