import type { KeyObject } from "node:crypto";

/** What every SSH public key has. */
interface CommonPublicKey {
  /** The key in SSH wire encoding (RFC 4253 section 6.6). Equal keys have equal blobs. */
  readonly blob: Buffer;
  /** `SHA256:` and 43 characters of unpadded base64, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** What followed the key on its line, without control characters; empty if nothing did. */
  readonly comment: string;
}

/** An Ed25519 public key (RFC 8709): on the curve, not of small order, canonically encoded. */
export interface Ed25519PublicKey extends CommonPublicKey {
  readonly type: "ssh-ed25519";
  /** The 32-byte compressed Edwards point. */
  readonly point: Buffer;
}

/** An RSA public key (RFC 4253 section 6.6). */
export interface RsaPublicKey extends CommonPublicKey {
  readonly type: "ssh-rsa";
  /** Big-endian, without leading zero bytes. */
  readonly modulus: Buffer;
  /** Big-endian, without leading zero bytes. */
  readonly exponent: Buffer;
  /** The length of the modulus in bits. */
  readonly bits: number;
}

/** An SSH public key of a type that a message can be sealed to. */
export type SshPublicKey = Ed25519PublicKey | RsaPublicKey;

/** A line of a `.pub` or authorized_keys file, or a forge's `.keys`: any type of key. */
export interface PublicKeyEntry {
  /** The line number, from 1. */
  readonly line: number;
  /** The key's type as SSH names it, such as `ssh-ed25519` or `sk-ssh-ed25519@openssh.com`. */
  readonly type: string;
  /** As `ssh-keygen -l` prints it; null if the line could not be read as a key. */
  readonly fingerprint: string | null;
  /** Without control characters; empty if there is none. */
  readonly comment: string;
  /** The parsed key; null if no format can seal to its type, or the line is malformed. */
  readonly key: SshPublicKey | null;
  /** Why nothing can be sealed to it (`FIDO keys can only sign`); null if usable. */
  readonly unusable: string | null;
}

/** An Ed25519 private key, unlocked. */
export interface Ed25519PrivateKey {
  readonly type: "ssh-ed25519";
  readonly publicKey: Ed25519PublicKey;
  /** The 32-byte seed (RFC 8032 section 5.1.5). Secret: overwrite it with zeros when done. */
  readonly seed: Buffer;
}

/** An RSA private key, unlocked. */
export interface RsaPrivateKey {
  readonly type: "ssh-rsa";
  readonly publicKey: RsaPublicKey;
  readonly key: KeyObject;
}

/** A private key, unlocked. */
export type PrivateKey = Ed25519PrivateKey | RsaPrivateKey;

/** A private key file that was read but not yet unlocked. */
export interface PrivateKeyFile {
  readonly format: "openssh" | "pem" | "putty";
  /** Whether `unlock` needs a passphrase. */
  readonly encrypted: boolean;
  /** The public half; null for an encrypted PEM file, whose public half only `unlock` tells. */
  readonly publicKey: SshPublicKey | null;
  /**
   * Decrypts the key and checks that it belongs to its public half.
   *
   * @param passphrase the bytes typed, in UTF-8; ignored if the file is not encrypted
   * @throws KeyError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`, `MALFORMED_KEY`, `UNSUPPORTED_KEY`
   */
  unlock(passphrase?: Uint8Array): Promise<PrivateKey>;
}
