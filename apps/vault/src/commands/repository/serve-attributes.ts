import { runAttributesFilter } from "@git-vault/git-crypt";
import { say } from "../../io/streams.ts";
import { openHere } from "../open-here.ts";
import { filterCommands } from "./filter-command.ts";
import { onError } from "./serve-filter.ts";

/**
 * Answers git about files of attributes: all pass, and keys that they name get a guard.
 *
 * @throws what `runAttributesFilter` and `filterCommands` do
 */
export function serveAttributes(): void {
  const { filterCommand } = filterCommands({ quiet: true });
  const guarded = runAttributesFilter(openHere("nothing"), 0, 1, { filterCommand, onError });
  if (guarded.length > 0)
    say(`vault: git refuses plaintext on the paths of the key ${guarded.join(", ")}, which is not here`);
}
