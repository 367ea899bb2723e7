export { startGitHub, type GitHubOptions, type GitHubStandIn } from "./github.ts";
export type { GitHubFault, GitHubFaultKind, GitHubRate, GitHubRequest, GitHubState, GitHubUser } from "./state.ts";
