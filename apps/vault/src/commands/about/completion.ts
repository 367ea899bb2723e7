import { usageError } from "../../cli/errors.ts";
import { completionScript, SHELLS } from "../../cli/completion.ts";
import { writeStdout } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

export async function run({ args }: Invocation): Promise<void> {
  const shell = SHELLS.find((known) => known === args[0]);
  if (shell === undefined) throw usageError(`expected the name of a shell: ${SHELLS.join(", ")}`);
  writeStdout(completionScript(shell));
}
