import { realpathSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { quoteForShell } from "@git-vault/core";

/**
 * The command line, for `sh`, that runs this program from git's settings. Both paths are absolute,
 * since git may be started without the user's PATH; and they are the names by which the programs
 * were found, not what those lead to: a link to the present version stays when the version goes.
 */
export function programCommand(): string {
  const words = [nodeName(), resolve(process.argv[1] ?? "")];
  // git runs it by its own sh, on Windows too, where both kinds of slash lead to the file.
  return words.map((word) => quoteForShell(process.platform === "win32" ? word.replaceAll("\\", "/") : word)).join(" ");
}

/** The settings of git-crypt's filter and merge driver. */
export const filterCommands = (): { filterCommand: string; mergeCommand: string } => ({
  filterCommand: `${programCommand()} filter`,
  mergeCommand: `${programCommand()} merge`,
});

function nodeName(): string {
  const real = realpathSync(process.execPath);
  const name = process.platform === "win32" ? "node.exe" : "node";
  const onPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return onPath.map((folder) => join(folder, name)).find((path) => leadsToFile(path, real)) ?? process.execPath;
}

function leadsToFile(path: string, file: string): boolean {
  try {
    return realpathSync(path) === file;
  } catch {
    return false;
  }
}
