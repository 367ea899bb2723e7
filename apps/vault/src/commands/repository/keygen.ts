import { encodeKeyFile, generateKeyFile, wipeKeyFile } from "@git-vault/git-crypt";
import { writeKey } from "./key-output.ts";
import { assertNewFile } from "../../io/output.ts";
import type { Run } from "../../cli/command.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.keygen> = async (options) => {
  assertNewFile(options.output);
  const keyFile = generateKeyFile(options.keyName);
  const bytes = encodeKeyFile(keyFile);
  wipeKeyFile(keyFile);
  await writeKey(bytes, options, null);
};
