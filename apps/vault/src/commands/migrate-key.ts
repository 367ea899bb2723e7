import { migrateKey } from "@git-vault/git-crypt";
import { usageError } from "../errors.ts";
import { readOperand } from "../input.ts";
import { writeKey } from "../key-output.ts";
import type { Invocation } from "../table.ts";

export async function run({ flags, args: [operand] }: Invocation): Promise<void> {
  if (operand === undefined) throw usageError("expected a key file, or - for stdin");
  const input = readOperand(operand);
  try {
    await writeKey(migrateKey(input.data), flags, input);
  } finally {
    input.data.fill(0);
  }
}
