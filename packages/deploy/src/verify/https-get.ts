import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import { DeployError } from "../errors.ts";
import { agentThrough, ask } from "../network/tunnel.ts";
import { interrupted, sharedSignal } from "../parallel.ts";
import { endOf, type ProbeOptions } from "./probe.ts";

/** An answer to a request. */
export interface HttpsAnswer {
  readonly status: number;
  readonly body: string;
}

/** More of an answer is not read, in bytes. */
const LONGEST = 256 * 1024;

/**
 * Gets what lies at an https address, from `address` where that is given, through the proxy that
 * the environment names. Redirects are not followed. The certificate is not judged here: that is
 * done on its own.
 *
 * @throws DeployError UNREACHABLE, INVALID_PROXY, INTERRUPTED
 */
export async function httpsGet(
  url: URL,
  address: string | undefined,
  { timeout = 10_000, trusted = [], signal }: ProbeOptions = {},
  judgeCertificate = false,
): Promise<HttpsAnswer> {
  const { hostname, port } = url;
  const unreachable = (why: string, cause?: unknown): DeployError =>
    signal?.aborted === true
      ? interrupted()
      : new DeployError("UNREACHABLE", `${url.host} does not answer: ${why}`, { cause });
  const end = await endOf({ host: hostname, address, port: port === "" ? 443 : Number(port) });
  if (end === null) throw unreachable("the name leads to no address");
  const agent = agentThrough(end.proxy, {}, timeout);
  const late = AbortSignal.timeout(timeout);
  try {
    const response = await ask({
      host: end.address,
      port: end.port,
      path: url.pathname + url.search,
      agent,
      headers: { host: url.host, "user-agent": "git-vault", accept: "*/*" },
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(trusted.length === 0 ? {} : { ca: [...rootCertificates, ...trusted] }),
      rejectUnauthorized: judgeCertificate,
      signal: sharedSignal(late, signal),
    });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response) {
      const bytes = Buffer.from(chunk);
      chunks.push(bytes);
      length += bytes.length;
      if (length > LONGEST) break;
    }
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unreachable(late.aborted ? `nothing came within ${timeout} ms` : why, cause);
  } finally {
    agent.destroy();
  }
}
