import { orElse } from "../errors.ts";
import { formatPath, textsIn } from "../values/value.ts";
import type { Project } from "../project/project.ts";
import { hiddenPart, looksSecret } from "../secrets/sensitive.ts";
import { titleOf } from "../project/given-kubeconfig.ts";
import { parseKubeconfig } from "../cluster/kubeconfig.ts";
import { readYaml } from "../values/read-yaml.ts";
import type { LayerScalar } from "../values/layer.ts";
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
 * What must not stand in a log, for {@link Ci.mask}: everything that encrypted layers of all
 * releases set, whatever it looks like, but switches (`true`); of secret layers in plaintext what
 * looks like a secret; what the charts' encrypted files hold; of the kubeconfigs what lets somebody
 * in.
 *
 * What cannot be read, such as a layer that is locked, tampered with or no YAML, is passed over:
 * nobody here can print it, and anyone who needs it tells of it.
 */
export function secretsToMask(project: Project): Masks {
  const lines = new Set<string>();
  const tooShort: string[] = [];
  for (const layer of project.layers().filter(({ locked }) => !locked))
    for (const scalar of orElse<LayerScalar[]>([], () => layer.secretScalars())) {
      const { value, text, path, position } = scalar;
      if (typeof value === "boolean") continue;
      // Anyone who can commit writes what is not encrypted: no word of theirs blots out a log.
      if (!layer.encrypted && !looksSecret(scalar)) continue;
      const own = [String(value), text].flatMap(linesOf);
      for (const line of own) lines.add(line);
      if (own.length === 0 && text !== "") tooShort.push(`${formatPath(path)} in ${layer.path}:${position.line}`);
    }
  for (const [, text] of project.secretTexts())
    for (const line of linesOf(text)) if (line.length >= SHORTEST_LINE) lines.add(line);
  const { givenKubeconfig: given } = project;
  const kubeconfigs = new Set(project.environments.flatMap((environment) => environment.kubeconfig ?? []));
  const credentials = [
    ...[...kubeconfigs].flatMap((file) => orElse<string[]>([], () => [...committedCredentials(project, file)])),
    ...(given === null ? [] : orElse<string[]>([], () => [...credentialsIn(titleOf(given), given.text, true)])),
  ];
  for (const line of credentials.flatMap(linesOf)) lines.add(line);
  return { lines, tooShort };
}

/** Every line worth masking; the frame of a key in PEM says nothing. */
const linesOf = (secret: string): string[] =>
  secret
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_MASK && !/^-+[A-Z ]+-+$/.test(line));

/** What lets somebody in by a kubeconfig of the commit, whatever else is wrong with it. */
function* committedCredentials(project: Project, file: string): Generator<string> {
  const tracked = project.file(file);
  if (tracked === undefined) return;
  const content = tracked.encrypted ? project.readAuthentic(tracked) : project.read(tracked);
  // A commit says which file is a kubeconfig. Where it gets stand-ins alone, the masks are not to
  // tell by `***` what another file holds.
  if (project.secrets === "stand-ins") parseKubeconfig(file, content.toString());
  yield* credentialsIn(file, content.toString(), tracked.encrypted);
}

/** @param isOwn whether it is from holders of the key or the caller: its tokens are some */
function* credentialsIn(title: string, kubeconfig: string, isOwn: boolean): Generator<string> {
  for (const document of readYaml(title, kubeconfig).documents)
    for (const { path, text } of textsIn(valueOf(document))) {
      const key = path.at(-1);
      if (isOwn && key === "client-key-data") yield Buffer.from(text, "base64").toString("latin1");
      if (isOwn && (key === "client-key-data" || key === "token" || key === "password")) yield text;
      else {
        const hidden = hiddenPart({ text, path });
        if (hidden !== null) yield hidden;
      }
    }
}
