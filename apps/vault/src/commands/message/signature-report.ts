import { plural, printable } from "@git-vault/core";
import { Directory, forgeUserOf, parseQuery, userNameOf } from "@git-vault/directory";
import type { MessageSignature } from "@git-vault/sealing";
import { checkSigner, type SignerCheck } from "@git-vault/sharing";
import { CliError } from "../../errors.ts";
import { wantsSignature, type SignerOptions } from "../../cli/flags.ts";
import type { KnownSigner, SignerKnowledge } from "./known-signer.ts";

/** How a signature is checked. */
export interface CheckOptions extends SignerOptions {
  readonly insecureHttp?: boolean;
}

/** What --json tells of a signature. */
export interface SignatureReport {
  readonly from: string | null;
  readonly fingerprint: string;
  readonly date: string;
  readonly state: SignerCheck["state"];
  readonly reason: string | null;
  /** Null where the forge confirmed who it is, and nobody else was asked. */
  readonly known: KnownSigner | null;
}

/** What is known of who sent something. */
export interface Verdict {
  /** What --json tells of the signature; null where there is none. */
  readonly signature: SignatureReport | null;
  /** The same as a sentence, which names nothing that it did not check the form of. */
  readonly sentence: string;
}

/** The error for what has no signature where one is wanted. */
export const unsigned = (what: string): CliError =>
  new CliError("UNSIGNED", `${what} is not signed`, {
    hint: "ask the sender to share it again, with `vault share --sign`",
  });

/** What a signature is not known to be is told by its own code: a network may be there again. */
const REFUSALS = {
  denied: "SIGNER_DENIED",
  unnamed: "SIGNER_UNNAMED",
  unchecked: "SIGNER_UNCHECKED",
  unreachable: "SIGNER_UNREACHABLE",
} as const;

/**
 * Finds out whose a verified signature is, as the flags say.
 *
 * @throws CliError `SIGNER_DENIED`, `SIGNER_UNNAMED`, `SIGNER_UNCHECKED`, `SIGNER_UNREACHABLE`
 * where a signature is wanted; DirectoryError for the recipient of --signed-by
 */
export async function reportSignature(signature: MessageSignature, options: CheckOptions): Promise<Verdict> {
  const { from, date, publicKey } = signature;
  const { fingerprint } = publicKey;
  const wanted = options.signedBy;
  const { isRevoked, knownSigner } = await import("./known-signer.ts");
  const asked = (await isRevoked(publicKey)) ? REVOKED : await checkKey(signature, options);
  const knowledge = asked.state === "confirmed" ? null : await knownSigner(publicKey);
  const known = knowledge?.known ?? null;
  const check = knowledge === null ? asked : withAllowed(asked, knowledge, from, wanted);
  if (wantsSignature(options) && check.state !== "confirmed") {
    throw new CliError(
      REFUSALS[check.state],
      `the signature is not known to be ${printable(wanted ?? from ?? "anybody")}'s: ${check.reason}`,
      { hint: `it was made by the key ${fingerprint}: with --signed-by ${fingerprint} that very key is demanded` },
    );
  }
  const reason = check.state === "confirmed" ? null : check.reason;
  return {
    signature: { from, fingerprint, date, state: check.state, reason, known },
    sentence: `${sentence(signature, wanted, check, knowledge)}${memberText(signature, known)}`,
  };
}

/**
 * Where no forge denies it, the user's own file of allowed signers is believed: of who the user
 * wants, else of who the signature names. It says nothing of another name for the same key.
 */
function withAllowed(
  check: SignerCheck,
  { known: { allowed }, isAllowedAs, problem }: SignerKnowledge,
  from: string | null,
  wanted: string | undefined,
): SignerCheck {
  if (check.state === "denied" || check.state === "confirmed") return check;
  // The sender chose the name of the signature: a pattern that fits it says nothing of them.
  const isOfFrom = from === null ? allowed.length > 0 : allowed.includes(from);
  if (wanted === undefined ? isOfFrom : isAllowedAs(wanted)) return { state: "confirmed", source: ALLOWED };
  if (problem !== null) return { ...check, reason: `${check.reason}; ${problem}` };
  if (wanted !== undefined && PRINCIPAL.test(wanted))
    return { state: "denied", reason: `the key is not one of theirs among ${ALLOWED}` };
  if (wanted !== undefined || allowed.length === 0) return check;
  return { ...check, reason: `${check.reason}; ${ALLOWED} have the key as that of ${printable(allowed.join(", "))}` };
}

/** No recipient is written so; a principal of a file of allowed signers often is. */
const PRINCIPAL = /^[^@/\\\s]+@[^@/\\\s]+$/;

/** The source of what a file of allowed signers says. */
const ALLOWED = "git's allowed signers";

/** An admin of the repository wrote it: it may help to know, and confirms nothing. */
function memberText({ from }: MessageSignature, known: KnownSigner | null): string {
  if (known === null || known.member === null) return "";
  const isOther = from !== null && known.member !== from;
  return `; the members log here ${isOther ? "SAYS OTHERWISE: it has" : "has"} that key as ${printable(known.member)}'s`;
}

function sentence(
  { from, date, publicKey: { fingerprint } }: MessageSignature,
  wanted: string | undefined,
  check: SignerCheck,
  knowledge: SignerKnowledge | null,
): string {
  const dated = `dated ${dateText(date)}`;
  if (check.state === "confirmed") {
    if (check.source === ALLOWED) {
      const names = printable(wanted ?? from ?? knowledge?.known.allowed.join(", ") ?? "");
      const claim = from === null || wanted === undefined || wanted === from ? "" : `, signing as ${from}`;
      return `signed by ${names}${claim}, ${dated}, with ${fingerprint}, a key of theirs among ${ALLOWED}`;
    }
    if (from === null || wanted !== undefined)
      return `signed by ${printable(wanted ?? "")}, ${dated}, with ${fingerprint}`;
    const title = forgeUserOf(from)?.forge.title ?? "the forge";
    return `signed by ${from}, ${dated}, with ${fingerprint}, a key of theirs on ${title}`;
  }
  if (check.state === "denied")
    return `WARNING: signed as ${from ?? "NOBODY NAMED"}, but ${check.reason}: ${fingerprint}, ${dated}`;
  if (from === null) {
    const problem = knowledge?.problem ?? null;
    return `signed by NOBODY NAMED, ${dated}, with ${fingerprint}${problem === null ? "" : `; ${problem}`}`;
  }
  return `NOT CHECKED: signed as ${from}, ${dated}, with ${fingerprint}; ${check.reason}`;
}

const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;
/** Seconds by which two clocks may differ. */
const SKEW = 300;

/** `2026-11-25 09:30 UTC (5 days ago)`: what is sent again looks as old as it is. */
function dateText(date: string): string {
  const age = Math.floor((Date.now() - Date.parse(date)) / 1000);
  const [name, seconds] = UNITS.find(([, its]) => age >= 2 * its || its === 60) ?? ["minute", 60];
  const count = Math.floor(age / seconds);
  const told = age < -SKEW ? "IN THE FUTURE" : count < 1 ? "just now" : `${plural(count, name)} ago`;
  return `${date.slice(0, 10)} ${date.slice(11, 16)} UTC (${told})`;
}

/** Whatever else is said of the key: the user's own list of revoked keys has it. */
const REVOKED: SignerCheck = { state: "denied", reason: "git's gpg.ssh.revocationFile revokes the key" };

const checkKey = async (signature: MessageSignature, options: CheckOptions): Promise<SignerCheck> =>
  options.signedBy === undefined ? checkNamed(signature, options) : checkWanted(signature, options.signedBy, options);

const checkNamed = (signature: MessageSignature, options: CheckOptions): Promise<SignerCheck> =>
  checkSigner(signature, options.offline ? null : new Directory());

/** Whether the key is one of R's, and R whom the signature names, if anybody. */
async function checkWanted(
  { from, publicKey }: MessageSignature,
  wanted: string,
  options: CheckOptions,
): Promise<SignerCheck> {
  const denied: SignerCheck = { state: "denied", reason: "the key is not one of theirs" };
  if (wanted.startsWith("SHA256:")) {
    return wanted === publicKey.fingerprint ? { state: "confirmed", source: "the key itself" } : denied;
  }
  if (PRINCIPAL.test(wanted)) return { state: "unchecked", reason: "no forge knows such a name" };
  const name = userNameOf(wanted);
  if (name !== null) {
    if (from !== null && from !== name) return { state: "denied", reason: `it names ${from}` };
    return checkSigner({ from: name, publicKey }, options.offline ? null : new Directory());
  }
  if (options.offline && !["file", "literal"].includes(parseQuery(wanted).kind)) {
    return { state: "unchecked", reason: "--offline forbids to ask for their keys" };
  }
  const entries = await new Directory({ allowHttp: options.insecureHttp === true }).resolve(wanted);
  const entry = entries.find(({ keys }) => keys.some(({ fingerprint }) => fingerprint === publicKey.fingerprint));
  return entry === undefined ? denied : { state: "confirmed", source: entry.source };
}
