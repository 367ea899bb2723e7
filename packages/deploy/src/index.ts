/* What is deployed, and where to. The rest is in subpaths, such as `@git-vault/deploy/releases`. */
export { Project, type ProjectOptions } from "./project/project.ts";
export { type OutlinedEnvironment, outlineOf } from "./project/outline.ts";
export type { GivenKubeconfig } from "./project/given-kubeconfig.ts";
export type { SopsKeySource } from "./sops/sops-keys.ts";
export { type Environment, type Release, releaseIn } from "./project/environment.ts";
export type { FetchedArchive, FetchProgress } from "./charts/fetch.ts";
export { checkLock, lockCharts, type LockDifference, type LockOptions } from "./project/lock-charts.ts";
export { Cluster, WritableCluster } from "./cluster/cluster.ts";
/* What goes wrong. */
export { DeployError, type DeployErrorCode, type PassedOnErrorCode, type Place, type Remedy } from "./errors.ts";
export { GitCryptError, type GitCryptErrorCode } from "@git-vault/git-crypt";
export { isVaultError, VaultError } from "@git-vault/core";
