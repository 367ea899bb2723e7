/*
 * What browsers have of this package, by the same code: age's format, for SSH keys, age's own keys
 * and passphrases. OpenPGP, ssh-vault's format and private SSH keys are left out.
 */
import { AgeOpener, openWhole, streamThrough, type Opened, type Opener } from "./age/opener.ts";
import type { Identity, Recipient } from "./age/stanza.ts";
import { createSealer, type SealerOptions } from "./sealer.ts";

/* Seal a message, open one. */
export type { Opened, Opener } from "./age/opener.ts";
export { createSealer, sealStream, type Sealer, type SealerOptions } from "./sealer.ts";
/* Whom messages are sealed to, and what opens them. */
export type { Asks, Identity, Recipient, Stanza } from "./age/stanza.ts";
export { SshRecipient } from "./ssh/recipient.ts";
export {
  generateIdentity,
  parseIdentityFile,
  parseRecipient,
  type AgeIdentity,
  type AgeKeyKind,
  type AgeRecipient,
  type GeneratedIdentity,
} from "./age/keys.ts";
export { PassphraseIdentity, PassphraseRecipient } from "./age/passphrase.ts";
/* What goes wrong. */
export { SealingError, type SealingErrorCode } from "./errors.ts";

/** Seals bytes of any kind to recipients, in age's format: see `createSealer`. */
export async function seal(
  plaintext: Uint8Array,
  recipients: readonly Recipient[],
  options: SealerOptions = {},
): Promise<Uint8Array> {
  const sealer = await createSealer(recipients, options);
  const start = sealer.push(plaintext);
  const end = sealer.finish();
  const message = new Uint8Array(start.length + end.length);
  message.set(start);
  message.set(end, start.length);
  return message;
}

/** Opens a message in age's format, binary or armored; throws what Node's `open` does. */
export function open(message: Uint8Array, identities: readonly Identity[]): Promise<Opened> {
  return openWhole(new AgeOpener(identities), message);
}

/** Begins to open a message in age's format: see `Opener`. */
export function createOpener(identities: readonly Identity[]): Opener {
  return new AgeOpener(identities);
}

/** Opens what a source yields, such as a `ReadableStream`. */
export function openStream(
  message: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  identities: readonly Identity[],
): AsyncGenerator<Uint8Array, void, undefined> {
  return streamThrough(createOpener(identities), message);
}
