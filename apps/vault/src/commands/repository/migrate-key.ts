import { migrateKey } from "@git-vault/git-crypt";
import { readOperand } from "../../io/input.ts";
import { writeKey } from "./key-output.ts";
import type { Run } from "../../cli/command.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof REPOSITORY_COMMANDS)["migrate-key"]> = async (options, [operand]) => {
  const input = readOperand(operand);
  try {
    await writeKey(migrateKey(input.data), options, input);
  } finally {
    input.data.fill(0);
  }
};
