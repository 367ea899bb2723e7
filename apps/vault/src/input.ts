import { closeSync, fstatSync, openSync, type Stats } from "node:fs";
import { CliError } from "./errors.ts";
import { printable, readDescriptor, readStdin } from "./streams.ts";
import { reason } from "./system-error.ts";

/** Something that was read whole. */
export interface Input {
  readonly data: Buffer;
  /** For sentences about it. */
  readonly title: string;
  /** The file it came from, so that an output can be kept from overwriting it; null where it was no file. */
  readonly file: Pick<Stats, "dev" | "ino"> | null;
}

/** What stdin holds. */
export function readStandardInput(): Input {
  const stat = fstatSync(0);
  return { data: readStdin(), title: "standard input", file: stat.isFile() ? stat : null };
}

/**
 * What the operand names: a file, or stdin where it is `-`.
 *
 * @throws CliError `INPUT_UNREADABLE`
 */
export function readOperand(operand: string): Input {
  if (operand === "-") return readStandardInput();
  const title = printable(operand);
  let fd;
  try {
    fd = openSync(operand, "r");
  } catch (cause) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${title}: ${reason(cause)}`, { cause });
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new CliError("INPUT_UNREADABLE", `cannot read ${title}: it is a folder`);
    return { data: readDescriptor(fd, title), title, file: stat.isFile() ? stat : null };
  } finally {
    closeSync(fd);
  }
}
