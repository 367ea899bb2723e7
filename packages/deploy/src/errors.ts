import { isVaultError, VaultError, type VaultErrorOptions } from "@git-vault/core";
import type { GitCryptErrorCode } from "@git-vault/git-crypt";
import type { KeyErrorCode } from "@git-vault/keys";
import type { SealingErrorCode } from "@git-vault/sealing";
import type { SharingErrorCode } from "@git-vault/sharing";

/**
 * - `NO_PROJECT`: there is neither a `deploy.yaml` nor the layout that is taken without one
 * - `INVALID_SETTINGS`: `deploy.yaml`, or what was given instead, is not as its schema says
 * - `NO_SUCH_ENVIRONMENT`: the project has no environment of that name
 * - `NO_SUCH_RELEASE`: the environment has no release of that name
 * - `MISSING_FILE`: a declared layer, chart or kubeconfig is not in the commit
 * - `EMPTY_LAYER`: a declared layer says nothing
 * - `TOO_LARGE`: a file is larger than any such file should be
 * - `MALFORMED_YAML`: a file is not YAML, not UTF-8, or holds what Helm cannot take
 * - `TOO_MANY_ALIASES`: a file's aliases make it much larger than it looks, or refer to themselves
 * - `DUPLICATE_KEY`: a map has the same key twice
 * - `SEVERAL_DOCUMENTS`: a file holds more than one YAML document
 * - `UNSET_VALUE`: a value stands in for one that CI was to set, and did not
 * - `NOT_A_CHART`: the folder holds no `Chart.yaml` that describes a chart
 * - `SECRET_IN_CHART`: a part of the chart that Helm runs is encrypted, or any of its files if the
 *   system has no way to give Helm a chart but by the disk
 * - `FOREIGN_SCHEMA`: a chart's JSON Schema leads out of its file, to where Helm would follow it
 * - `LOCKED`: the file is encrypted and there is no key
 * - `WRONG_KEY`: the key is another repository's
 * - `NOT_A_KEY`: what should be a git-crypt key is none
 * - `TAMPERED_FILE`: an encrypted file was changed, or encrypted with another key than the rest
 * - `UNPINNED_DEPENDENCY`: a chart's dependency is not named by one exact version and an address
 * - `UNLOCKED_DEPENDENCY`: a chart's dependency is not, or not as it is, in `Chart.lock` and
 *   `deploy.lock`
 * - `MISSING_ARCHIVE`: a dependency's archive was not fetched
 * - `ARCHIVE_MISMATCH`: an archive is not the one that was locked
 * - `NO_WORK_TREE`: archives go to the work tree, and the repository has none
 * - `FETCH_FAILED`: a dependency could not be fetched
 * - `TOOL_MISSING`: helm or another program is not there
 * - `UNSUPPORTED_TOOL`: the program's version is not one that is supported
 * - `TOOL_FAILED`: the program failed; the message holds its reason, without secrets
 * - `STALE_PLAN`: what the plan was made for is not so any more
 * - `MALFORMED_PLAN`: the plan is none, or was changed after it was made
 * - `RELEASE_BUSY`: somebody else is, or may be, at the release
 * - `RELEASE_LOST`: somebody else took over the release while the run was at it, and it was left to
 *   them
 * - `ROLLOUT_FAILED`: a workload did not become ready; the message tells why
 * - `ROLLBACK_FAILED`: what failed could not be undone either
 * - `NO_REVISION`: there is no such revision to go back to
 * - `AUDIT_FAILED`: the audit log cannot be written
 * - `NO_KUBECONFIG`: the environment names none
 * - `INVALID_KUBECONFIG`: the kubeconfig is none, or holds what is not taken
 * - `UNTRUSTED_SOURCE`: a file that says what runs or is connected to is stored in plaintext, or
 *   leads to what anyone who can commit could change
 * - `UNTRUSTED_COMMIT`: the kubeconfig takes only commits of a branch, or that a member signed
 * - `INVALID_PROXY`: the environment names a proxy that is not supported
 * - `NO_CREDENTIAL`: the program that the kubeconfig names gave no credential
 * - `UNPINNED_CLUSTER`: nothing says which cluster is the environment's
 * - `WRONG_CLUSTER`: the kubeconfig leads to another cluster than the one that is pinned
 * - `UNREACHABLE`: the cluster cannot be reached, or is not to be trusted
 * - `UNAUTHORIZED`: the cluster does not know the kubeconfig's user (401)
 * - `FORBIDDEN`: the user may not do that (403)
 * - `NO_SUCH_OBJECT`: what was to be changed is not there (404)
 * - `CONFLICT`: it is there already, or somebody else changed it (409)
 * - `TOO_MANY_REQUESTS`: the cluster is busy, or a disruption budget forbids an eviction (429)
 * - `API_FAILED`: the cluster refused for another reason, or answered what is not understood
 * - `NO_SUCH_NODE`: the cluster has no node of that name
 * - `LAST_NODE`: it is the last node of its pool that takes pods
 * - `NODE_HELD`: pods were left on a node that was to be emptied
 * - `VERIFICATION_FAILED`: what was deployed is not well
 * - `INTERRUPTED`: the run was interrupted
 */
export type DeployErrorCode =
  | "NO_PROJECT"
  | "INVALID_SETTINGS"
  | "NO_SUCH_ENVIRONMENT"
  | "NO_SUCH_RELEASE"
  | "MISSING_FILE"
  | "EMPTY_LAYER"
  | "TOO_LARGE"
  | "MALFORMED_YAML"
  | "TOO_MANY_ALIASES"
  | "DUPLICATE_KEY"
  | "SEVERAL_DOCUMENTS"
  | "UNSET_VALUE"
  | "NOT_A_CHART"
  | "SECRET_IN_CHART"
  | "FOREIGN_SCHEMA"
  | "LOCKED"
  | "WRONG_KEY"
  | "NOT_A_KEY"
  | "TAMPERED_FILE"
  | "UNPINNED_DEPENDENCY"
  | "UNLOCKED_DEPENDENCY"
  | "MISSING_ARCHIVE"
  | "ARCHIVE_MISMATCH"
  | "NO_WORK_TREE"
  | "FETCH_FAILED"
  | "TOOL_MISSING"
  | "UNSUPPORTED_TOOL"
  | "TOOL_FAILED"
  | "STALE_PLAN"
  | "MALFORMED_PLAN"
  | "RELEASE_BUSY"
  | "RELEASE_LOST"
  | "ROLLOUT_FAILED"
  | "ROLLBACK_FAILED"
  | "NO_REVISION"
  | "AUDIT_FAILED"
  | "NO_KUBECONFIG"
  | "INVALID_KUBECONFIG"
  | "UNTRUSTED_SOURCE"
  | "UNTRUSTED_COMMIT"
  | "INVALID_PROXY"
  | "NO_CREDENTIAL"
  | "UNPINNED_CLUSTER"
  | "WRONG_CLUSTER"
  | "UNREACHABLE"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NO_SUCH_OBJECT"
  | "CONFLICT"
  | "TOO_MANY_REQUESTS"
  | "API_FAILED"
  | "NO_SUCH_NODE"
  | "LAST_NODE"
  | "NODE_HELD"
  | "VERIFICATION_FAILED"
  | "INTERRUPTED";

/** A place in a file: its path from the top folder, and the line and column, which begin with 1. */
export interface Place {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** The codes of errors that come from the packages below, and mean what they mean there. */
export type PassedOnErrorCode = GitCryptErrorCode | KeyErrorCode | SealingErrorCode | SharingErrorCode;

/**
 * What can be done about an error or a finding, for a program that says it in words of its own,
 * such as which command does it. What it is done with is the subject.
 *
 * - `give-key`: give the key that opens the file
 * - `give-kubeconfig`: give a kubeconfig beside the commit
 * - `export-key`: give a key file, such as another program exports
 * - `give-private-key`: give a private key that opens the file
 * - `allow-cloud-key`: give one, or allow that a cloud is asked for the file's key
 * - `give-values`: give values beside those of the commit
 * - `use-bare-key`: use a private key without a passphrase
 * - `lock`: record the archives of charts
 * - `update-locks`: update `Chart.lock` of the chart that is the subject, too
 * - `lock-again`: record the archive that was published again
 * - `fetch`: fetch the archives
 * - `fetch-again`: remove the archive, and fetch it
 * - `encrypt`: encrypt what lies in plaintext
 * - `plan`: look at what a release is now
 * - `make-plan`: make the plan again
 * - `repair`: repair the release, where it is known that nobody is at it
 * - `force`: do it nevertheless
 * - `evict-all`: evict the pods, too, that would lose local data
 * - `verify`: look at what runs in the environment that is the subject
 * - `rights`: see what the user needs in the environment that is the subject
 * - `drain`, `uncordon`: empty or open the node that is the subject
 */
export type Remedy =
  | "give-key"
  | "give-kubeconfig"
  | "export-key"
  | "give-private-key"
  | "allow-cloud-key"
  | "give-values"
  | "use-bare-key"
  | "lock"
  | "update-locks"
  | "lock-again"
  | "fetch"
  | "fetch-again"
  | "encrypt"
  | "plan"
  | "make-plan"
  | "repair"
  | "force"
  | "evict-all"
  | "verify"
  | "rights"
  | "drain"
  | "uncordon";

/** What may be said beside the message. */
export interface DeployErrorOptions extends VaultErrorOptions {
  readonly remedy?: Remedy | undefined;
  readonly place?: Place;
  readonly status?: number;
}

/** What `@git-vault/deploy` throws. The message never holds a secret. */
export class DeployError extends VaultError<DeployErrorCode | PassedOnErrorCode> {
  /** Where the trouble is, where it is in a file. The message tells it, too. */
  readonly place: Place | undefined;
  /** The HTTP status that the cluster answered with, where it refused. */
  readonly status: number | undefined;
  /** What can be done about it; the hint says it in general words. */
  readonly remedy: Remedy | undefined;

  constructor(code: DeployErrorCode | PassedOnErrorCode, message: string, options: DeployErrorOptions = {}) {
    super(code, message, options);
    this.place = options.place;
    this.status = options.status;
    this.remedy = options.remedy;
  }
}

/** An error about a place in a file, which its message begins with. */
export const errorAt = (
  code: DeployErrorCode,
  place: Place & { readonly line: number },
  message: string,
  options: DeployErrorOptions = {},
): DeployError => new DeployError(code, `${place.file}:${place.line}: ${message}`, { ...options, place });

/** What `act` gives, or the DeployError that it throws. */
export function attempt<T>(act: () => T): T | DeployError {
  try {
    return act();
  } catch (error) {
    if (error instanceof DeployError) return error;
    throw error;
  }
}

/** What `act` gives; `otherwise` where it throws a DeployError. */
export function orElse<T>(otherwise: T, act: () => T): T {
  const result = attempt(act);
  return result instanceof DeployError ? otherwise : result;
}

/** Throws another package's error as the cause of a DeployError; others as they are. */
export function passOn(error: unknown): never {
  if (!isVaultError(error) || error instanceof DeployError) throw error;
  const { message, hint, subject } = error;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the packages that are imported here
  throw new DeployError(error.code as PassedOnErrorCode, message, { hint, subject, cause: error });
}
