/*
 * What tests stand in:
 *
 * - `temporaryFolder`: an empty folder
 * - `throwawayRepository`: an empty git repository on the branch `main`
 * - `startGnuPg`: a home of the real gpg, with its agent
 * - `GIT_CRYPT_KEY`, `encryptWithGitCrypt`: a key of git-crypt, and what it encrypts
 * - `pathWithVault`: a PATH that begins with the built program
 * - `KeyHomes`: homes with SSH keys of all kinds, a new one for each run of a program
 * - `startScriptPeople`: users and a team on GitHub, whose keys lie in a script's folders
 * - `makeTeamWorld`: people with homes, clones and gpg, who share a repository
 * - `deployWorld`: a repository with a chart and secrets, and the cluster that it is deployed to
 * - `startInternet`: every host of the internet, over TLS and behind a proxy
 *
 * Those that need GitHub, a cluster or certificates load them when they are made.
 */
export { deployWorld, PASSWORD, type DeployWorld } from "./deployed.ts";
export { encryptWithGitCrypt, GIT_CRYPT_KEY } from "./git-crypt-key.ts";
export { startGnuPg, type GnuPg, type GnuPgKeyOptions } from "./gnupg.ts";
export { startInternet, type Internet } from "./internet.ts";
export { KeyHomes, type Invocation, type LeftFile, type OpenVault, type Outcome } from "./key-homes.ts";
export { pathWithVault } from "./program-on-path.ts";
export { NOT_KEPT, throwawayRepository, type Repository } from "./repository.ts";
export { startScriptPeople, type ScriptPeople } from "./script-people.ts";
export { makeTeamWorld, type TeamWorld } from "./team.ts";
export { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
