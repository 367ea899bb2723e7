import { closeSync, fstatSync, openSync, type Stats } from "node:fs";
import { homedir, userInfo } from "node:os";
import { isAbsolute } from "node:path";
import { printable } from "@git-vault/core";
import { CliError } from "../errors.ts";
import { readDescriptor, readStart, reason } from "./streams.ts";

/** The most that is held in memory at once; what is larger is streamed if possible. */
const SMALL = 16 * 1024 * 1024;
/**
 * How much is read of a file that is known to be larger: what begins in it, such as the header of
 * age's, is at most half of that.
 */
const START = 2 * 1024 * 1024;

/** Something that was read whole. */
export interface Input {
  readonly data: Buffer;
  /** For sentences about it. */
  readonly title: string;
  /** The file it came from, so that no output overwrites it; null if it was no file. */
  readonly file: Pick<Stats, "dev" | "ino"> | null;
}

/** Something that may be too large to be read whole: `data` is how it begins. */
export interface LargeInput extends Input {
  /** What the rest is read from, with `readSome`; null where `data` is all. */
  readonly descriptor: number | null;
  close(): void;
}

/** What stdin holds, of at most so many bytes. */
export function readStandardInput(most?: number): Input {
  return { data: readDescriptor(0, "standard input", most), ...aboutStdin() };
}

/**
 * What the operand names: a file, or stdin where it is `-`.
 *
 * @param most its size in bytes; 256 MiB where it is left out
 * @throws CliError `INPUT_UNREADABLE`
 */
export const readOperand = (operand: string, most?: number): Input =>
  operand === "-" ? readStandardInput(most) : readFile(operand, most);

/** The same of a file, whatever its name. */
export function readFile(path: string, most?: number): Input {
  const { fd, about } = openFile(path);
  try {
    return { data: readDescriptor(fd, about.title, most), ...about };
  } finally {
    closeSync(fd);
  }
}

/**
 * The same, of any size: whole up to 16 MiB. Without an operand it is stdin.
 *
 * @throws CliError `INPUT_UNREADABLE`
 */
export function openInput(operand: string | undefined): LargeInput {
  const { fd, about, size } =
    operand === undefined || operand === "-" ? { fd: 0, about: aboutStdin(), size: null } : openFile(operand);
  const close = (): void => {
    if (fd !== 0) closeSync(fd);
  };
  try {
    const { data, ended } = readStart(fd, about.title, size !== null && size > SMALL ? START : SMALL);
    return { data, ...about, descriptor: ended ? null : fd, close };
  } catch (error) {
    close();
    throw error;
  }
}

type About = Omit<Input, "data">;

function aboutStdin(): About {
  const stat = fstatSync(0);
  return { title: "standard input", file: stat.isFile() ? stat : null };
}

/** Opens a file; its size is null where it is no file, so that only reading tells. */
function openFile(operand: string): { fd: number; about: About; size: number | null } {
  const title = printable(operand);
  let fd;
  try {
    // An inherited descriptor itself, which is closed once it is read: nobody else gets it, and
    // what cannot be opened by that name, such as a socket, can be read.
    const inherited = Number(/^\/(?:dev|proc\/self)\/fd\/([3-9]|[1-9]\d{1,3})$/.exec(operand)?.[1]);
    fd = Number.isNaN(inherited) ? openSync(operand, "r") : inherited;
    fstatSync(fd);
  } catch (cause) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${title}: ${reason(cause)}`, { cause });
  }
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, about: { title, file: stat }, size: stat.size };
  if (!stat.isDirectory()) return { fd, about: { title, file: null }, size: null };
  closeSync(fd);
  throw new CliError("INPUT_UNREADABLE", `cannot read ${title}: it is a folder`);
}

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
