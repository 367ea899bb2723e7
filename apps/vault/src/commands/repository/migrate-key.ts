import { migrateKey } from "@git-vault/git-crypt";
import { usageError } from "../../cli/errors.ts";
import { readOperand } from "../../io/input.ts";
import { writeKey } from "./key-output.ts";
import type { Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args: [operand] }: Invocation): Promise<void> {
  if (operand === undefined) throw usageError("expected a key file, or - for stdin");
  const input = readOperand(operand);
  try {
    await writeKey(migrateKey(input.data), flags, input);
  } finally {
    input.data.fill(0);
  }
}
