/* age's plugins: keys whose work another program does. */
export { isPluginKey, parsePluginKey, type PluginKey } from "./key.ts";
export { pluginFailed } from "../errors.ts";
export { PluginIdentity, PluginRecipient } from "./plugin.ts";
export type { PluginConnection, PluginHost } from "./session.ts";
