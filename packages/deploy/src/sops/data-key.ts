import { DeployError, passOn } from "../errors.ts";
import { printable } from "@git-vault/core";
import type { KeyGroup, SopsMetadata } from "./metadata.ts";
import type { SopsKeys } from "./sops-keys.ts";

const DATA_KEY_BYTES = 32;

/**
 * The data key of a file of sops, opened by private keys; null where they open too little of it.
 *
 * @throws DeployError what opening a sealed message throws, where none opens; TAMPERED_FILE where
 * what they open is no key
 */
export async function openDataKey(file: string, metadata: SopsMetadata, keys: SopsKeys): Promise<Buffer | null> {
  const { groups, threshold } = metadata;
  const needed = groups.length === 1 ? 1 : threshold;
  const parts: Buffer[] = [];
  let failure: unknown;
  for (const group of groups) {
    const part = await openPart(group, keys).catch((error: unknown) => {
      failure ??= error;
      return null;
    });
    if (part !== null) parts.push(part);
    if (parts.length === needed) break;
  }
  if (parts.length < needed) {
    if (failure !== undefined) passOn(failure);
    return null;
  }
  const key = groups.length === 1 ? parts[0] : await joined(file, parts);
  if (key?.length !== DATA_KEY_BYTES) throw noKey(file);
  return key;
}

async function openPart({ sealed }: KeyGroup, keys: SopsKeys): Promise<Buffer | null> {
  let failure: unknown;
  for (const { to, message } of sealed) {
    try {
      const part = await keys.open(message, to);
      if (part !== null) return part;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return null;
}

/** The parts of Shamir's secret sharing, as HashiCorp's Vault splits them. */
async function joined(file: string, parts: readonly Buffer[]): Promise<Buffer> {
  const { combine } = await import("shamir-secret-sharing");
  try {
    return Buffer.from(await combine(parts.map((part) => new Uint8Array(part))));
  } catch (cause) {
    throw noKey(file, cause);
  } finally {
    for (const part of parts) part.fill(0);
  }
}

const noKey = (file: string, cause?: unknown): DeployError =>
  new DeployError("TAMPERED_FILE", `${file}: what sops sealed to its recipients is no key`, { place: { file }, cause });

/** Whom a file is encrypted to, for people: at most eight. */
export function recipientsOf({ groups }: SopsMetadata): string {
  const all = groups.flatMap(({ sealed, cloud }) => [...sealed.map(({ to }) => to), ...cloud.map(({ name }) => name)]);
  const shown = [...new Set(all)].filter((name) => name !== "").map((name) => printable(name));
  return shown.length > 8 ? `${shown.slice(0, 8).join(", ")}, …` : shown.join(", ");
}
