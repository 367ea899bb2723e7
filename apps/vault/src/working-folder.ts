import { CliError } from "./cli/errors.ts";
import { reason } from "./io/system-error.ts";
import { printable } from "./io/streams.ts";

/**
 * Goes on as if started in `folder`: what -C does.
 *
 * @throws CliError `USAGE`
 */
export function enterFolder(folder: string): void {
  try {
    process.chdir(folder);
  } catch (cause) {
    throw new CliError("USAGE", `-C: cannot enter ${printable(folder)}: ${reason(cause)}`, { cause });
  }
}
