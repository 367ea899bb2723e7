import { openRepository, wipeKeyFile } from "@git-vault/git-crypt";
import { writeKey } from "./key-output.ts";
import type { Invocation } from "../../cli/command-table.ts";

export async function run({ flags }: Invocation): Promise<void> {
  const { bytes, keyFile } = openRepository(process.cwd()).readKey(flags["key-name"]);
  wipeKeyFile(keyFile);
  await writeKey(bytes, flags, null);
}
