/*
 * The commands that write a git-crypt key file, unsealed.
 */
import { resolve } from "node:path";
import { encodeKeyFile, generateKeyFile, migrateKey, wipeKeyFile } from "@git-vault/git-crypt";
import type { Run } from "../../cli/command.ts";
import { readOperand, type Input } from "../../io/input.ts";
import { assertNewFile, refuseTwoPlaces, writeOutput } from "../../io/output.ts";
import { reportResult } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";
import { openHere, presentKey } from "../open-here.ts";

export const exportKey: Run<(typeof REPOSITORY_COMMANDS)["export-key"]> = async (options) => {
  refuseTwoPlaces(options);
  const repository = openHere();
  const { bytes, keyFile } = await presentKey(repository, options.keyName);
  wipeKeyFile(keyFile);
  const key = Buffer.from(bytes);
  try {
    await writeKey(bytes, options, null);
    const { noteCopy } = await import("@git-vault/sharing/members");
    const { output } = options;
    noteCopy(repository, key, output === undefined || output === "-" ? "exported" : { file: resolve(output) });
  } finally {
    key.fill(0);
  }
};

export const makeKey: Run<typeof REPOSITORY_COMMANDS.keygen> = async (options) => {
  assertNewFile(options.output);
  const keyFile = generateKeyFile(options.keyName);
  const bytes = encodeKeyFile(keyFile);
  wipeKeyFile(keyFile);
  await writeKey(bytes, options, null);
};

export const migrate: Run<(typeof REPOSITORY_COMMANDS)["migrate-key"]> = async (options, [operand]) => {
  refuseTwoPlaces(options);
  const input = readOperand(operand);
  try {
    await writeKey(migrateKey(input.data), options, input);
  } finally {
    input.data.fill(0);
  }
};

/** What `--output`, `--json` and `--quiet` say. */
interface KeyOptions {
  readonly output: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Writes a git-crypt key file to a file or to stdout, and zeroes it. */
export async function writeKey(bytes: Buffer, options: KeyOptions, input: Input | null): Promise<void> {
  try {
    const place = await writeOutput(bytes, options, { input, secret: true });
    const key = options.json && place === null ? bytes.toString("base64") : null;
    const told = place === null ? [] : [`vault: wrote the key, ${bytes.length} bytes, to ${place}`];
    reportResult(options, { bytes: bytes.length, output: place, key }, told);
  } finally {
    bytes.fill(0);
  }
}
