import { usageError } from "../errors.ts";
import { completionScript, SHELLS } from "../completion.ts";
import { writeStdout } from "../streams.ts";
import type { Invocation } from "../table.ts";

export async function run({ args }: Invocation): Promise<void> {
  const shell = SHELLS.find((known) => known === args[0]);
  if (shell === undefined) throw usageError(`expected the name of a shell: ${SHELLS.join(", ")}`);
  writeStdout(completionScript(shell));
}
