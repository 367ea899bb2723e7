import type { Proxies } from "./settings.ts";

/** What is used of an answer of fetch, Node's own or undici's. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** What is used of fetch. */
export type Transport = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly redirect: "manual"; readonly signal: AbortSignal },
) => Promise<RawAnswer>;

/**
 * undici's fetch through the proxies, both for https and for http by CONNECT. Node's own fetch
 * cannot be told of a proxy before Node 24, and would read it from the process's environment only.
 */
export async function proxiedFetch({ http, https, except }: Proxies): Promise<Transport> {
  const { EnvHttpProxyAgent, fetch: undiciFetch } = await import("undici");
  // oxlint-disable-next-line typescript/unbound-method -- it is put back as it was
  const warn = process.emitWarning;
  // Its constructor warns on standard error that it is experimental, which is no concern of anyone
  // who set a proxy.
  process.emitWarning = () => {};
  try {
    const dispatcher = new EnvHttpProxyAgent({ httpProxy: http, httpsProxy: https, noProxy: except });
    return (url, init) => undiciFetch(url, { ...init, dispatcher });
  } finally {
    process.emitWarning = warn;
  }
}

/** The proxies, if one of them is for URLs of this scheme; else null. */
export const proxiesFor = (url: URL, proxies: Proxies | null): Proxies | null =>
  (proxies?.[url.protocol === "https:" ? "https" : "http"] ?? "") === "" ? null : proxies;
