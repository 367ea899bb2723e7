import { timingSafeEqual } from "node:crypto";
import { assertBytes } from "@git-vault/core";
import { KeyError, readSignature, verifySignature, type SigningKey } from "@git-vault/keys";
import type { AttachedSignature } from "./age/attached-signature.ts";
import { SealingError } from "./errors.ts";

/*
 * What the sender of a message signs, the statement, and how a receiver verifies it. See
 * docs/formats.md.
 */

/** The namespace of the SSH signatures of messages. */
export const SIGNATURE_NAMESPACE = "git-vault";

/** What a sender says of a message. */
export interface MessageStatement {
  /**
   * Who the sender claims to be: a forge, a colon and a name there, such as `github:alice`, in
   * lower case; null if no one. Which forges there are is not known here.
   */
  readonly from: string | null;
  /** When it was signed: UTC, in whole seconds, such as `2026-11-25T09:30:00Z`. */
  readonly date: string;
  /** The SHA-256 of the plaintext, 32 bytes. */
  readonly digest: Buffer;
  /** Whom it is sealed to: fingerprints (`SHA256:…`) and age recipients, at least one. */
  readonly recipients: readonly string[];
}

/** Who signed a message: the key, and who they claim to be, which is still to be checked. */
export interface MessageSignature extends MessageStatement {
  readonly publicKey: SigningKey;
}

const VERSION_LINE = "git-vault message v1";
const FROM = /^[a-z]{2,32}:[a-z0-9_][a-z0-9_.-]{0,254}$/;
const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const RECIPIENT = /^[\x21-\x7e]{1,4096}$/;
const STATEMENT = new RegExp(
  `^${VERSION_LINE}\\n(?:from (\\S+)\\n)?date (\\S+)\\nsha256 ([0-9a-f]{64})\\n((?:to \\S+\\n)+)$`,
);

const isSound = ({ from, date, recipients }: Omit<MessageStatement, "digest">): boolean =>
  (from === null || FROM.test(from)) &&
  DATE.test(date) &&
  !Number.isNaN(Date.parse(date)) &&
  recipients.length > 0 &&
  recipients.every((recipient) => RECIPIENT.test(recipient));

/**
 * The statement as it is signed, with `SIGNATURE_NAMESPACE`.
 *
 * Throws TypeError and RangeError for fields that it cannot hold.
 */
export function encodeStatement(statement: MessageStatement): Buffer {
  const { from, date, digest, recipients } = statement;
  assertBytes("digest", digest, 32);
  if (!isSound(statement)) throw new RangeError("statement: expected a forge's user, a date and recipients");
  const lines = [
    VERSION_LINE,
    ...(from === null ? [] : [`from ${from}`]),
    `date ${date}`,
    `sha256 ${digest.toString("hex")}`,
    ...recipients.map((recipient) => `to ${recipient}`),
  ];
  return Buffer.from(`${lines.join("\n")}\n`);
}

const bad = (problem: string, cause?: unknown): SealingError =>
  new SealingError("BAD_SIGNATURE", `the sender's signature is not valid: ${problem}`, {
    hint: "somebody else may have sealed the message: ask the sender to share the secret with you again",
    cause,
  });

const parseStatement = (bytes: Buffer): MessageStatement => {
  const [, from = null, date = "", digest = "", to = ""] = STATEMENT.exec(bytes.toString("latin1")) ?? [];
  const recipients = [...to.matchAll(/^to (.*)$/gm)].map(([, recipient = ""]) => recipient);
  const statement = { from, date, digest: Buffer.from(digest, "hex"), recipients };
  if (!isSound(statement)) throw bad("its statement is malformed");
  return statement;
};

/**
 * Verifies the signature of a message that was opened: that its key signed the statement, that the
 * statement is of this plaintext, and that it names the key that opened the message among the
 * recipients; otherwise one of them could have sealed the signed secret again, to others. Who owns
 * the key is for the caller to find out.
 *
 * @param digest the SHA-256 of the plaintext, 32 bytes
 * @param openedBy the fingerprint of the key, or the age recipient, that opened the message
 *
 * Throws SealingError `BAD_SIGNATURE`.
 */
export function verifyMessage(
  attached: AttachedSignature,
  { digest, openedBy }: { readonly digest: Uint8Array; readonly openedBy: string },
): MessageSignature {
  assertBytes("digest", digest, 32);
  const statement = parseStatement(attached.statement);
  const publicKey = verifiedKey(attached);
  if (!timingSafeEqual(statement.digest, digest)) throw bad("it was made for another secret");
  if (!statement.recipients.includes(openedBy)) throw bad("it was made for a message to other recipients");
  return { ...statement, publicKey };
}

const verifiedKey = (attached: AttachedSignature): SigningKey => {
  try {
    const signature = readSignature(attached.signature);
    verifySignature(signature, { namespace: SIGNATURE_NAMESPACE, message: attached.statement });
    return signature.publicKey;
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw bad(error.code === "BAD_SIGNATURE" ? "its key did not sign this message" : error.message, error);
  }
};
