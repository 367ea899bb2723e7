export { isVaultError, VaultError, type VaultErrorOptions } from "./vault-error.ts";
export { assertBytes, assertInteger, assertOneOf, assertString } from "./assert.ts";
