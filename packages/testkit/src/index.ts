export { hybridPeer, peer, type Peer } from "./peers/peer.ts";
export { run, runOk, type RunOptions, type RunResult } from "./peers/run.ts";
export { temporaryFolder, type TemporaryFolder } from "./worlds/temporary-folder.ts";
export { runScript, type ScriptOptions } from "./script/script.ts";
export { openTerminal, type Key, type Terminal, type TerminalEnd, type TerminalOptions } from "./terminal/terminal.ts";
export { throwawayRepository, type Repository } from "./worlds/repository.ts";
export { startGnuPg, type GnuPg, type GnuPgKeyOptions } from "./peers/gnupg.ts";
export { makeSshKey, type SshKey, type SshKeyOptions } from "./ssh/ssh-keys.ts";
export { startSshAgent, type SshAgentProcess } from "./ssh/ssh-agent.ts";
export { startFidoAgent, type FidoAgent } from "./ssh/fido-agent.ts";
export { startXServer, type XServer } from "./terminal/x-clipboard.ts";
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
} from "./github/github.ts";
export { mintCertificate, type CertificateOptions, type MintedCertificate } from "./network/certificates.ts";
export { startProxy, type ConnectProxy, type ProxyOptions } from "./network/proxy.ts";
export { startTlsServer, type TlsBehaviour, type TlsServer, type TlsServerOptions } from "./network/tls-server.ts";
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
} from "./kubernetes/kubernetes.ts";
