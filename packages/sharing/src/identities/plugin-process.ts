import { tmpdir } from "node:os";
import { startProgram } from "@git-vault/git-crypt/programs";
import { parseIdentityFile, SealingError, type AgeIdentity } from "@git-vault/sealing";
import {
  parsePluginKey,
  pluginFailed,
  PluginIdentity,
  PluginRecipient,
  type PluginConnection,
  type PluginHost,
  type PluginKey,
} from "@git-vault/sealing/plugins";
import { printable } from "@git-vault/core";

/** How age's plugins speak to the user: the rest of a `PluginHost` than running them. */
export interface PluginDialog extends Omit<PluginHost, "connect"> {
  /**
   * The names of the plugins that the user named, by a flag or in their settings: these alone are
   * run for keys that somebody else wrote down, in a file or in the members log.
   */
  readonly named: ReadonlySet<string>;
  /**
   * Takes what ends a plugin that was started, for when this process ends, by a signal too: it may
   * ignore Ctrl-C, and that nobody listens any more. Gives what forgets it again.
   */
  readonly started: (kill: () => void) => () => void;
  /** Milliseconds that a plugin may be silent, as while it waits for a touch; two minutes. */
  readonly patience?: number | undefined;
  /** What its environment is made of; this process's own where it is left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Tells that a plugin has been silent for some seconds: it may want a touch. */
  readonly waiting?: ((name: string) => void) | undefined;
}

const PATIENCE = 120_000;
/** As age has it. */
const WAITING_AFTER = 5000;
/** In bytes, of what is kept of its standard error. */
const MAX_STDERR = 4096;
/** Milliseconds between asking it to end and ending it. */
const GRACE = 1000;

/** Reads an identity file that the user named, of plugins as well. */
export function readIdentityFile(file: Uint8Array, dialog: PluginDialog): Promise<(AgeIdentity | PluginIdentity)[]> {
  const host = pluginHost(dialog);
  return parseIdentityFile(file, (line, recipient) => new PluginIdentity(parsePluginKey(line), host, recipient));
}

/** Whom a message is sealed to for a key of a plugin that the user named. */
export const pluginRecipient = (key: PluginKey, dialog: PluginDialog): PluginRecipient =>
  new PluginRecipient(key, pluginHost(dialog));

/** Runs age's plugins, found in the absolute folders of PATH alone, without vault's secrets. */
const pluginHost = (dialog: PluginDialog): PluginHost => ({
  connect: (name, machine) => connect(name, machine, dialog),
  tell: (name, text) => dialog.tell(name, text),
  ask: async (name, question, isSecret) => dialog.ask(name, question, isSecret),
  confirm: async (name, question, yes, no) => dialog.confirm(name, question, yes, no),
});

function connect(name: string, machine: string, dialog: PluginDialog): PluginConnection {
  const { patience = PATIENCE, env, waiting } = dialog;
  // No plugin may rely on the folder that it runs in.
  const child = startProgram(`age-plugin-${name}`, [`--age-plugin=${machine}`], { env, cwd: tmpdir() });
  const came: Buffer[] = [];
  const said: Buffer[] = [];
  let saidBytes = 0;
  const end: { error?: SealingError } = {};
  let wake: (() => void) | undefined;
  const fail = (error: SealingError): void => {
    end.error ??= error;
    wake?.();
  };
  child.stdout.on("data", (chunk: Buffer) => {
    came.push(chunk);
    // It says no more than is read.
    child.stdout.pause();
    wake?.();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    if (saidBytes < MAX_STDERR) said.push(chunk.subarray(0, MAX_STDERR - saidBytes));
    saidBytes += chunk.length;
  });
  child.stdin.on("error", () => {}); // it may end before it read all
  child.on("error", (cause) => {
    const message = `age-plugin-${name}: there is no such program, or it cannot be run`;
    fail(
      new SealingError("PLUGIN_MISSING", message, {
        subject: name,
        hint: "install the plugin, into a folder of PATH",
        cause,
      }),
    );
  });
  child.on("close", () => {
    const words = printable(Buffer.concat(said).toString().trim(), { longest: 400 });
    fail(pluginFailed(name, `it ended early${words === "" ? "" : `, and said: ${words}`}`));
  });
  const kill = (): void => void child.kill("SIGKILL");
  const release = dialog.started(kill);
  return {
    send: (bytes) => {
      if (!child.stdin.destroyed) child.stdin.write(Buffer.from(bytes));
    },
    async receive() {
      const silent = setTimeout(() => fail(pluginFailed(name, `it said nothing for ${patience / 1000} s`)), patience);
      const slow = setTimeout(() => waiting?.(name), WAITING_AFTER);
      try {
        while (came.length === 0 && end.error === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            child.stdout.resume();
          });
        }
      } finally {
        clearTimeout(silent);
        clearTimeout(slow);
      }
      const next = came.shift();
      if (next !== undefined) return next;
      throw end.error;
    },
    close() {
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
      child.kill("SIGINT");
      const last = setTimeout(kill, GRACE);
      child.once("exit", () => {
        clearTimeout(last);
        release();
      });
      last.unref();
      child.unref();
    },
  };
}
