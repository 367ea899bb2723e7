import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { answerApi, answerText } from "./answers.ts";
import { injectFault } from "./faults.ts";
import type { GitHubSite, GitHubState } from "./state.ts";
import { listen } from "../network/listen.ts";

/** A running stand-in for GitHub. */
export interface GitHubStandIn extends GitHubState, AsyncDisposable {
  /**
   * `http://127.0.0.1:PORT`, without a slash at the end: the root of the API, of the `.keys` texts
   * and of the plain texts.
   */
  readonly url: string;
  /** Stops the server and drops what is connected to it. */
  close(): Promise<void>;
}

/** How the stand-in is started. */
export interface GitHubOptions {
  /**
   * Where the API is served too, beside the root. `/api/v3`, as on GitHub Enterprise Server, where
   * it is left out.
   */
  readonly prefix?: string;
  /** Serves https with this PEM key and certificate. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
}

async function answer(site: GitHubSite, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "/";
  site.requests.push({ method: request.method ?? "", path, headers: request.headers });
  const url = new URL(path, site.url);
  if (await injectFault(site, url, request, response)) return;
  if (!answerApi(site, url, request, response)) answerText(site, url, request, response);
}

/**
 * Starts a server on a free port of 127.0.0.1 that answers as GitHub does: `/users/USER`, its
 * `/keys`, `/gpg_keys` and `/ssh_signing_keys`, `/user/NUMBER`, `/orgs/ORG/teams/TEAM/members`,
 * `/orgs/ORG/members/USER`, and the plain `/USER.keys`, with GitHub's fields, errors, `Link` pages,
 * weak ETags and rate limit. Nothing about it belongs to a test runner.
 */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHubStandIn> {
  const state: GitHubState = {
    users: new Map(),
    teams: new Map(),
    members: new Map(),
    tokens: new Set(),
    texts: new Map(),
    faults: [],
    requests: [],
    rate: { limit: 60, remaining: 60, reset: Math.floor(Date.now() / 1000) + 3600 },
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(site, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  const { port } = await listen(server);
  const url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const site: GitHubSite = { ...state, url, prefix: options.prefix ?? "/api/v3" };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { ...state, url, close, [Symbol.asyncDispose]: close };
}
