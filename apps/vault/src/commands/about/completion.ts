import { completionScript, SHELLS } from "../../cli/completion.ts";
import type { Run } from "../../cli/command.ts";
import type { CommandTable } from "../../cli/command-table.ts";
import { usageError } from "../../errors.ts";
import { writeStdout } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";

/** `vault completion`, of these commands. */
export const completionOf =
  (table: CommandTable): Run<typeof ABOUT_COMMANDS.completion> =>
  (_, [name]) => {
    const shell = SHELLS.find((known) => known === name);
    if (shell === undefined) throw usageError(`expected the name of a shell: ${SHELLS.join(", ")}`);
    writeStdout(completionScript(shell, table));
  };
