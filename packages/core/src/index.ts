// The declarations of every package name types of Node, and no longer include them by themselves.
/// <reference types="node" preserve="true" />

/* Errors, and what is asserted at the public borders. */
export { isVaultError, VaultError, type VaultErrorOptions } from "./vault-error.ts";
export { assertBytes, assertInteger, assertOneOf, assertString } from "./assert.ts";
export { systemCode } from "./system-error.ts";
/* What is shown to people. */
export type { Finding, Severity } from "./finding.ts";
export { printable, type PrintableOptions } from "./printable.ts";
export { plural, quoteForShell, wrapLines } from "./text.ts";
/* What other programs must not see. */
export { FORGE_TOKENS, secretVariables } from "./secret-variables.ts";
/* Collections. */
export { push } from "./lists.ts";
/* Encodings. */
export { decodeBase64, encodeBase64 } from "./base64.ts";
