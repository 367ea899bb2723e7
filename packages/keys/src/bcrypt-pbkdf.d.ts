declare module "bcrypt-pbkdf" {
  const bcrypt: {
    /** Fills `key` by bcrypt_pbkdf, as OpenBSD defines it; -1 where an argument is out of range. */
    pbkdf(
      passphrase: Uint8Array,
      passphraseLength: number,
      salt: Uint8Array,
      saltLength: number,
      key: Uint8Array,
      keyLength: number,
      rounds: number,
    ): 0 | -1;
  };
  export default bcrypt;
}
