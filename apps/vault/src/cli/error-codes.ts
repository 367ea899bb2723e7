/*
 * What the command line makes of an error: its exit code, and what to do about it in the words of
 * the command line. Libraries know neither: their hints name no command and no flag.
 *
 * Every code of every package has a row under the class that bears it; the types prove it.
 *
 * - `WRONG_KEY: 3` is the exit code alone. The library's own hint is printed, if it has one.
 * - `CODE: [1, "do this"]` prints these words instead of the library's hint.
 * - `CODE: [1, ({ subject }) => …]` makes the words of the error: of its `subject` (which
 *   recipient, file or node it is about), of its own hint, or of the command that failed (null
 *   where none was recognised). What gives undefined leaves the library's hint.
 *
 * What is to be done about an error of deploy depends on more than its code: its `remedy` says
 * which words of `remedies.ts` are printed.
 *
 * Where two places throw the same code and different things are to be done, give them two codes.
 */
import { isVaultError, type VaultError } from "@git-vault/core";
import type { DeployError, DeployErrorCode } from "@git-vault/deploy";
import type { DirectoryErrorCode } from "@git-vault/directory";
import type { GitCryptErrorCode } from "@git-vault/git-crypt";
import type { KeyErrorCode } from "@git-vault/keys";
import type { MembersErrorCode } from "@git-vault/members";
import type { SealingErrorCode } from "@git-vault/sealing";
import type { SharingErrorCode } from "@git-vault/sharing";
import { helpHint, type CliErrorCode } from "../errors.ts";
import { hintOf } from "./remedies.ts";

/** What the exit codes mean, as `vault help exit-codes` shows them. */
export const EXIT_CODES = {
  0: "done",
  1: "failed",
  2: "wrong usage, or a question that could not be asked",
  3: "no identity matches, or no usable key, or a wrong one",
  4: "authentication needed, or a wrong passphrase",
  5: "tampered or malformed input",
  6: "network",
  7: "findings",
  8: "stale plan",
  9: "a signature was demanded, and there is none, or it is not by whom it should be",
  10: "a signature was demanded, and --offline forbade to ask whose it is",
  130: "interrupted",
  143: "terminated (SIGTERM)",
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

type Hint = string | ((error: Pick<VaultError, "hint" | "subject">, command: string | null) => string | undefined);
type Outcome = ExitCode | readonly [ExitCode, Hint];
type Outcomes<Code extends string> = Readonly<Record<Code, Outcome>>;

/** The subject of what goes wrong where files of this folder are to be committed. */
const VAULT_FOLDER = ".git-vault";

const MERGE_AGAIN =
  "take that key with `vault unlock`, then merge the file again with `git checkout --merge PATH`; or undo with `git merge --abort` or `git rebase --abort`, and do it again";

/** Hooks are anybody's programs: what the check is called by is the same for all. */
const CALL_CHECK =
  "call `git-vault hooks check` from the hook that is there, and run `vault hooks install` again, which notes that";

/** How a message is sealed to keys of another kind: the subjects of `NO_USABLE_KEY`. */
const OTHER_KEYS: Readonly<Record<string, string>> = {
  "SSH keys": ": --format age",
  "an OpenPGP key": " with --format openpgp",
  "a weak key": " with --allow-weak",
};

/** What to do where no private key opens a message, by the subject of `NO_IDENTITY_MATCHED`. */
const NO_KEY_OF_MINE: Readonly<Record<string, string>> = {
  gpg: "name a private key file by --key, or ask the sender to seal to a key of yours",
  agent:
    "name the file that the key was added from: `vault COMMAND --key FILE`; where there is none, make a key with `vault keys new -o key.txt`, and ask the sender to seal to it",
  "public half":
    "name the private key: `vault COMMAND --key FILE`; where there is none, make a key with `vault keys new -o key.txt`, and ask the sender to seal to it",
  "no key":
    "no private key was found in ~/.ssh: name one by --key; or make one with `ssh-keygen -t ed25519`, and ask the sender to seal to its .pub file",
};

/** By the class of the error, then by its code. A run that fails in nothing makes none of them. */
export const codes = () => ({
  CliError: {
    USAGE: [2, ({ hint }, command) => hint ?? helpHint(command)],
    CLIPBOARD_UNAVAILABLE: 1,
    INPUT_UNREADABLE: 1,
    OUTPUT_UNWRITABLE: 1,
    CLOSED_PIPE: 1,
    BINARY_TO_TERMINAL: 1,
    NOT_A_KEY: 5,
    NO_HOME: 1,
    NOT_INSTALLED: 1,
    LAST_COPY: 1,
    NO_KEY_GIVEN: 3,
    LOG_NOT_ACCEPTED: 2,
    OTHER_LOG: 5,
    UNSIGNED: 9,
    SIGNER_DENIED: 9,
    SIGNER_UNNAMED: 9,
    SIGNER_UNCHECKED: 10,
    SIGNER_UNREACHABLE: 6,
    NOT_SIGNERS_KEY: 3,
    EDITOR_FAILED: 1,
    NOT_CONFIRMED: 1,
    NOT_ANSWERED: 1,
    INTERRUPTED: 130,
    TERMINATED: 143,
  } satisfies Outcomes<CliErrorCode>,
  KeyError: {
    MALFORMED_KEY: 5,
    UNSUPPORTED_KEY: 3,
    UNSUPPORTED_OPENPGP_KEY: [3, "where gpg has the key, leave --key out: then gpg is asked"],
    PASSPHRASE_REQUIRED: 2,
    WRONG_PASSPHRASE: 4,
    KEY_NOT_FOUND: 1,
    MALFORMED_SIGNATURE: 5,
    BAD_SIGNATURE: 5,
    BAD_AGENT_ANSWER: 1,
  } satisfies Outcomes<KeyErrorCode>,
  SealingError: {
    UNKNOWN_FORMAT: 5,
    MALFORMED_MESSAGE: 5,
    UNPROTECTED_MESSAGE: [
      5,
      "anybody could have changed it on the way; have it sealed again by `vault share`, or by a current gpg",
    ],
    TAMPERED_MESSAGE: 5,
    NO_IDENTITY_MATCHED: [
      3,
      ({ hint, subject = "" }, command) => NO_KEY_OF_MINE[subject]?.replace("COMMAND", command ?? "view") ?? hint,
    ],
    WRONG_PASSPHRASE: 4,
    WORK_FACTOR: [5, ({ hint, subject }) => (subject === "limit" ? `${hint ?? ""}, by --max-work-factor` : hint)],
    NO_RECIPIENTS: 2,
    UNUSABLE_RECIPIENT: 3,
    REFUSED_RECIPIENT: [3, "look at the keys with `vault keys`"],
    MIXED_RECIPIENTS: [
      2,
      "a message is as strong as the weakest of its recipients: seal it twice, or allow the mix by --allow-mixed",
    ],
    SEPARATE_RECIPIENTS: 2,
    BAD_SIGNATURE: 5,
    TOO_LARGE: 5,
    MALFORMED_KEY: 5,
    PLUGIN_MISSING: 3,
    PLUGIN_FAILED: 3,
  } satisfies Outcomes<SealingErrorCode>,
  DirectoryError: {
    INVALID_RECIPIENT: 2,
    PLAIN_HTTP: [2, ({ hint }) => `${hint}, or accept that with --insecure-http`],
    NOT_FOUND: 3,
    NO_KEYS: 3,
    AUTHENTICATION_REQUIRED: 4,
    RATE_LIMITED: 6,
    NETWORK: 6,
    BAD_ANSWER: 6,
    FILE_UNREADABLE: 1,
    INVALID_SETTING: 2,
  } satisfies Outcomes<DirectoryErrorCode>,
  GitCryptError: {
    NOT_A_REPOSITORY: [1, ({ hint }) => hint && `${hint}, or name it with -C`],
    UNTRUSTED_REPOSITORY: 1,
    GIT_MISSING: 1,
    TOO_MANY_FILES: 1,
    GIT_FAILED: [1, ({ hint, subject }) => (subject === VAULT_FOLDER ? `${hint} with --no-commit` : hint)],
    NOT_GIT_CRYPT: [
      1,
      ({ hint, subject }) =>
        subject === ".gitattributes"
          ? "nothing was changed; first `vault decrypt --key-file KEY -o .gitattributes HEAD:.gitattributes`, then unlock again"
          : (hint ?? "change to the repository whose key you mean, or begin with `vault init`"),
    ],
    LOCKED: [
      3,
      ({ hint }, command) => (command === "filter" ? "take the key with `vault unlock`, or leave the file out" : hint),
    ],
    NO_SUCH_KEY: 1,
    INVALID_KEY_NAME: 2,
    INVALID_PATTERN: 2,
    KEY_FILE_UNREADABLE: 1,
    MALFORMED_KEY_FILE: [
      5,
      ({ hint, subject }) => (subject === "a sealed message" ? `${hint}, with vault view` : hint),
    ],
    MALFORMED_BLOB: 5,
    TAMPERED_BLOB: 5,
    UNOPENED: [
      3,
      "take the key that they need with `vault unlock`, or restore them from an older commit; --leave-unopened goes on without them: they stay as they are",
    ],
    RETIRED_KEY: [
      3,
      (_, command) =>
        command === "merge"
          ? MERGE_AGAIN
          : "take the present key with `vault unlock`, which finds the copy for you in what was pulled or fetched",
    ],
    NO_CURRENT_KEY: [3, "see `vault status`; `vault unlock` accepts a members log, and `vault rotate` replaces a key"],
    NO_WORK_TREE: 1,
    WRONG_KEY: 3,
    OTHER_KEY: [1, ({ hint }) => hint ?? "it is set up already; `vault init PATTERN` protects more files with it"],
    ALREADY_USED: 1,
    MODIFIED: [1, ({ hint }) => hint ?? "run `vault unlock` first"],
    OTHER_WORKTREES: [1, ({ hint }) => hint ?? "lock all work trees together, with `vault lock --all-worktrees`"],
    INDEX_LOCKED: 1,
    CONFIG_LOCKED: 1,
    UNWRITABLE: 1,
    HALFWAY: 1,
    NO_SUCH_REVISION: 1,
    NO_SUCH_FILE: 1,
    BAD_PROTOCOL: 5,
    UNFINISHED: [
      1,
      ({ hint, subject }) =>
        hint ??
        (subject === undefined
          ? "finish it with `vault rotate --continue`, or undo it with `vault rotate --abort`"
          : `finish it with vault rotate --continue, or undo it with vault rotate --abort, in ${subject}`),
    ],
    NO_BRANCH: [
      1,
      ({ hint, subject }) =>
        subject === VAULT_FOLDER
          ? `${hint} with --no-commit`
          : (hint ??
            "commit first; before the first commit, `vault lock --without-copy` and `vault init` make another key"),
    ],
    NO_ROTATION: [1, "nothing was changed; `vault rotate` begins one"],
    BRANCH_MOVED: [1, "finish it instead, with `vault rotate --continue`"],
    HOOKS_ELSEWHERE: [1, `${CALL_CHECK}; or unset core.hooksPath for this repository`],
    FOREIGN_HOOK: [1, CALL_CHECK],
  } satisfies Outcomes<GitCryptErrorCode>,
  SharingError: {
    NO_RECIPIENTS: 2,
    NO_USABLE_KEY: [3, ({ hint, subject = "" }) => hint && `${hint}${OTHER_KEYS[subject] ?? ""}`],
    INVALID_KEY_CHOICE: [2, ({ hint, subject }) => hint ?? (subject && `list the keys with \`vault keys ${subject}\``)],
    KEY_FILE_UNREADABLE: 1,
    NOT_AN_IDENTITY: [5, "set it to what `vault grant --ci` printed"],
    NO_SIGNING_KEY: [3, ({ hint }) => hint && `${hint} with --sign-key`],
    CANNOT_SIGN: 2,
    AGENT_FAILED: 1,
    GPG_MISSING: [3, "install gpg, or name a private key file by --key"],
    GPG_FAILED: 4,
    MALFORMED_ROOT: 2,
    MEMORY_DAMAGED: 1,
    MEMORY_FULL: 1,
    HISTORY_NEEDED: [
      1,
      "fetch the whole history with `git fetch --unshallow`, or into a partial clone with `vault unlock` while its remote can be reached; in CI, check it out whole, such as by `fetch-depth: 0`",
    ],
    HISTORY_TOO_LARGE: [
      1,
      "see who committed so much with `git log --stat -- .git-vault/members`; take these commits off the branch, or work in a clone whose history begins after them, such as by `git fetch --depth`",
    ],
    DISPUTED: [
      7,
      "ask them who was first, then run `vault unlock --first ID` with how the id of that entry begins; an admin who is no party and then runs `vault rotate` settles it for everybody",
    ],
    LOG_EXISTS: 1,
    LOG_GONE: [
      1,
      ({ subject = "" }) =>
        `see what took it away with \`git log -- .git-vault\`, undo that commit with \`git revert\`, or check out a branch that has it${subject === "" ? "" : `; only if you began this repository again on purpose, remove ${subject}`}; \`vault help LOG_GONE\` says more`,
    ],
    LOG_CHANGED: 1,
    NOT_ADMIN: 3,
    NOT_ALLOWED: 1,
    LAST_ADMIN: 1,
    NO_SUCH_MEMBER: 3,
    AMBIGUOUS_MEMBER: 2,
    NO_SUCH_KEY_NAME: 2,
    NAME_TAKEN: [
      2,
      ({ hint, subject = "" }) => (hint ?? "").replace("remove that member first", `first \`vault revoke ${subject}\``),
    ],
    TOO_MANY_KEYS: [3, "nothing was changed; grant to one key of theirs, or ask them to remove old keys"],
    REMOVED_BEFORE: [2, "nothing was changed; where they are to come back, say so with --readmit"],
    KEYS_TAKEN: [
      2,
      ({ subject = "" }) =>
        `nothing was changed; ask them for a new key, or let one back in with \`vault grant --readmit --key SHA256:… ${subject.startsWith("file:") ? "FILE" : subject}\``,
    ],
    STALE_KEY: [1, ({ subject = "" }) => `first \`vault rotate --key-name ${subject}\``],
    KEY_NOT_HERE: [
      3,
      ({ subject = "" }) =>
        `take it with \`vault unlock\`, and run the command again; where nobody has it, replace it with \`vault rotate --key-name ${subject} --leave-unopened\`; \`vault revoke --leave-unopened\` removes people without it`,
    ],
    UNCONFIRMED_MEMBERS: 2,
    RECIPIENT_CHANGED: 2,
    NOT_EXPECTED: [1, ({ hint, subject }) => (subject === undefined ? hint : `${hint} by --expect`)],
    PINS_UNREADABLE: 1,
  } satisfies Outcomes<SharingErrorCode>,
  MembersError: {
    MALFORMED_ENTRY: 5,
    MALFORMED_KEY: 5,
    FOREIGN_SIGNATURE: 1,
  } satisfies Outcomes<MembersErrorCode>,
  DeployError: {
    NO_PROJECT: 1,
    INVALID_SETTINGS: 5,
    NO_SUCH_ENVIRONMENT: 2,
    NO_SUCH_RELEASE: 2,
    MISSING_FILE: 1,
    EMPTY_LAYER: 1,
    TOO_LARGE: 5,
    MALFORMED_YAML: 5,
    TOO_MANY_ALIASES: 5,
    DUPLICATE_KEY: 5,
    SEVERAL_DOCUMENTS: 5,
    NOT_A_CHART: 5,
    UNSET_VALUE: 1,
    SECRET_IN_CHART: 1,
    FOREIGN_SCHEMA: 5,
    LOCKED: [
      3,
      ({ hint = "give the key by --key-file or $GIT_CRYPT_KEY, or run `vault unlock` first" }, command) =>
        `${hint}${command === "deploy values" || command === "deploy template" ? "; --without-secrets leaves it out" : ""}`,
    ],
    WRONG_KEY: 3,
    NOT_A_KEY: 5,
    TAMPERED_FILE: 5,
    UNPINNED_DEPENDENCY: 1,
    UNLOCKED_DEPENDENCY: 1,
    MISSING_ARCHIVE: 1,
    ARCHIVE_MISMATCH: 5,
    NO_WORK_TREE: 1,
    FETCH_FAILED: 6,
    TOOL_MISSING: 1,
    UNSUPPORTED_TOOL: 1,
    TOOL_FAILED: 1,
    STALE_PLAN: 8,
    MALFORMED_PLAN: 5,
    RELEASE_BUSY: 1,
    RELEASE_LOST: 1,
    ROLLOUT_FAILED: 1,
    ROLLBACK_FAILED: 1,
    NO_REVISION: 1,
    AUDIT_FAILED: 1,
    NO_KUBECONFIG: 1,
    INVALID_KUBECONFIG: 5,
    UNTRUSTED_SOURCE: 5,
    UNTRUSTED_COMMIT: 1,
    INVALID_PROXY: 2,
    NO_CREDENTIAL: 4,
    UNPINNED_CLUSTER: 1,
    WRONG_CLUSTER: 1,
    UNREACHABLE: 6,
    UNAUTHORIZED: 4,
    FORBIDDEN: 4,
    NO_SUCH_OBJECT: 1,
    CONFLICT: 1,
    TOO_MANY_REQUESTS: 6,
    API_FAILED: 1,
    NO_SUCH_NODE: 2,
    LAST_NODE: 1,
    NODE_HELD: 1,
    VERIFICATION_FAILED: 7,
    INTERRUPTED: 130,
  } satisfies Outcomes<DeployErrorCode>,
});

/** An error tells its class by its name: see {@link isVaultError}. */
const isOfDeployment = (error: VaultError): error is DeployError => error.name === "DeployError";

/**
 * The exit code for `error`, and what to do about it.
 *
 * @param command the name of the command that failed, if one was recognised
 */
export function outcomeOf(error: VaultError, command: string | null): { exit: ExitCode; hint: string | undefined } {
  const { code, cause, subject } = error;
  // What a deployment passes on of another package means what it means there.
  if (isOfDeployment(error) && isVaultError(cause) && !isOfDeployment(cause) && cause.code === code)
    return outcomeOf(cause, command);
  const hint = isOfDeployment(error) ? hintOf(error) : error.hint;
  const ofClass: Readonly<Record<string, Outcome>> = new Map(Object.entries(codes())).get(error.name) ?? {};
  const outcome = ofClass[code] ?? 1;
  if (typeof outcome === "number") return { exit: outcome, hint };
  const [exit, words] = outcome;
  return { exit, hint: (typeof words === "string" ? words : words({ hint, subject }, command)) ?? hint };
}
