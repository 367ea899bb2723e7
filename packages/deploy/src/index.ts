/* What is deployed, and where to. The rest is in subpaths, such as `@git-vault/deploy/releases`. */
export { Project, type ProjectOptions } from "./project/project.ts";
export type { Environment, Release } from "./project/environment.ts";
export type { FetchedArchive } from "./charts/fetch.ts";
export { Cluster, WritableCluster } from "./cluster/cluster.ts";
/* What goes wrong. */
export { DeployError, type DeployErrorCode, type Remedy } from "./errors.ts";
export { GitCryptError } from "@git-vault/git-crypt";
