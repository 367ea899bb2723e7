/*
 * How this program is started again, and where its files are. It is a script of Node's, or a
 * standalone program that holds Node and its files.
 */

/** Whether this is the standalone program, whose entry sets the second word so. */
export const isStandalone = (): boolean => process.argv[1] === process.execPath;

/** The words that start this program again; those of a command follow. */
export const ownCommand = (): readonly [program: string, ...words: string[]] =>
  isStandalone() ? [process.execPath] : [process.execPath, process.argv[1] ?? ""];

/** The text of a file that the standalone program holds. */
export const embeddedFile = (name: string): string => process.getBuiltinModule("node:sea").getAsset(name, "utf8");
