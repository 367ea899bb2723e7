import type { PluginDialog } from "@git-vault/sharing";
import { CliError } from "../errors.ts";
import { say } from "./streams.ts";

/** Who is asked, and for what. */
export interface PluginDialogOptions {
  readonly noInput: boolean;
  readonly quiet: boolean;
  /** The plugins of --plugin. */
  readonly plugin?: readonly string[];
}

/**
 * How age's plugins speak to the user: always with their name, which no text of theirs hides.
 *
 * @param configured those of git's git-vault.plugin
 */
export const pluginDialog = (
  { noInput, quiet, plugin = [] }: PluginDialogOptions,
  configured: readonly string[] = [],
): PluginDialog => ({
  named: new Set([...plugin, ...configured].map((name) => name.toLowerCase())),
  tell(name, text) {
    if (!quiet) say(`age-plugin-${name}: ${text}`);
    return !quiet;
  },
  started(kill) {
    const interrupted = (signal: NodeJS.Signals): void => {
      kill();
      release();
      process.kill(process.pid, signal);
    };
    const release = (): void => {
      process.removeListener("exit", kill);
      for (const signal of SIGNALS) process.removeListener(signal, interrupted);
    };
    process.once("exit", kill);
    for (const signal of SIGNALS) process.once(signal, interrupted);
    return release;
  },
  waiting(name) {
    if (!quiet) say(`vault: waiting for age-plugin-${name}`);
  },
  ask: async (name, question, isSecret) => {
    const { askLine, askSecret } = await import("./terminal.ts");
    return unlessNobody(noInput, async () =>
      (isSecret ? askSecret : askLine)(`age-plugin-${name}: ${question}`, OTHERWISE),
    );
  },
  confirm: async (name, question, yes, no) => {
    const { askYes } = await import("./terminal.ts");
    const choice = `(y: ${yes}${no === null ? "" : `, n: ${no}`})`;
    return unlessNobody(noInput, async () => askYes(`age-plugin-${name}: ${question} ${choice}`, OTHERWISE));
  },
});

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const OTHERWISE = "run it on a terminal, for the plugin to ask";

/** The plugin decides what it does where nobody answers. */
async function unlessNobody<T>(noInput: boolean, ask: () => Promise<T>): Promise<T | null> {
  if (noInput) return null;
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CliError && (error.code === "USAGE" || error.code === "NOT_ANSWERED")) return null;
    throw error;
  }
}
