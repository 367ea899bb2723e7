import { ArmorEncoder } from "../src/age/armor.ts";
import { PayloadOpener, PayloadSealer } from "../src/age/payload.ts";

/*
 * The layers of an age message, each in one step.
 */

/** Seals a whole payload, with 16 bytes of nonce if given. */
export const sealPayload = (fileKey: Buffer, plaintext: Uint8Array, nonce?: Buffer): Buffer => {
  const sealer = new PayloadSealer(fileKey, nonce);
  return Buffer.concat([sealer.push(plaintext), sealer.final()]);
};

/** Opens a whole payload. */
export const openPayload = (fileKey: Buffer, payload: Uint8Array): Buffer => {
  const opener = new PayloadOpener(fileKey);
  return Buffer.concat([opener.push(payload), opener.final()]);
};

/** Writes a whole message as text. */
export const encodeArmor = (message: Uint8Array): Buffer => {
  const encoder = new ArmorEncoder();
  return Buffer.concat([encoder.push(message), encoder.finish()]);
};
