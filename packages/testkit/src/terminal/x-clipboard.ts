import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../peers/run.ts";

/** An X server without a screen, whose clipboard is nobody else's. */
export interface XServer extends AsyncDisposable {
  /** What a program needs in DISPLAY: `:7`. */
  readonly display: string;
  /** What the clipboard holds, as another program sees it; null where it is empty. */
  readClipboard(): Promise<Buffer | null>;
  /** Puts text into the clipboard, as another program would. */
  writeClipboard(text: Uint8Array | string): Promise<void>;
  /** Ends the server and with it every program that holds its clipboard. */
  close(): Promise<void>;
}

const MOST_TRIES = 500;

/** Starts Xvfb on a free display. The clipboard is read and written by xclip. */
export async function startXServer(): Promise<XServer> {
  const server = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "64x64x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(server, "exit");
  // Where it cannot be started, the missing display number says so.
  ended.catch(() => {});
  const number = (async () => {
    let text = "";
    for await (const chunk of server.stdout) {
      text += String(chunk);
      if (text.endsWith("\n")) return text.trim();
    }
    throw new Error("Xvfb is not installed, or ended before it had a display");
  })();
  const display = `:${await number}`;
  const env = { ...process.env, DISPLAY: display };
  const clipboard = ["-selection", "clipboard", "-t", "UTF8_STRING"];

  const close = async (): Promise<void> => {
    server.kill();
    await ended;
  };
  const readClipboard = async (): Promise<Buffer | null> => {
    const { status, stdout } = await run("xclip", ["-out", ...clipboard], { env });
    return status === 0 ? stdout : null;
  };
  return {
    display,
    readClipboard,
    writeClipboard: async (text) => {
      // xclip stays behind, holding the clipboard, until the server ends: it must hold no stream of
      // ours, or we would wait for it.
      const xclip = spawn("xclip", ["-in", ...clipboard], { env, stdio: ["pipe", "ignore", "ignore"] });
      xclip.stdin.end(text);
      const [status] = await once(xclip, "exit");
      if (status !== 0) throw new Error(`xclip ended with ${String(status)}`);
      // The one that stays behind may yet have to tell the server.
      for (let tries = 0; (await readClipboard())?.equals(Buffer.from(text)) !== true; tries += 1) {
        if (tries === MOST_TRIES) throw new Error("the clipboard does not hold what was written to it");
        await sleep(20);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
