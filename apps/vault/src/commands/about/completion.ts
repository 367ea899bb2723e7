import { completionScript, SHELLS } from "../../cli/completion.ts";
import type { Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { writeStdout } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";

export const run: Run<typeof ABOUT_COMMANDS.completion> = (_, [name]) => {
  const shell = SHELLS.find((known) => known === name);
  if (shell === undefined) throw usageError(`expected the name of a shell: ${SHELLS.join(", ")}`);
  writeStdout(completionScript(shell));
};
