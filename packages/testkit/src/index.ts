/*
 * What nearly every test needs. The rest is in subpaths, so that a test loads what it uses:
 * @git-vault/testkit/github, /kubernetes, /network, /script and /terminal.
 */
export { cases, isLong, seed, SWITCHES, switchValue, variants, type Switch, type SwitchName } from "./switches.ts";
export { AGE_PLUGIN_TEST, writeAgePlugin, type AgePluginMode } from "./peers/age-plugin.ts";
export { killGroup } from "./peers/kill-group.ts";
export { hybridPeer, peer, type Peer } from "./peers/peer.ts";
export { run, runOk, type RunOptions, type RunResult } from "./peers/run.ts";
export { makeSshKey, type SshKey, type SshKeyOptions } from "./ssh/ssh-keys.ts";
export { startSshAgent, type SshAgentProcess } from "./ssh/ssh-agent.ts";
export { startFidoAgent, type FidoAgent } from "./ssh/fido-agent.ts";
export * from "./worlds/index.ts";
