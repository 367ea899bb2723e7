import { FORGE_TOKENS } from "@git-vault/core";
import { DirectoryError } from "./errors.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where GitHub's API lies, and what it is asked with. */
export interface GitHubServer {
  /** Without a slash at the end. */
  readonly api: string;
  /** Where people find it, without a slash at the end. */
  readonly web: string;
  /** `github`, or the host name of another server. */
  readonly label: string;
  /** Sent to the origin of `api` and to no other. */
  readonly token: string | undefined;
  /** The variables a token is taken from, to name in a hint. */
  readonly tokenVariable: string;
}

const wrong = (variable: string, expected: string): DirectoryError =>
  new DirectoryError("INVALID_SETTING", `expected ${variable} to be ${expected}`, {
    hint: `correct or unset ${variable}`,
  });

/** Whether plain http to this host stays on this machine. */
export const isLoopback = (url: URL): boolean =>
  url.hostname === "localhost" || url.hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);

function tokenFrom(env: Environment, variables: readonly string[]): string | undefined {
  for (const variable of variables) {
    const token = env[variable]?.trim();
    if (token === undefined || token === "") continue;
    // Anything else cannot stand in a header, and the error about it would show it.
    if (!/^[\x21-\x7e]+$/.test(token)) throw wrong(variable, "a token of printable ASCII characters");
    return token;
  }
  return undefined;
}

function fromApiUrl(env: Environment, text: string): GitHubServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw wrong("GITHUB_API_URL", "the URL of a GitHub API, such as https://api.github.com");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url)))
    throw wrong("GITHUB_API_URL", "an https:// URL (http:// only on a loopback address)");
  const isCloud = url.hostname === "api.github.com";
  return {
    api: url.href.replace(/\/+$/, ""),
    web: isCloud ? "https://github.com" : url.origin,
    label: isCloud ? "github" : url.host,
    token: tokenFrom(env, FORGE_TOKENS.cloud),
    tokenVariable: FORGE_TOKENS.cloud[0],
  };
}

function fromHost(env: Environment, host: string): GitHubServer {
  if (!/^[a-z0-9]+(?:[.-]+[a-z0-9]+)*(?::\d{1,5})?$/.test(host)) throw wrong("GH_HOST", "a host name");
  const isCloud = host === "github.com" || host.endsWith(".ghe.com");
  const variables = isCloud ? FORGE_TOKENS.cloud : FORGE_TOKENS.enterprise;
  return {
    api: isCloud ? `https://api.${host}` : `https://${host}/api/v3`,
    web: `https://${host}`,
    label: host === "github.com" ? "github" : host,
    token: tokenFrom(env, variables),
    tokenVariable: variables[0],
  };
}

/**
 * Which GitHub is asked: the host of GH_HOST, else the API of GITHUB_API_URL, else github.com. The
 * token is GH_TOKEN, else GITHUB_TOKEN; as with gh, a GH_HOST that is an Enterprise Server has
 * GH_ENTERPRISE_TOKEN and GITHUB_ENTERPRISE_TOKEN instead.
 *
 * @throws DirectoryError `INVALID_SETTING`
 */
export function gitHubServer(env: Environment): GitHubServer {
  const host = env["GH_HOST"]?.trim().toLowerCase();
  if (host !== undefined && host !== "") return fromHost(env, host);
  const api = env["GITHUB_API_URL"]?.trim();
  if (api !== undefined && api !== "") return fromApiUrl(env, api);
  return fromHost(env, "github.com");
}

/** The proxies of the environment; lower case wins, as in curl. */
export interface Proxies {
  readonly http: string;
  readonly https: string;
  /** Hosts to reach without a proxy, separated by commas. */
  readonly except: string;
}

/**
 * The proxies that are set; null where there is none.
 *
 * @throws DirectoryError `INVALID_SETTING`
 */
export function proxiesOf(env: Environment): Proxies | null {
  const variable = (name: string): string => {
    const set = (env[name] ?? env[name.toUpperCase()] ?? "").trim();
    // As in curl, a proxy without a scheme is an http one.
    const proxy = set === "" || set.includes("://") ? set : `http://${set}`;
    if (proxy !== "" && !(URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol)))
      throw wrong(name.toUpperCase(), "the http:// or https:// URL of a proxy");
    return proxy;
  };
  const proxies = { http: variable("http_proxy"), https: variable("https_proxy") };
  if (proxies.http === "" && proxies.https === "") return null;
  return { ...proxies, except: env["no_proxy"] ?? env["NO_PROXY"] ?? "" };
}
