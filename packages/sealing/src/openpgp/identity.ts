import type { SessionKey } from "openpgp";
import { loadOpenPgp, type OpenPgpKeyEntry, type OpenPgpPrivateKey, type OpenPgpPrivateKeyFile } from "@git-vault/keys";
import { malformed, tampered, SealingError } from "../errors.ts";
import { HIDDEN_KEY_ID, OPENPGP_STANZA } from "./message.ts";
import type { Asks, Identity, Stanza } from "../age/stanza.ts";
import { unlockAsking, type AskPassphrase } from "../ask-passphrase.ts";

type SymmetricName = SessionKey["algorithm"];

/** What a compressed message may grow to: as much as the largest message could hold. */
const MAX_PLAINTEXT = 16 * 1024 * 1024;

/** Opens what was sealed to an OpenPGP key, in the format of OpenPGP. */
export class OpenPgpIdentity implements Identity {
  readonly asks: Asks;
  readonly #file: OpenPgpPrivateKeyFile;
  readonly #ask: AskPassphrase | undefined;
  #unlocked: Promise<OpenPgpPrivateKey> | undefined;

  /**
   * @param file the private key
   * @param ask asks for the passphrase of an encrypted key, only for a message that is addressed to
   * it or hides its recipients; up to three times. Without it, unlocking an encrypted key throws
   * KeyError `PASSPHRASE_REQUIRED`
   */
  constructor(file: OpenPgpPrivateKeyFile, ask?: AskPassphrase) {
    this.#file = file;
    this.#ask = ask;
    this.asks = file.encrypted ? "on-match" : "never";
  }

  /** The public half. */
  get publicKey(): OpenPgpKeyEntry {
    return this.#file.publicKey;
  }

  /** Of the primary key. */
  get fingerprint(): string {
    return this.#file.fingerprint;
  }

  /** Forgets the unlocked key, overwriting what it can. It opens nothing after that. */
  lock(): void {
    this.#unlocked?.then(
      (key) => key.wipe(),
      () => {}, // it was never unlocked
    );
  }

  /**
   * The session key after its algorithm's number (RFC 9580 section 9.3), 0 if only the data tells
   * it.
   *
   * Throws what `OpenPgpPrivateKeyFile.unlock` throws.
   */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    for (const stanza of stanzas.filter((each) => this.#isFor(each))) {
      const { key } = await (this.#unlocked ??= unlockAsking(this.#file, this.#ask));
      const sessionKey = await unwrap(stanza, key);
      if (sessionKey !== null) return sessionKey;
    }
    return null;
  }

  whyNot(stanzas: readonly Stanza[]): string {
    if (!stanzas.some(({ type }) => type === OPENPGP_STANZA))
      return "an OpenPGP key was tried, but the message is not sealed to one";
    return `${this.fingerprint} is not one of the recipients`;
  }

  #isFor({ type, args: [keyId = ""] }: Stanza): boolean {
    return type === OPENPGP_STANZA && (keyId === HIDDEN_KEY_ID || this.#file.keyIds.includes(keyId));
  }
}

/** A packet's header of 6 bytes (RFC 9580 section 4.2.1.3). */
function packet(tag: number, body: Buffer): Buffer {
  const header = Buffer.from([0xc0 | tag, 0xff, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

async function unwrap({ body }: Stanza, key: OpenPgpPrivateKey["key"]): Promise<Buffer | null> {
  const { openpgp, config } = await loadOpenPgp();
  try {
    // Strictly, a message without its data is none, and openpgp.js would refuse it.
    const settings = { ...config, enforceGrammar: false };
    const message = await openpgp.readMessage({ binaryMessage: packet(1, body), config: settings });
    const [found] = await openpgp.decryptSessionKeys({ message, decryptionKeys: key, config: settings });
    if (found === undefined) return null;
    // openpgp.js leaves the algorithm out if the data tells it, whatever its types say.
    const name: SymmetricName | null | undefined = found.algorithm;
    const algorithm = name === null || name === undefined ? 0 : openpgp.enums.symmetric[name];
    return Buffer.concat([Buffer.from([algorithm]), found.data]);
  } catch {
    // It is for another key, or damaged: the library does not tell them apart, nor must it.
    return null;
  }
}

/**
 * Decrypts the data of a message, with what an identity unwrapped.
 *
 * Throws SealingError `TAMPERED_MESSAGE`, `MALFORMED_MESSAGE`, `TOO_LARGE`.
 */
export async function openOpenPgpData(data: Buffer, sessionKey: Buffer): Promise<Buffer> {
  const { openpgp, config } = await loadOpenPgp();
  const names: readonly SymmetricName[] = ["aes256", "aes192", "aes128", "twofish", "blowfish", "cast5", "tripledes"];
  // If the data tells its algorithm, any name will do.
  const algorithm = names.find((name) => openpgp.enums.symmetric[name] === sessionKey[0]) ?? "aes256";
  const sessionKeys = { data: new Uint8Array(sessionKey.subarray(1)), algorithm };
  try {
    const message = await openpgp.readMessage({ binaryMessage: data, config });
    const settings = { ...config, maxDecompressedMessageSize: MAX_PLAINTEXT };
    const opened = await openpgp.decrypt({ message, sessionKeys, format: "binary", config: settings });
    return Buffer.from(opened.data.buffer, opened.data.byteOffset, opened.data.byteLength);
  } catch (error) {
    throw explain(error);
  } finally {
    sessionKeys.data.fill(0);
  }
}

/** The library's error may repeat the input, so it is not kept. */
function explain(error: unknown): SealingError {
  const message = error instanceof Error ? error.message : "";
  if (/size.*exceed|exceed.*size|decompressed/i.test(message)) {
    return new SealingError("TOO_LARGE", `the OpenPGP message holds more than ${MAX_PLAINTEXT} bytes`, {
      hint: "open it with gpg --decrypt",
    });
  }
  return /modification detected|authentication tag|integrity|mdc/i.test(message)
    ? tampered("its encrypted data is not authentic")
    : malformed("its encrypted data is damaged, cut short or of a kind that is not supported");
}
