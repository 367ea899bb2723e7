/*
 * Encrypted files in a chart's folder. They reach Helm in memory, and never by the disk.
 */
import { isUtf8 } from "node:buffer";
import { posix } from "node:path";
import { DeployError } from "../errors.ts";
import type { TrackedFile } from "../files/tree.ts";
import type { StandIns } from "../secrets/stand-ins.ts";
import { isStructured, readValue } from "../values/read-yaml.ts";

/**
 * What a chart's encrypted files hold: their content, that of those which can be read, none, or
 * stand-ins. Those without content are empty.
 */
export type EncryptedContent = "own" | "readable" | "none" | StandIns;

/** What Helm runs or reads for itself: no stand-in would do the same. */
const CODE =
  /(?:^|\/)(?:Chart\.ya?ml|Chart\.lock|requirements\.ya?ml|values\.schema\.json|\.helmignore)$|^(?:templates|crds)\/|(?:^|\/)charts\/[^/]+\/(?:templates|crds)\/|\.tgz$/;

/**
 * Asserts that an encrypted file is one that templates read, or holds values.
 *
 * @param path in its chart
 * @throws DeployError SECRET_IN_CHART
 */
export function assertData(file: TrackedFile, path: string): void {
  if (!CODE.test(path)) return;
  throw new DeployError("SECRET_IN_CHART", `${file.path} is encrypted, and is a part of the chart that Helm runs`, {
    hint: "keep what is secret in another file of the chart, which a template reads by .Files, or in a layer",
    place: { file: file.path },
  });
}

/** The error where the system has no way to give Helm a chart in memory. */
export const noMemory = (file: TrackedFile): DeployError =>
  new DeployError(
    "SECRET_IN_CHART",
    `${file.path} is encrypted, and this system cannot give Helm a chart but by the disk, where no secret is written`,
    {
      hint: "deploy from Linux, where /dev/shm is in memory; or give its content to the chart as a value",
      place: { file: file.path },
    },
  );

/**
 * What a chart's file holds there, or what stands for it.
 *
 * @param path in its chart
 * @param read gives its content
 * @throws DeployError as `read` does
 */
export function contentFor(file: TrackedFile, path: string, encrypted: EncryptedContent, read: () => Buffer): Buffer {
  if (!file.encrypted || encrypted === "own") return read();
  if (encrypted === "none" || file.locked) return emptyFor(path);
  return encrypted === "readable" ? read() : standInFor(path, read(), encrypted);
}

/** A file without content: templates that look for files find it none the less. */
const emptyFor = (path: string): Buffer => Buffer.from(isStructured(path) ? "{}\n" : "");

/** What stands for a file's content: of its kind, and different in every character that tells. */
export function standInFor(path: string, content: Buffer, standIns: StandIns): Buffer {
  if (!isUtf8(content) || content.includes(0)) return standIns.bytes(content);
  const text = content.toString();
  if (!isStructured(path)) return Buffer.from(standIns.lines(text));
  try {
    // JSON is YAML, too.
    return Buffer.from(JSON.stringify(standIns.of(readValue(posix.basename(path), text))));
  } catch {
    return Buffer.from(standIns.lines(text));
  }
}
