/**
 * A signed secret is held whole, by its sender and its receiver: none of it may be used before the
 * signature was verified.
 */
export const MAX_SIGNED_BYTES: number = 16 * 1024 * 1024;
