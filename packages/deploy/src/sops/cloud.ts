/*
 * Files whose data key a cloud or a server holds: the `sops` that is installed asks for it.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { printable } from "@git-vault/core";
import { DeployError, orElse } from "../errors.ts";
import { globOf } from "../files/glob.ts";
import type { Workspace } from "../files/workspace.ts";
import { runTool } from "../tool.ts";
import { readYaml } from "../values/read-yaml.ts";
import { newMap, type Value } from "../values/value.ts";
import type { MapYaml, Yaml } from "../values/yaml.ts";
import { SOPS_DIALECT } from "./go-yaml-3.ts";
import type { CloudKey, SopsMetadata } from "./metadata.ts";
import type { SopsFile } from "./sops-file.ts";

/** How sops is run. */
export interface SopsRun {
  readonly env: NodeJS.ProcessEnv;
  /** For ciphertext alone. */
  readonly workspace: Workspace;
  readonly signal?: AbortSignal | undefined;
}

/** How long a cloud may take, in seconds. */
const MOST_SECONDS = 60;
/** sops could not get the data key: what it says of that holds nothing of the file's. */
const NO_DATA_KEY = 128;

/** Those of a file's cloud keys that may be asked for. */
export function allowedIn({ groups }: SopsMetadata, patterns: readonly string[]): CloudKey[] {
  // `*` is any part of a name, slashes and all: a pattern of one's own need not be narrower.
  const globs = patterns.map((pattern) =>
    globOf(pattern.replaceAll(/[\\?[\]]/g, String.raw`\$&`).replaceAll("/", "\0")),
  );
  return groups.flatMap(({ cloud }) =>
    cloud.filter(({ name }) => globs.some((fits) => fits?.(name.replaceAll("/", "\0")) === true)),
  );
}

/**
 * What a file holds, decrypted by sops, which verifies its MAC. It gets the ciphertext as a file,
 * and of the ways to the data key only those that were allowed; the plaintext comes by a pipe.
 *
 * @throws DeployError TOOL_MISSING, INTERRUPTED; LOCKED where sops does not get the key;
 * TAMPERED_FILE where the file is not as sops left it
 */
export async function decryptByCloud(file: SopsFile, keys: readonly CloudKey[], run: SopsRun): Promise<Yaml> {
  const path = join(run.workspace.path, `sops-${randomUUID()}.yaml`);
  const place = { file: file.path };
  writeFileSync(path, onlyFor(file, keys), { mode: 0o600 });
  const args = ["--decrypt", "--input-type", "yaml", "--output-type", "json", path];
  const { env, signal } = run;
  const { status, stdout, stderr, ended } = await runTool({
    program: "sops",
    args,
    ifMissing: "install sops, in a folder of PATH: it asks the cloud",
    env,
    seconds: MOST_SECONDS,
    signal,
    tokens: true,
  }).finally(() => rmSync(path, { force: true }));
  // JSON is YAML, and keeps the digits of numbers there.
  const read = (): Yaml | undefined => readYaml(file.path, stdout, SOPS_DIALECT).documents[0];
  const plain = status === 0 ? orElse(undefined, read) : undefined;
  if (plain?.kind === "map") return plain;
  if (status === NO_DATA_KEY || ended !== undefined) {
    const said = printable((ended ?? stderr).replaceAll(/\s+/g, " ").trim());
    throw new DeployError("LOCKED", `${file.path}: sops did not get its key: ${said.slice(0, 500)}`, {
      hint: "check the credentials of the cloud in the environment",
      place,
    });
  }
  throw new DeployError("TAMPERED_FILE", `${file.path}: sops does not decrypt it (exit code ${String(status)})`, {
    hint: "run sops by hand to see why",
    place,
  });
}

/**
 * The file with no other way to its data key, as YAML in one line for each document: what sops
 * gets is written from what was read, and keeps the order of keys and the digits of numbers, which
 * JSON does not.
 */
function onlyFor({ yaml, metadata }: SopsFile, keys: readonly CloudKey[]): string {
  const byKind = newMap();
  for (const { kind, entry } of keys) byKind[kind] = [...listOf(byKind[kind]), entry];
  const own = `${quoted("sops")}: ${quoted({ ...metadata.rest, ...byKind })}`;
  const documents = yaml.documents.map((document) =>
    document.kind === "map" ? `{${[...entriesOf(document), own].join(", ")}}` : flowOf(document),
  );
  return `${documents.join("\n---\n")}\n`;
}

function flowOf(node: Yaml): string {
  if (node.kind === "map") return `{${entriesOf(node).join(", ")}}`;
  if (node.kind === "list") return `[${node.items.map(flowOf).join(", ")}]`;
  if (typeof node.value === "string") return quoted(node.value);
  return typeof node.value === "number" && node.plain ? node.text : String(node.value);
}

const entriesOf = ({ entries }: MapYaml): string[] =>
  [...entries].map(([key, { value }]) => `${quoted(key)}: ${flowOf(value)}`);

/** YAML takes less than JSON as it is. */
const quoted = (value: Value): string =>
  JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (one) => String.raw`\u` + one.charCodeAt(0).toString(16).padStart(4, "0"),
  );

const listOf = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);
