import { openRepository, wipeKeyFile } from "@git-vault/git-crypt";
import { writeKey } from "./key-output.ts";
import type { Run } from "../../cli/command.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof REPOSITORY_COMMANDS)["export-key"]> = async (options) => {
  const { bytes, keyFile } = openRepository(process.cwd()).readKey(options.keyName);
  wipeKeyFile(keyFile);
  await writeKey(bytes, options, null);
};
