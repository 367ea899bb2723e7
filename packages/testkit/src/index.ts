export { hybridPeer, peer, type Peer } from "./peer.ts";
export { run, runOk, type RunOptions, type RunResult } from "./run.ts";
export { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
export { runScript, type ScriptOptions } from "./script.ts";
export { openTerminal, type Key, type Terminal, type TerminalEnd, type TerminalOptions } from "./terminal.ts";
export { throwawayRepository, type Repository } from "./repository.ts";
export { startGnuPg, type GnuPg, type GnuPgKeyOptions } from "./gnupg.ts";
export { makeSshKey, type SshKey, type SshKeyOptions } from "./ssh-keys.ts";
export { startSshAgent, type SshAgentProcess } from "./ssh-agent.ts";
export { startFidoAgent, type FidoAgent } from "./fido-agent.ts";
export { startXServer, type XServer } from "./x-clipboard.ts";
export {
  startGitHub,
  type GitHubFault,
  type GitHubFaultKind,
  type GitHubOptions,
  type GitHubRate,
  type GitHubRequest,
  type GitHubStandIn,
  type GitHubState,
  type GitHubUser,
} from "./github.ts";
export { mintCertificate, type CertificateOptions, type MintedCertificate } from "./certificates.ts";
export { startProxy, type ConnectProxy, type ProxyOptions } from "./proxy.ts";
export { startTlsServer, type TlsBehaviour, type TlsServer, type TlsServerOptions } from "./tls-server.ts";
export {
  startKubernetes,
  type KubernetesCredentials,
  type KubernetesFault,
  type KubernetesFaultKind,
  type KubernetesNode,
  type KubernetesObject,
  type KubernetesOptions,
  type KubernetesRequest,
  type KubernetesStandIn,
  type KubernetesState,
  type KubernetesUser,
  type PodFate,
  type PodRule,
} from "./kubernetes.ts";
