import { homedir, userInfo } from "node:os";
import { isAbsolute } from "node:path";
import { CliError } from "../cli/errors.ts";

/**
 * The user's home folder. A HOME that is empty or relative would make it the folder that the
 * program happens to stand in.
 *
 * @throws CliError `NO_HOME` where HOME is not set and the system knows no such user, as in a
 * container
 */
export function homeFolder(): string {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : userInfo().homedir;
  } catch (error) {
    throw new CliError("NO_HOME", "there is no home folder: HOME is not set, and the system does not know this user", {
      hint: "set HOME to a folder of yours, with the private keys in its .ssh",
      cause: error,
    });
  }
}
