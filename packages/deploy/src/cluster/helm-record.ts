import { gunzipSync } from "node:zlib";
import { DeployError } from "../errors.ts";
import { listAt, mapAt, readJson, textAt, type ValueMap } from "../values/value.ts";
import type { KubernetesObject } from "./api.ts";

/** What a release is made of, as text. Secrets are in it. */
export interface ReleaseContent {
  /** The objects, as YAML documents, each after the line `# Source: …`. */
  readonly manifest: string;
  readonly hooks: string;
}

/** What Helm recorded of a revision. Secrets are in it. */
export interface HelmRecord extends ReleaseContent {
  /** Those over the chart's, that it was deployed with. */
  readonly values: ValueMap;
  /** What Helm's history says of it, such as `Rollback to 3`. */
  readonly description: string;
}

/** The most that a record may be once it is decompressed, in bytes: etcd keeps 1.5 MiB at most. */
const MOST_RECORD = 256 * 1024 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);

/**
 * Reads Helm's record of a revision, as Helm 3 and 4 keep it: JSON, compressed by gzip, in base64,
 * in the data of a Secret (https://helm.sh/docs/topics/advanced/#storage-backends). To start Helm
 * for it takes many times as long.
 *
 * @throws DeployError TOOL_FAILED where it is none
 */
export function readRecord(secret: KubernetesObject): HelmRecord {
  const record = readJson(textOf(secret));
  const manifest = mapAt(record)["manifest"];
  if (typeof manifest !== "string") throw malformed(secret);
  return {
    manifest,
    hooks: hooksText(listAt(record, "hooks")),
    values: mapAt(record, "config"),
    description: textAt(record, "info", "description"),
  };
}

/** Hooks as documents of a manifest. */
export const hooksText = (hooks: readonly unknown[]): string =>
  hooks
    .map((hook) => `---\n# Source: ${textAt(hook, "path")}\n${textAt(hook, "manifest")}`)
    .join("\n")
    .trim();

function textOf(secret: KubernetesObject): string {
  const packed = Buffer.from(Buffer.from(textAt(secret, "data", "release"), "base64").toString("latin1"), "base64");
  if (!packed.subarray(0, GZIP.length).equals(GZIP)) return packed.toString();
  try {
    return gunzipSync(packed, { maxOutputLength: MOST_RECORD }).toString();
  } catch {
    throw malformed(secret);
  }
}

const malformed = ({ metadata: { name } }: KubernetesObject): DeployError =>
  new DeployError("TOOL_FAILED", `expected Helm's record of a release in the Secret ${name}, got something else`);
