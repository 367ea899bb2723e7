import { orElse } from "../errors.ts";
import { formatPath, textsIn } from "../values/value.ts";
import type { Project } from "../project/project.ts";
import { hiddenPart } from "../secrets/sensitive.ts";
import { parseKubeconfig } from "../cluster/kubeconfig.ts";
import { readYaml } from "../values/read-yaml.ts";
import { valueOf } from "../values/yaml.ts";

/** What is shorter would be masked in half of all words. */
const SHORTEST_MASK = 3;

/** A line of a script that is shorter is met anywhere. */
const SHORTEST_LINE = 8;

/** What must not stand in a log. */
export interface Masks {
  /** Each line of secrets, once. */
  readonly lines: ReadonlySet<string>;
  /** Where secrets stand that are not masked, since they are too short: `hub.pin in FILE:3`. */
  readonly tooShort: readonly string[];
}

/**
 * What must not stand in a log, for {@link Ci.mask}: everything that secret layers of all releases
 * set, whatever it looks like, but switches (`true`); what the charts' encrypted files hold; of the
 * kubeconfigs what lets somebody in.
 *
 * What cannot be read, such as a layer that is locked, tampered with or no YAML, is passed over:
 * nobody here can print it, and whoever needs it tells of it.
 */
export function secretsToMask(project: Project): Masks {
  const lines = new Set<string>();
  const tooShort: string[] = [];
  for (const layer of project.layers())
    for (const { value, text, path, position } of layer.secret && !layer.locked
      ? orElse([], () => layer.scalars())
      : [])
      if (typeof value !== "boolean") {
        const own = [String(value), text].flatMap(linesOf);
        for (const line of own) lines.add(line);
        if (own.length === 0 && text !== "") tooShort.push(`${formatPath(path)} in ${layer.path}:${position.line}`);
      }
  for (const [, text] of project.secretTexts())
    for (const line of linesOf(text)) if (line.length >= SHORTEST_LINE) lines.add(line);
  for (const kubeconfig of new Set(project.environments.flatMap((environment) => environment.kubeconfig ?? [])))
    for (const secret of orElse([], () => [...credentialsIn(project, kubeconfig)]))
      for (const line of linesOf(secret)) lines.add(line);
  return { lines, tooShort };
}

/** Every line worth masking; the frame of a key in PEM says nothing. */
const linesOf = (secret: string): string[] =>
  secret
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_MASK && !/^-+[A-Z ]+-+$/.test(line));

/** What lets somebody in, whatever else is wrong with the kubeconfig. */
function* credentialsIn(project: Project, file: string): Generator<string> {
  const tracked = project.file(file);
  if (tracked === undefined) return;
  const content = tracked.encrypted ? project.readAuthentic(tracked) : project.read(tracked);
  // A commit says which file is a kubeconfig. Where it gets stand-ins alone, the masks are not to
  // tell by `***` what another file holds.
  if (project.secrets === "stand-ins") parseKubeconfig(file, content.toString());
  for (const document of readYaml(file, content.toString()).documents)
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
