import { printable } from "@git-vault/core";
import { findAgents, KeyError, readPublicKeys, type SshPublicKey } from "@git-vault/keys";
import { SealingError } from "@git-vault/sealing";
import { SharingError } from "../errors.ts";
import type { LocalIdentities } from "../identities/local-identities.ts";
import { configSource } from "../identities/config-source.ts";
import { SshAgent } from "../identities/ssh-agent.ts";
import { knownRecipients } from "./known-recipients.ts";

/** Milliseconds to wait for an agent, where all that can come of it are better words. */
const PATIENCE = 2000;

/** A key of the user's that does not open messages here, and why. */
interface Lame {
  readonly key: SshPublicKey;
  readonly subject: "agent" | "public half" | "unusable key";
  readonly why: string;
  readonly hint: string;
}

/**
 * The error for a message that no private key here opens: which key it wants, if that is one of the
 * user's, and what was tried else. Its subject says which of the cases it is.
 *
 * @param message how it begins, with its whole header
 */
export async function explainNoIdentity(
  error: SealingError,
  message: Uint8Array,
  local: LocalIdentities,
): Promise<SealingError> {
  const lame = [...withoutPrivateHalf(local), ...(local.isNamed ? [] : await heldByAgents(local))];
  const [wanted] = sealedTo(message, lame);
  if (wanted !== undefined) {
    const { key, why, hint, subject } = wanted;
    const comment = key.comment === "" ? "" : ` (${printable(key.comment)})`;
    const text = `the message is sealed to ${key.fingerprint}${comment}, ${why}`;
    return new SealingError(error.code, text, { hint, subject, cause: error });
  }
  const hint = whatWasTried(local);
  const isNone = hint === null;
  return new SealingError(error.code, error.message, {
    hint: hint ?? "no private key was found in ~/.ssh: name one, or ask the sender to seal to a key of yours",
    cause: error,
    ...(isNone ? { subject: "no key" } : {}),
  });
}

function sealedTo(message: Uint8Array, lame: readonly Lame[]): Lame[] {
  try {
    const { keys } = knownRecipients(
      message,
      lame.map(({ key }) => key),
    );
    return lame.filter(({ key }) => keys.includes(key));
  } catch (error) {
    // Words that would have been better are no reason to lose the error.
    if (error instanceof SealingError) return [];
    throw error;
  }
}

const withoutPrivateHalf = ({ found }: LocalIdentities): Lame[] =>
  found.flatMap(({ path, file, publicKey, problem, isMissing }): Lame[] => {
    if (file !== null || publicKey === null || problem === null) return [];
    const shown = printable(path);
    return isMissing
      ? [
          {
            key: publicKey,
            subject: "public half",
            why: `the key of ${shown}.pub, whose private half is not beside it: ${problem}`,
            hint: "name the file of the private key, or ask the sender to seal to another key of yours",
          },
        ]
      : [
          {
            key: publicKey,
            subject: "unusable key",
            why: `the key of ${shown}, which cannot be used: ${problem}`,
            hint: "mend that file, or ask the sender to seal to another key of yours",
          },
        ];
  });

async function heldByAgents({ home, env }: LocalIdentities): Promise<Lame[]> {
  const paths = [env["SSH_AUTH_SOCK"] ?? "", ...findAgents({ home, ...configSource(env) })];
  const held: Lame[] = [];
  for (const path of new Set(paths)) {
    if (path === "") continue;
    for (const { type, blob, comment } of await keysOf(new SshAgent(path, PATIENCE))) {
      const key = readPublicKeys(`${type} ${blob.toString("base64")} ${comment}`)[0]?.key ?? null;
      if (key === null) continue;
      held.push({
        key,
        subject: "agent",
        why: "which only the SSH agent holds: an agent signs with its keys, and cannot decrypt",
        hint: comment.startsWith("/")
          ? `name the file of the private key, which may be ${printable(comment)}`
          : "name the file of the private key, or ask the sender to seal to another key of yours",
      });
    }
  }
  return held;
}

async function keysOf(agent: SshAgent): ReturnType<SshAgent["keys"]> {
  try {
    return await agent.keys();
  } catch (error) {
    if (error instanceof SharingError || error instanceof KeyError) return [];
    throw error;
  }
}

function whatWasTried({ found, paths }: LocalIdentities): string | null {
  const tried = found.flatMap(({ path, file, problem, isGuessed }) => {
    if (isGuessed && file === null) return [];
    const reason = problem ?? file?.publicKey?.fingerprint;
    return [reason === undefined ? printable(path) : `${printable(path)} (${reason})`];
  });
  const sshPaths = new Set<string | null>(found.map(({ path }) => path));
  const agePaths = paths.filter((path) => path !== null && !sshPaths.has(path));
  const all = [...new Set(agePaths.map((path) => printable(path ?? ""))), ...tried];
  if (all.length === 0) return null;
  return `tried ${all.join(", ")}: name another private key, or ask the sender to seal to one of these`;
}
