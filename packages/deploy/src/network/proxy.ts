import { BlockList, isIP } from "node:net";
import { DeployError } from "../errors.ts";

/**
 * The proxy that the environment names for an https address, as Helm reads it (Go's
 * `http.ProxyFromEnvironment`): $HTTPS_PROXY, unless $NO_PROXY names the host. This machine itself
 * is never asked for through a proxy. Null where there is none.
 *
 * @throws DeployError INVALID_PROXY for one that is neither http nor https
 */
export function proxyFor(host: string, port: number, env: NodeJS.ProcessEnv): URL | null {
  const named = variable(env, "HTTPS_PROXY");
  if (named === "" || isDirect(host.toLowerCase(), port, variable(env, "NO_PROXY"))) return null;
  const proxy = readProxy(named);
  if (proxy !== null) return proxy;
  throw new DeployError("INVALID_PROXY", "$HTTPS_PROXY: expected the address of an http or https proxy, got another", {
    hint: "SOCKS proxies are not supported; $NO_PROXY names the hosts that are asked without a proxy",
  });
}

/** A proxy's address, by default http; null if it is neither http nor https. */
export function readProxy(text: string): URL | null {
  try {
    const url = new URL(text.includes("://") ? text : `http://${text}`);
    // What cannot be decoded is no name or password.
    decodeURIComponent(url.username + url.password);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Go takes the name in capitals first, and an empty variable for none. */
const variable = (env: NodeJS.ProcessEnv, name: string): string => env[name] || env[name.toLowerCase()] || "";

/**
 * Whether a host is asked without the proxy. $NO_PROXY holds `*`, addresses, ranges of them, and
 * domains, each with a port or without.
 */
function isDirect(host: string, port: number, exceptions: string): boolean {
  const version = isIP(host);
  if (host === "localhost" || (version !== 0 && isIn(LOOPBACK, host))) return true;
  return exceptions
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => {
      if (entry === "*") return true;
      if (version !== 0 && isIn(rangeIn(entry), host)) return true;
      const [, bracketed, plain, ownPort] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [undefined, entry];
      if (ownPort !== undefined && Number(ownPort) !== port) return false;
      const name = bracketed ?? plain ?? "";
      if (name === "") return false;
      if (version !== 0) return isIP(name) !== 0 && isIn(rangeOf(name, isIP(name) === 4 ? 32 : 128), host);
      const domain = name.replace(/^\*\./, ".");
      return domain.startsWith(".") ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
    });
}

const isIn = (range: BlockList, address: string): boolean =>
  range.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** The range that an entry such as `10.0.0.0/8` is; an empty one for any other entry. */
function rangeIn(entry: string): BlockList {
  const [, address = "", bits] = /^([\da-f.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
  return rangeOf(address, Number(bits));
}

function rangeOf(address: string, bits: number): BlockList {
  const range = new BlockList();
  const version = isIP(address);
  if (version !== 0 && bits <= (version === 4 ? 32 : 128))
    range.addSubnet(address, bits, version === 4 ? "ipv4" : "ipv6");
  return range;
}
