export { peer, type Peer } from "./peer.ts";
export { run, runOk, type RunOptions, type RunResult } from "./run.ts";
export { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
