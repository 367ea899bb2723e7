import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GitHubStandIn } from "../github/index.ts";
import type { ConnectProxy } from "../network/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Every host of the internet, in one stand-in with a certificate for all of them. */
export interface Internet extends AsyncDisposable {
  readonly site: GitHubStandIn;
  /** The file of the certificate that all hang on, for NODE_EXTRA_CA_CERTS. */
  readonly authority: string;
  /** Leads to it, whatever the name. */
  readonly proxy: ConnectProxy;
  /** Starts another proxy, which wants `NAME:PASSWORD`. */
  proxyFor(credentials: string): Promise<ConnectProxy>;
}

/** @param hosts the names that it answers to, besides `localhost` without a proxy */
export async function startInternet(hosts: readonly string[]): Promise<Internet> {
  const { mintCertificate, startProxy } = await import("../network/index.ts");
  const { startGitHub } = await import("../github/index.ts");
  const folder = temporaryFolder();
  const authority = join(folder.path, "authority.pem");
  const { key, chain, root } = await mintCertificate({ names: [...hosts, "localhost"] });
  writeFileSync(authority, root);
  const site = await startGitHub({ tls: { key, cert: chain } });
  const places = Object.fromEntries(hosts.map((host) => [host, new URL(site.url).host]));
  const proxy = await startProxy({ hosts: places });
  return {
    site,
    authority,
    proxy,
    proxyFor: (credentials) => startProxy({ hosts: places, credentials }),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await site.close();
      folder.remove();
    },
  };
}
