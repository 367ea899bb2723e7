import { KeyError } from "../errors.ts";
import { cleanComment } from "../public/public-key.ts";
import { WireReader, wireString, wireUint32 } from "../wire.ts";
import { readSigningKey, type SigningKey } from "./signing-key.ts";

/*
 * The messages to and from an SSH agent (draft-ietf-sshm-ssh-agent): a byte with its number, and
 * its fields. The length that precedes a message on the wire is not part of them.
 */

const NUMBER = { failure: 5, listRequest: 11, listAnswer: 12, signRequest: 13, signAnswer: 14 } as const;
/** Sign with SHA-512 if the key is an RSA key (section 3.6.1). */
const RSA_SHA2_512 = 4;

/** A key that an agent can sign with. */
export interface AgentKey extends SigningKey {
  /** Without control characters; empty if there is none. */
  readonly comment: string;
}

/** Asks for the keys. */
export const AGENT_LIST_REQUEST: Buffer = Buffer.of(NUMBER.listRequest);

/** Begins to read an answer, which must be of that kind. */
const answerReader = (answer: Uint8Array, number: number, refusal: string): WireReader => {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.length);
  const reader = new WireReader(bytes, "answer of the SSH agent", "BAD_AGENT_ANSWER");
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
    try {
      const { type, fingerprint } = readSigningKey(blob);
      keys.push({ type, blob: Buffer.from(blob), fingerprint, comment });
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
    }
  }
  reader.end();
  return keys;
}

/** Asks for a signature over data, such as `signedData` gives; with SHA-512 for an RSA key. */
export function agentSignRequest({ blob }: SigningKey, data: Uint8Array): Buffer {
  const fields = [wireString(blob), wireString(data), wireUint32(RSA_SHA2_512)];
  return Buffer.concat([Buffer.of(NUMBER.signRequest), ...fields]);
}

/**
 * Reads the answer to `agentSignRequest`: what `assembleSignature` takes, not yet verified.
 *
 * @throws KeyError `BAD_AGENT_ANSWER`
 */
export function readAgentSignature(answer: Uint8Array): Buffer {
  const reader = answerReader(answer, NUMBER.signAnswer, "the SSH agent refused to sign");
  const signature = reader.string();
  reader.end();
  return signature;
}
