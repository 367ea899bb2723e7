export { peer, type Peer } from "./peer.ts";
export { run, runOk, type RunOptions, type RunResult } from "./run.ts";
export { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
export { runScript, type ScriptOptions } from "./script.ts";
export { openTerminal, type Key, type Terminal, type TerminalEnd, type TerminalOptions } from "./terminal.ts";
