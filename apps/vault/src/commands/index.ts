import type { CommandName, Invocation } from "../table.ts";

/** What a command's module exports. */
interface CommandModule {
  run(invocation: Invocation): Promise<void>;
}

/** What each command of the table does. A module is evaluated when its command runs. */
export const commands: Readonly<Record<CommandName, () => Promise<CommandModule>>> = {
  share: () => import("./share.ts"),
  view: () => import("./view.ts"),
  keys: () => import("./keys.ts"),
  create: () => import("./create.ts"),
  help: () => import("./help.ts"),
  completion: () => import("./completion.ts"),
  "clear-clipboard": () => import("./clear-clipboard.ts"),
};
