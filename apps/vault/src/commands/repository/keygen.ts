import { encodeKeyFile, generateKeyFile, wipeKeyFile } from "@git-vault/git-crypt";
import { writeKey } from "./key-output.ts";
import { assertNewFile } from "../../io/output.ts";
import type { Invocation } from "../../cli/command-table.ts";

export async function run({ flags }: Invocation): Promise<void> {
  assertNewFile(flags.output);
  const keyFile = generateKeyFile(flags["key-name"]);
  const bytes = encodeKeyFile(keyFile);
  wipeKeyFile(keyFile);
  await writeKey(bytes, flags, null);
}
