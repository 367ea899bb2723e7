import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { debuglog } from "node:util";
import { findProgram, startProgram, withEnvironmentOfPrograms } from "@git-vault/git-crypt/programs";
import type Clipboard from "clipboardy";
import { CliError } from "../errors.ts";
import { ownCommand } from "../own-program.ts";
import { isPrintable } from "./streams.ts";
import { writeToTerminal } from "./terminal.ts";

/** What xterm takes of an OSC 52 sequence, in bytes of text before base64. */
const OSC_52_LIMIT = 74_994;

/** Seconds until a plaintext on the clipboard is cleared, unless --clear-after says otherwise. */
export const CLEAR_AFTER = 45;

/** By the salted hash, the clearing copy recognises what it may clear without knowing it. */
const clipboardHash = (salt: string, content: string): string =>
  createHash("sha256").update(salt, "hex").update(content).digest("hex");

const isX = (): boolean => Boolean(process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"]);

function unavailable(cause?: unknown): CliError {
  // The package that reaches it also has programs of others, of unknown origin: they are left out.
  const isLacking = isX() && findProgram("xsel") === null && findProgram("wl-copy") === null;
  return new CliError(
    "CLIPBOARD_UNAVAILABLE",
    isLacking
      ? "there is no clipboard here: neither xsel nor wl-copy is installed"
      : "there is no clipboard here: no X11 or Wayland display can be reached",
    {
      hint: `${isLacking ? "install xsel, or " : ""}use a pipe or a file instead, such as \`vault view message.txt\` or \`vault share --to alice > message.txt\``,
      cause,
    },
  );
}

function hasDisplay(): boolean {
  if (process.platform !== "linux" || isX()) return true;
  try {
    // WSL reaches the clipboard of Windows.
    return /microsoft/i.test(readFileSync("/proc/version", "utf8"));
  } catch {
    return false;
  }
}

async function clipboardy(): Promise<typeof Clipboard> {
  if (!hasDisplay()) throw unavailable();
  // clipboardy starts programs by execa, which then prints what they return. Node reads NODE_DEBUG
  // once, at its start, so that it cannot be unset here.
  if (debuglog("execa").enabled) {
    throw new CliError("CLIPBOARD_UNAVAILABLE", "NODE_DEBUG would print what the clipboard holds", {
      hint: "unset NODE_DEBUG",
    });
  }
  return (await import("clipboardy")).default;
}

/**
 * The clipboard's text; empty where the clipboard is empty or holds something else.
 *
 * @throws CliError `CLIPBOARD_UNAVAILABLE`
 */
export async function paste(): Promise<string> {
  const clipboard = await clipboardy();
  try {
    return await withEnvironmentOfPrograms(() => clipboard.read());
  } catch (cause) {
    if (isEmptySelection(cause)) return "";
    throw unavailable(withoutOutput(cause));
  }
}

/**
 * Puts text on the clipboard; where there is no display, sends it to the terminal, which may put it
 * on its own (OSC 52).
 *
 * @param clearAfter seconds until a detached copy of the program clears it, if it is still there; 0
 * for never
 * @returns where it went, in words
 * @throws CliError `BINARY_TO_TERMINAL` for what is not text, `CLIPBOARD_UNAVAILABLE`
 */
export async function copy(data: Buffer, clearAfter: number): Promise<string> {
  if (!isPrintable(data)) {
    throw new CliError(
      "BINARY_TO_TERMINAL",
      `the output is binary (${data.length} bytes) and the clipboard holds text only`,
      { hint: "pipe it on or write it to a file with `-o FILE`; a git-crypt key is for `vault unlock`" },
    );
  }
  const text = data.toString();
  if (!hasDisplay()) return copyThroughTerminal(text, clearAfter > 0);
  const clipboard = await clipboardy();
  try {
    await withEnvironmentOfPrograms(() => clipboard.write(text));
  } catch (cause) {
    throw unavailable(withoutOutput(cause));
  }
  if (clearAfter === 0) return "the clipboard";
  const salt = randomBytes(16).toString("hex");
  startClearing(`${clearAfter} ${salt} ${clipboardHash(salt, text)}`);
  return `the clipboard, which is cleared in ${clearAfter} seconds`;
}

/** Empties the clipboard if its content still has that hash. */
export async function clearIfUnchanged(salt: string, hash: string): Promise<void> {
  const clipboard = await clipboardy();
  const content = await withEnvironmentOfPrograms(() => clipboard.read());
  if (clipboardHash(salt, content) === hash) await withEnvironmentOfPrograms(() => clipboard.write(""));
}

function copyThroughTerminal(text: string, shouldClear: boolean): string {
  const size = Buffer.byteLength(text);
  if (size > OSC_52_LIMIT) {
    throw new CliError(
      "CLIPBOARD_UNAVAILABLE",
      `there is no display, and a terminal takes at most ${OSC_52_LIMIT} bytes, not ${size}`,
      { hint: "write it to a file with `-o FILE`" },
    );
  }
  const sequence = `\u001b]52;c;${Buffer.from(text).toString("base64")}\u0007`;
  if (!writeToTerminal(sequence)) throw unavailable();
  const place = "the terminal, whose clipboard it is on if the terminal allows that";
  return shouldClear ? `${place}; clear it yourself, since that cannot be done from here` : place;
}

function startClearing(order: string): void {
  const [program, ...words] = ownCommand();
  const child = startProgram(program, [...words, "clear-clipboard"], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin?.end(order);
  child.unref();
}

/** xsel says nothing for an empty selection, wl-paste says so and fails. */
const isEmptySelection = (error: unknown): boolean =>
  error instanceof Error &&
  "stderr" in error &&
  typeof error.stderr === "string" &&
  /nothing is copied|no selection|no suitable type of content/i.test(error.stderr);

/** The error of a failed program carries what it read or printed, which may be a secret. */
const withoutOutput = (error: unknown): Error =>
  new Error(error instanceof Error ? error.name : "the clipboard program failed");
