/*
 * The commands on messages, which most runs are of: what they take is known before there is
 * anything of the others.
 */
import type { Loaders } from "../../cli/command.ts";
import { CommandTable } from "../../cli/command-table.ts";
import { MESSAGE_COMMANDS } from "./specs.ts";

export const MESSAGE_TABLE: CommandTable<keyof typeof MESSAGE_COMMANDS> = new CommandTable(MESSAGE_COMMANDS);

/** What each of them does, loaded when it runs. */
export const messageLoaders: Loaders<typeof MESSAGE_COMMANDS> = {
  share: () => import("./share.ts"),
  view: () => import("./view.ts"),
  page: () => import("./page.ts"),
  keys: () => import("./keys.ts"),
};
