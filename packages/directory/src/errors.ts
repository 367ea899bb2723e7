import { printable, VaultError } from "@git-vault/core";

/**
 * - `INVALID_RECIPIENT`: what was written names no recipient: a malformed name, a private key
 * - `PLAIN_HTTP`: a URL of another machine with http, on which keys can be exchanged on the way
 * - `NOT_FOUND`: the forge has no such user or team, the server no such page
 * - `NO_KEYS`: the user, the page or the file is there and holds no key
 * - `AUTHENTICATION_REQUIRED`: the server wants a token, or refused the one it got
 * - `RATE_LIMITED`: the server answers no more requests for a while
 * - `NETWORK`: no answer: the name, the connection, TLS, the proxy or the time
 * - `BAD_ANSWER`: an answer that is not keys: too big, cut off, a web page, a redirect elsewhere, a
 *   server's own failure
 * - `FILE_UNREADABLE`: the file is missing, forbidden or not a text of public keys
 * - `INVALID_SETTING`: an environment variable that names a server, a proxy or a token is malformed
 */
export type DirectoryErrorCode =
  | "INVALID_RECIPIENT"
  | "PLAIN_HTTP"
  | "NOT_FOUND"
  | "NO_KEYS"
  | "AUTHENTICATION_REQUIRED"
  | "RATE_LIMITED"
  | "NETWORK"
  | "BAD_ANSWER"
  | "FILE_UNREADABLE"
  | "INVALID_SETTING";

/** What `@git-vault/directory` throws. Text that a server sent is never part of its message. */
export class DirectoryError extends VaultError<DirectoryErrorCode> {}

const SHOWN = 60;
const SHOWN_OF_LONGER = 20;

/**
 * What somebody wrote, as `printable` gives it. Of a text of more than 60 characters, which may be
 * a key pasted by mistake, only the first 20.
 */
export const shown = (text: string): string =>
  text.length > SHOWN ? `${printable(text.slice(0, SHOWN_OF_LONGER))}…` : printable(text);
