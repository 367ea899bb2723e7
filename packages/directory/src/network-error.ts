import { systemCode } from "@git-vault/core";
import { DirectoryError } from "./errors.ts";

const NOT_HTTP = "UND_ERR_HTTP_PARSER";

/** The first error code in a chain of causes: fetch hides it two or three levels deep. */
function codeOf(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    // Its code is missing in some versions of Node.
    if (cause.name === "HTTPParserError") return NOT_HTTP;
    const code = systemCode(cause);
    if (code !== undefined) return code;
  }
  return "";
}

const DROPPED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET"]);

/** Whether the server, or something on the way, cut the connection. */
export const isDropped = (error: unknown): boolean => DROPPED.has(codeOf(error));

const TRUST = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|ERR_TLS_CERT|INVALID_CA|PATH_LENGTH)/;
const AGAIN = "check the connection and try again";

/** For each kind of failure, what happened, after the host's name, and what to do. */
function explain(code: string): readonly [string, string] {
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return ["could not be found by its name", "check the name, and the connection"];
    case "ECONNREFUSED":
      return ["refused the connection", "check the address, and that the server runs"];
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return ["did not take the connection in time", AGAIN];
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return ["cannot be reached from this network", AGAIN];
    default:
      break;
  }
  if (DROPPED.has(code)) return ["dropped the connection, twice", AGAIN];
  if (TRUST.test(code))
    return [
      "has a TLS certificate that is not trusted here",
      "name your authority's certificate in NODE_EXTRA_CA_CERTS",
    ];
  if (/^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code))
    return ["does not speak TLS as expected", "check the address and the port"];
  return ["could not be asked", AGAIN];
}

/** A failure of fetch as an error that says what happened. */
export function networkError(error: unknown, url: URL, usesProxy: boolean): DirectoryError {
  const code = codeOf(error);
  if (code === NOT_HTTP || code === "UND_ERR_HEADERS_OVERFLOW") {
    // Without a cause: the parser's error holds what the server sent.
    return new DirectoryError("BAD_ANSWER", `${url.host} did not answer in HTTP`, { hint: "check the address" });
  }
  if (usesProxy && code === "UND_ERR_ABORTED") {
    return new DirectoryError("NETWORK", `the proxy on the way to ${url.host} did not let the request through`, {
      hint: "check the proxy's address, user name and password in the environment",
      cause: error,
    });
  }
  const [what, hint] = explain(code);
  return new DirectoryError("NETWORK", `${url.host}${usesProxy ? ", or the proxy on the way," : ""} ${what}`, {
    hint: usesProxy ? `${hint}; a proxy is set in the environment` : hint,
    cause: error,
  });
}
