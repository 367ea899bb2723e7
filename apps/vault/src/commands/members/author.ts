import { Directory } from "@git-vault/directory";
import { isVaultError, printable } from "@git-vault/core";
import { runProgram } from "@git-vault/git-crypt/programs";
import { findSigner, SharingError, type Signer } from "@git-vault/sharing";
import {
  assertAdmin,
  assertLogHere,
  nameOfMember,
  peopleOf,
  type Members,
  type Person,
} from "@git-vault/sharing/members";
import { CliError } from "../../errors.ts";
import type { Options } from "../../cli/command.ts";
import type { AUTHOR_FLAGS, DialogOptions } from "../../cli/flags.ts";
import { canAsk } from "../../io/confirm.ts";
import { gitConfig } from "../../io/git-config.ts";
import { homeFolder } from "../../io/input.ts";
import { passphraseSource } from "../../io/passphrase.ts";
import { say } from "../../io/streams.ts";
import { signerName, signOptions } from "../sign-options.ts";

/** What the flags of commands say that write into the members log. */
export type AuthorOptions = DialogOptions & Options<typeof AUTHOR_FLAGS>;

/**
 * Finds the key that signs what is written into the log: that of --sign-key, else one in the agent
 * or in ~/.ssh that is an admin's. No forge is asked.
 *
 * @throws SharingError `LOG_GONE`; `NOT_ADMIN` where there is none; what `findSigner` does
 */
export async function findAuthor(members: Members, options: AuthorOptions): Promise<Signer> {
  const find = async (some: Members["branch"]["members"]): Promise<Signer> => {
    const among = some.flatMap(({ keys }) => keys.flatMap(({ id, signs }) => (signs ? id : [])));
    return findSigner({ home: homeFolder(), passphrase: passphraseSource(options), key: options.signKey, among });
  };
  assertLogHere(members);
  const { branch } = members;
  const admins = branch.members.filter(({ role }) => role === "admin");
  try {
    return await find(admins);
  } catch (error) {
    if (options.signKey !== undefined || !isVaultError(error) || error.code !== "NO_SIGNING_KEY") throw error;
    // A reader's key tells who they are, and that they may not.
    const reader = await find(branch.members).catch(() => null);
    if (reader !== null) assertAdmin(branch, reader);
    const names = admins.map((one) => printable(nameOfMember(one))).slice(0, 20);
    throw new SharingError(
      "NOT_ADMIN",
      "no private key here or in an SSH agent belongs to an admin of the members log",
      {
        hint: `sign with the key of an admin, or ask one: ${names.join(", ")}`,
        cause: error,
      },
    );
  }
}

/** Who starts a log, and the key that they sign with. */
export interface Starter {
  readonly author: Signer;
  readonly person: Person;
}

/**
 * Finds out who starts a log: by --as, else git's git-vault.user or github.user, else by asking,
 * once. Their account and its keys are those of the forge; without a name it is a key alone.
 *
 * @throws what `signOptions` and the directory do
 */
export async function findStarter(options: AuthorOptions): Promise<Starter> {
  const known = signerName(options);
  const name = known ?? (await askName(options));
  const { signer } = await signOptions({ ...options, as: name });
  const directory = new Directory();
  if (name === undefined) {
    const person = nobodyNamed(signer);
    if (!options.quiet) {
      say(
        `vault: you are ${printable(person.label)} in the members log, without an account; \`--as NAME\` names your user on GitHub`,
      );
    }
    return { author: signer, person };
  }
  const { people } = await peopleOf(await directory.resolve(name), directory);
  const [person] = people;
  const { fingerprint } = signer.publicKey;
  // A key that only signs is theirs as well: nothing is sealed to it.
  const { keys } = await directory.resolveSigner(name);
  if (!keys.some((key) => key.fingerprint === fingerprint) && options.signKey === undefined) {
    throw new CliError("NOT_SIGNERS_KEY", `the key ${fingerprint} is none of ${printable(name)}`, {
      hint: "add it to the account, or name another key by --sign-key",
    });
  }
  // Git keeps an answer, so that it is asked once; a name that nobody has is no answer.
  if (known === undefined) runProgram("git", ["config", "git-vault.user", name], { stdio: "ignore" });
  return { author: signer, person: person ?? nobodyNamed(signer) };
}

/** Somebody without an account is called by git's address for them. */
function nobodyNamed({ publicKey }: Signer): Person {
  const email = gitConfig("user.email") ?? "";
  const label = /^[\x21-\x7e]{1,100}$/.test(email) ? email : publicKey.fingerprint;
  return { label, account: null, keys: [], openPgp: [] };
}

async function askName(options: AuthorOptions): Promise<string | undefined> {
  if (!canAsk(options)) return undefined;
  const { askLine } = await import("../../io/terminal.ts");
  const answer = (await askLine("Your user name on GitHub (empty: none)", "say --as NAME")).trim();
  if (answer === "") return undefined;
  return signerName({ as: answer });
}

/**
 * As `findStarter`, where nobody needs to start a log: without a key to sign with there is none.
 *
 * @returns null where no key is found, which is said
 */
export async function findStarterIfAny(options: AuthorOptions): Promise<Starter | null> {
  try {
    return await findStarter(options);
  } catch (error) {
    if (options.signKey !== undefined || options.as !== undefined || !isVaultError(error)) throw error;
    if (!SKIPPED.has(error.code)) throw error;
    if (!options.quiet) {
      say(`vault: no members log was started: ${error.message}`);
      say(
        "vault: nobody else can open the key until there is one: run `vault init` again, by --as NAME and --sign-key FILE, or `vault grant`",
      );
    }
    return null;
  }
}

/** What keeps a log from being started, and is no reason to fail: no key, or no forge. */
const SKIPPED = new Set([
  "NO_SIGNING_KEY",
  "NOT_SIGNERS_KEY",
  "AGENT_FAILED",
  "NETWORK",
  "RATE_LIMITED",
  "BAD_ANSWER",
  "NOT_FOUND",
  "NO_KEYS",
  "NO_USABLE_KEY",
  "AUTHENTICATION_REQUIRED",
]);
