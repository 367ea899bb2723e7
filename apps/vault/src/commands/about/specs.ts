/*
 * The commands that tell of vault itself, and what their help says.
 */
import type { CommandSpecs } from "../../cli/command.ts";
import { JSON_FLAG } from "../../cli/flags.ts";

export const ABOUT_COMMANDS = {
  help: {
    group: "about",
    usage: "[COMMAND|TOPIC]",
    summary: "show help for a command or a topic",
    operands: 2,
    flags: {},
  },
  doctor: {
    group: "about",
    usage: "",
    summary: "explain how the repository is set up, and what is wrong with it",
    description: [
      "Looks at git's version, the settings of the filters and merge drivers and the programs that they name, the keys, and who may read them. It changes nothing and runs none of these programs. If secrets are at risk, or git would stop, the exit code is 7.",
      "A path in the settings is stale if the program was moved or removed later; `vault unlock` in an unlocked repository writes the present one.",
    ],
    operands: 0,
    flags: { json: JSON_FLAG },
  },
  completion: {
    group: "about",
    usage: "bash|zsh|fish|powershell",
    summary: "print a completion script for a shell",
    description: [
      "Tab then completes names as well, such as those of environments and members: see docs/start/install.md.",
    ],
    examples: [
      "source <(vault completion bash)",
      "vault completion fish > ~/.config/fish/completions/vault.fish",
      "vault completion powershell >> $PROFILE",
    ],
    operands: 1,
    complete: [["bash", "zsh", "fish", "powershell"]],
    flags: {},
  },
  complete: {
    usage: "SHELL WORD…",
    summary: "answer a completion script, which runs it",
    operands: Number.POSITIVE_INFINITY,
    flags: {},
  },
  "clear-clipboard": {
    usage: "",
    summary: "clear the clipboard later, if it still holds what was copied; run by vault itself",
    operands: 0,
    flags: {},
  },
} as const satisfies CommandSpecs;
