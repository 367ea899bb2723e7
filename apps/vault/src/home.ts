import { homedir, userInfo } from "node:os";
import { isAbsolute } from "node:path";

/** The user's home folder. A HOME that is empty or relative would make it the folder that the program happens to stand in. */
export function homeFolder(): string {
  const home = homedir();
  return isAbsolute(home) ? home : userInfo().homedir;
}
