import type { PluginDialog } from "@git-vault/sharing";
import { gitConfigs } from "../io/git-config.ts";
import { pluginDialog, type PluginDialogOptions } from "../io/plugin-dialog.ts";

/** How age plugins are run where keys of theirs stand in a file or in the members log. */
export const namedPlugins = (options: PluginDialogOptions): PluginDialog =>
  pluginDialog(
    options,
    gitConfigs("git-vault.plugin").flatMap((value) => value.split(/[\s,]+/)),
  );
