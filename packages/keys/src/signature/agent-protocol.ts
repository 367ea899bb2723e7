import { KeyError } from "../errors.ts";
import { cleanComment } from "../public/public-key.ts";
import { readSigningKey, type SigningKey } from "./signing-key.ts";
import { WireReader, wireString } from "../wire.ts";

/*
 * What an SSH agent is asked and what it answers: draft-ietf-sshm-ssh-agent. A message is a byte
 * that says what it is, and its fields; on the wire its length goes before it, as a `uint32`. Here
 * are the messages without that.
 */

const NUMBER = { failure: 5, listRequest: 11, listAnswer: 12, signRequest: 13, signAnswer: 14 } as const;
/** Sign with SHA-512 where the key is one of RSA (section 3.6.1). */
const RSA_SHA2_512 = 4;
const title = "answer of the SSH agent";

/** A key that an agent can sign with. */
export interface AgentKey extends SigningKey {
  /** Without control characters; empty where there was none. */
  readonly comment: string;
}

/** Asks for the keys. */
export const AGENT_LIST_REQUEST: Buffer = Buffer.of(NUMBER.listRequest);

/** Begins to read an answer, which must be of that kind. */
const answerReader = (answer: Uint8Array, number: number, refusal: string): WireReader => {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.length);
  const reader = new WireReader(bytes, title, "BAD_AGENT_ANSWER");
  const got = reader.bytes(1).readUInt8();
  if (got === NUMBER.failure) throw new KeyError("BAD_AGENT_ANSWER", refusal);
  if (got !== number) throw reader.malformed(`expected a message of number ${number}, got ${got}`);
  return reader;
};

/**
 * Reads the answer to `AGENT_LIST_REQUEST`. Keys that make no SSH signatures here, such as
 * certificates, are left out.
 *
 * @throws KeyError `BAD_AGENT_ANSWER`
 */
export function readAgentKeys(answer: Uint8Array): AgentKey[] {
  const reader = answerReader(answer, NUMBER.listAnswer, "the SSH agent refused to list its keys");
  const keys: AgentKey[] = [];
  for (let count = reader.uint32(); count > 0; count -= 1) {
    const blob = reader.string();
    const comment = cleanComment(reader.string().toString());
    const key = signingKeyOrNull(blob);
    if (key !== null) keys.push({ type: key.type, blob: key.blob, fingerprint: key.fingerprint, comment });
  }
  reader.end();
  return keys;
}

const signingKeyOrNull = (blob: Buffer): SigningKey | null => {
  try {
    return readSigningKey(blob);
  } catch (error) {
    if (error instanceof KeyError) return null;
    throw error;
  }
};

/**
 * Asks for a signature over data, such as `signedData` gives; with SHA-512 where the key is one of
 * RSA.
 */
export function agentSignRequest({ blob }: SigningKey, data: Uint8Array): Buffer {
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(RSA_SHA2_512);
  return Buffer.concat([Buffer.of(NUMBER.signRequest), wireString(blob), wireString(data), flags]);
}

/**
 * Reads the answer to `agentSignRequest`: what `assembleSignature` takes, and not yet verified.
 *
 * @throws KeyError `BAD_AGENT_ANSWER`
 */
export function readAgentSignature(answer: Uint8Array): Buffer {
  const reader = answerReader(answer, NUMBER.signAnswer, "the SSH agent refused to sign");
  const signature = reader.string();
  reader.end();
  return signature;
}
