/*
 * What the secret files hold: passwords and keys, and user names, host names and switches, too.
 */
import { isUtf8 } from "node:buffer";
import { DeployError, orElse } from "../errors.ts";
import type { CheckContext } from "./check.ts";
import { documentsOf, layersOf, skipLocked } from "./reading.ts";
import type { LayerScalar } from "../values/layer.ts";
import type { Project } from "../project/project.ts";
import type { TrackedFile } from "../files/tree.ts";
import { formatPath, type Path } from "../values/value.ts";
import { isStructured, readYaml } from "../values/read-yaml.ts";
import { type Position, scalarsIn, type Yaml } from "../values/yaml.ts";
import { remember } from "../remember.ts";

/** A text in a secret file. */
export interface StoredSecret {
  readonly text: string;
  readonly file: string;
  /** Empty where the file is no YAML or JSON. */
  readonly path: Path;
  readonly position: Position;
}

/** The texts inside JSON text, such as `.dockerconfigjson`, with their paths. */
export function* withinJson(secret: StoredSecret): Generator<StoredSecret> {
  if (!/^\s*[{[]/.test(secret.text)) return;
  const documents = orElse<readonly Yaml[]>([], () => readYaml(secret.file, secret.text).documents);
  for (const document of documents)
    for (const { text, path } of leavesOf(secret.file, document, secret.path)) yield { ...secret, text, path };
}

/** The most that a secret file may have to be searched for: 4 MiB. */
const MOST_BYTES = 4 * 1024 * 1024;

const known = new WeakMap<Project, readonly StoredSecret[]>();

/** Every text in every secret file that can be read. They are read once for a project. */
export const secretsIn = (context: CheckContext): readonly StoredSecret[] =>
  remember(known, context.project, () => readSecrets(context));

function readSecrets(context: CheckContext): StoredSecret[] {
  const { project, skip } = context;
  const files = [...project.files()].filter((file) => file.secret && file.mode.startsWith("100"));
  const readable = files.filter((file) => {
    if (file.locked) skipLocked(context, file);
    else if (file.encrypted && project.secrets === "stand-ins")
      skip("what encrypted files hold, of which stand-ins are read");
    else if (file.bytes > MOST_BYTES) skip(`what is secret in ${file.path}, which is larger than ${MOST_BYTES} bytes`);
    else return true;
    return false;
  });
  const secrets: StoredSecret[] = [];
  for (const [file, content] of project.readAll(readable))
    if (!(content instanceof DeployError)) for (const secret of textsOf(context, file, content)) secrets.push(secret);
  return [...secrets, ...withinLayers(context)];
}

/** What was decrypted within layers that are secret in part. */
function withinLayers(context: CheckContext): StoredSecret[] {
  if (context.project.secrets === "stand-ins") return [];
  const layers = layersOf(context).flatMap(([layer]) => (layer.secret ? [] : layer));
  return layers.flatMap((layer) =>
    orElse<LayerScalar[]>([], () => layer.secretScalars()).flatMap(({ value, text, path, position }) =>
      typeof value === "boolean"
        ? []
        : { text: typeof value === "string" ? value : text, file: layer.path, path, position },
    ),
  );
}

function* textsOf(context: CheckContext, { path: file }: TrackedFile, content: Buffer): Generator<StoredSecret> {
  if (!isUtf8(content)) return;
  const text = content.toString();
  if (isStructured(file)) {
    const documents = documentsOf(context, file, () => text);
    if (documents !== null) {
      for (const document of documents) yield* leavesOf(file, document, []);
      return;
    }
  }
  const blocks = text.includes("-----BEGIN ") ? [text] : [];
  const lines = text.split(/\r?\n/);
  for (const block of blocks) yield { text: block, file, path: [], position: { line: 1, column: 1 } };
  for (const [at, line] of lines.entries()) {
    const [, key, value] = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*["']?(.*?)["']?\s*$/.exec(line) ?? [];
    const position = { line: at + 1, column: 1 };
    if (key !== undefined && value !== undefined && value !== "") yield { text: value, file, path: [key], position };
    else if (line.trim().length >= 16) yield { text: line.trim(), file, path: [], position };
  }
}

function* leavesOf(file: string, document: Yaml, top: Path): Generator<StoredSecret> {
  for (const { path, node } of scalarsIn(document, top))
    if (typeof node.value === "string" || typeof node.value === "number")
      yield { text: typeof node.value === "string" ? node.value : node.text, file, path, position: node.position };
}

/** `hub.cookieSecret in secrets/config/prod.yaml:3`: where a secret is kept, without telling it. */
export const whereKept = ({ file, path, position }: StoredSecret): string =>
  `${path.length === 0 ? "a line" : formatPath(path)} in ${file}:${position.line}`;
