import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describeGpgKey, stableId } from "./gpg-keys.ts";
import type { GitHubSite, GitHubUser } from "./state.ts";

const DOCUMENTATION = "https://docs.github.com/rest";
const JOINED = "2011-01-25T18:44:36Z";

/** One request to the API, with all that an answer needs. */
interface Call {
  readonly site: GitHubSite;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Under which the API was called: the server's root, with the prefix where it was used. */
  readonly base: string;
}

/** What stands in the header `Authorization: Bearer …` or `token …`. */
const tokenOf = (request: IncomingMessage): string | undefined =>
  /^(?:bearer|token) (.+)$/i.exec(request.headers.authorization ?? "")?.[1];

const weakEtag = (body: string): string => `W/"${createHash("sha256").update(body).digest("hex")}"`;

const bareTag = (tag: string): string => tag.trim().replace(/^W\//, "");

const isCurrent = (request: IncomingMessage, etag: string): boolean => {
  return (request.headers["if-none-match"] ?? "").split(",").some((tag) => bareTag(tag) === bareTag(etag));
};

/**
 * Sends JSON with the headers of GitHub's API. A 200 has a weak ETag, and is a 304 for those who
 * have it already.
 */
export function sendApi(
  site: GitHubSite,
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  content: unknown,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(content);
  const etag = weakEtag(body);
  const unchanged = status === 200 && isCurrent(request, etag);
  const signedIn = tokenOf(request) !== undefined;
  // GitHub does not count a conditional request that changed nothing, if it was signed in.
  if (status < 400 && !(unchanged && signedIn)) site.rate.remaining = Math.max(0, site.rate.remaining - 1);
  response.writeHead(unchanged ? 304 : status, {
    ...(status === 200 ? { etag, "cache-control": `${signedIn ? "private" : "public"}, max-age=60, s-maxage=60` } : {}),
    ...(unchanged
      ? {}
      : { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) }),
    vary: "Accept, Accept-Encoding, Accept, X-Requested-With",
    "x-github-media-type": "github.v3; format=json",
    "x-github-api-version-selected": "2022-11-28",
    "x-ratelimit-limit": site.rate.limit,
    "x-ratelimit-remaining": site.rate.remaining,
    "x-ratelimit-reset": site.rate.reset,
    "x-ratelimit-used": site.rate.limit - site.rate.remaining,
    "x-ratelimit-resource": "core",
    "x-github-request-id": "0000:00000:000000:000000:00000000",
    server: "github.com",
    "access-control-allow-origin": "*",
    "access-control-expose-headers":
      "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
    ...headers,
  });
  response.end(unchanged || request.method === "HEAD" ? undefined : body);
}

const sendError = ({ site, request, response }: Call, status: number, message: string, page = ""): void => {
  sendApi(site, request, response, status, {
    message,
    documentation_url: DOCUMENTATION + page,
    status: String(status),
  });
};

/** The refusal once the primary rate limit is used up. */
export function sendRateLimited(
  site: GitHubSite,
  request: IncomingMessage,
  response: ServerResponse,
  status: 403 | 429,
): void {
  sendApi(site, request, response, status, {
    message:
      "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)",
    documentation_url: `${DOCUMENTATION}/overview/resources-in-the-rest-api#rate-limiting`,
  });
}

const wholeNumber = (text: string | null, otherwise: number): number =>
  text !== null && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : otherwise;

/**
 * Sends one page of a list. The links go by number, as GitHub's do, not by the name that was asked
 * for.
 */
function sendPage(call: Call, items: readonly unknown[], canonicalPath: string): void {
  const { site, request, response, url, base } = call;
  const perPage = Math.min(100, wholeNumber(url.searchParams.get("per_page"), 30));
  const page = wholeNumber(url.searchParams.get("page"), 1);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (to: number, rel: string): string => {
    const query = new URLSearchParams(url.searchParams);
    query.set("page", String(to));
    return `<${base}${canonicalPath}?${query.toString()}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(Math.min(page - 1, last), "prev")] : []),
    ...(page < last ? [link(page + 1, "next"), link(last, "last")] : []),
    ...(page > 1 ? [link(1, "first")] : []),
  ];
  const content = items.slice((page - 1) * perPage, page * perPage);
  sendApi(site, request, response, 200, content, links.length > 0 ? { link: links.join(", ") } : {});
}

/** The number of an account, whether it is there or not. */
const numberOf = (site: GitHubSite, login: string): number =>
  findUser(site, login, "login")?.[1].id ?? stableId(login.toLowerCase());

function simpleUser(site: GitHubSite, base: string, login: string): Record<string, unknown> {
  const root = site.url;
  const id = numberOf(site, login);
  const url = `${base}/users/${login}`;
  return {
    login,
    id,
    node_id: Buffer.from(`04:User${id}`).toString("base64"),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: "",
    url,
    html_url: `${root}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: "User",
    user_view_type: "public",
    site_admin: false,
  };
}

const publicUser = (site: GitHubSite, base: string, login: string, user: GitHubUser): Record<string, unknown> => ({
  ...simpleUser(site, base, login),
  name: user.name ?? null,
  company: null,
  blog: "",
  location: null,
  email: null,
  hireable: null,
  bio: null,
  twitter_username: null,
  public_repos: 0,
  public_gists: 0,
  followers: 0,
  following: 0,
  created_at: JOINED,
  updated_at: JOINED,
});

/** Finds an account by its login in any case, or by its number. */
function findUser(site: GitHubSite, name: string, by: "login" | "id"): readonly [string, GitHubUser] | undefined {
  return [...site.users].find(([login, user]) =>
    by === "login"
      ? login.toLowerCase() === name.toLowerCase()
      : String(user.id ?? stableId(login.toLowerCase())) === name,
  );
}

/** The lists below a user, and the page of the documentation that their errors name. */
const LISTS = new Map<string, { readonly page: string; readonly items: (user: GitHubUser) => readonly unknown[] }>([
  [
    "keys",
    {
      page: "/users/keys#list-public-keys-for-a-user",
      items: ({ keys = [] }) => keys.map((key) => ({ id: stableId(key), key, created_at: JOINED, last_used: null })),
    },
  ],
  [
    "ssh_signing_keys",
    {
      page: "/users/ssh-signing-keys#list-ssh-signing-keys-for-a-user",
      items: ({ signingKeys = [] }) =>
        signingKeys.map((key) => ({ id: stableId(key), key, title: "signing", created_at: JOINED })),
    },
  ],
  [
    "gpg_keys",
    {
      page: "/users/gpg-keys#list-gpg-keys-for-a-user",
      items: ({ gpgKeys = [], gpgKeysInParts = false }) =>
        gpgKeys.map((key) => ({ ...describeGpgKey(key), ...(gpgKeysInParts ? { raw_key: null } : {}) })),
    },
  ],
]);

function sendUser(call: Call, name: string, by: "login" | "id"): void {
  const { site, request, response, base } = call;
  const found = findUser(site, name, by);
  if (found === undefined) sendError(call, 404, "Not Found", "/users/users#get-a-user");
  else sendApi(site, request, response, 200, publicUser(site, base, ...found));
}

/** Those without a token are sent on to the public members. */
function sendMembership(call: Call, org: string, login: string, list: "members" | "public_members"): void {
  const { site, request, response, base } = call;
  const isSignedIn = tokenOf(request) !== undefined;
  if (list === "members" && !isSignedIn) {
    response.writeHead(302, { location: `${base}/orgs/${org}/public_members/${login}` }).end();
    return;
  }
  const members = [...site.members].find(([name]) => name.toLowerCase() === org.toLowerCase())?.[1] ?? [];
  const found = members.find((member) => member.login.toLowerCase() === login.toLowerCase());
  if (found === undefined || (list === "public_members" && found.public !== true)) {
    sendError(call, 404, "Not Found", "/orgs/members#check-organization-membership-for-a-user");
  } else response.writeHead(204).end();
}

function sendUserList(call: Call, name: string, by: "login" | "id", listName: string): void {
  const list = LISTS.get(listName);
  const [login, user] = findUser(call.site, name, by) ?? [];
  if (list === undefined || login === undefined || user === undefined) sendError(call, 404, "Not Found", list?.page);
  else sendPage(call, list.items(user), `/user/${numberOf(call.site, login)}/${listName}`);
}

function sendTeam(call: Call, find: (org: string, slug: string) => boolean): void {
  const { site, request, base } = call;
  const found = [...site.teams].find(([team]) => {
    const [org = "", slug = ""] = team.toLowerCase().split("/");
    return find(org, slug);
  });
  // Without a token GitHub does not tell whether the team is there.
  if (found === undefined || tokenOf(request) === undefined) {
    sendError(call, 404, "Not Found", "/teams/members#list-team-members");
    return;
  }
  const [team, logins] = found;
  const [org = "", slug = ""] = team.toLowerCase().split("/");
  const members = logins.map((login) => simpleUser(site, base, login));
  sendPage(call, members, `/organizations/${stableId(org)}/team/${stableId(slug)}/members`);
}

type Route = readonly [path: RegExp, send: (call: Call, first: string, second: string) => void];

/** The paths of the API. A list's pages after the first are reached by number. */
const ROUTES: readonly Route[] = [
  [/^\/users\/([^/]+)$/, (call, login) => sendUser(call, login, "login")],
  [/^\/user\/(\d+)$/, (call, id) => sendUser(call, id, "id")],
  [/^\/orgs\/([^/]+)\/members\/([^/]+)$/, (call, org, login) => sendMembership(call, org, login, "members")],
  [
    /^\/orgs\/([^/]+)\/public_members\/([^/]+)$/,
    (call, org, login) => sendMembership(call, org, login, "public_members"),
  ],
  [/^\/users\/([^/]+)\/([^/]+)$/, (call, login, list) => sendUserList(call, login, "login", list)],
  [/^\/user\/(\d+)\/([^/]+)$/, (call, id, list) => sendUserList(call, id, "id", list)],
  [
    /^\/orgs\/([^/]+)\/teams\/([^/]+)\/members$/,
    (call, org, slug) => sendTeam(call, (o, s) => o === org.toLowerCase() && s === slug.toLowerCase()),
  ],
  [
    /^\/organizations\/(\d+)\/team\/(\d+)\/members$/,
    (call, org, slug) => sendTeam(call, (o, s) => String(stableId(o)) === org && String(stableId(s)) === slug),
  ],
];

/** Answers a request to the API; false where the path is none of it. */
export function answerApi(site: GitHubSite, url: URL, request: IncomingMessage, response: ServerResponse): boolean {
  const prefixed = site.prefix !== "" && url.pathname.startsWith(`${site.prefix}/`);
  const path = prefixed ? url.pathname.slice(site.prefix.length) : url.pathname;
  const call: Call = { site, request, response, url, base: site.url + (prefixed ? site.prefix : "") };
  const [send, match] =
    ROUTES.map(([pattern, handler]) => [handler, pattern.exec(path)] as const).find(([, hit]) => hit !== null) ?? [];
  if (send === undefined && !prefixed) return false;
  const token = tokenOf(request);
  if (token !== undefined && !site.tokens.has(token)) sendError(call, 401, "Bad credentials");
  else if (site.rate.remaining <= 0) sendRateLimited(site, request, response, 403);
  else if (send === undefined || !["GET", "HEAD"].includes(request.method ?? "")) sendError(call, 404, "Not Found");
  else send(call, match?.[1] ?? "", match?.[2] ?? "");
  return true;
}

/** A user's SSH keys, one a line. */
const keysPage = ({ keys = [] }: GitHubUser): string => keys.map((key) => `${key}\n`).join("");

/** A user's OpenPGP keys in one page; of one who has none, a block of armor that says so. */
const gpgPage = ({ gpgKeys = [] }: GitHubUser): string =>
  gpgKeys.length > 0
    ? gpgKeys.join("\n")
    : "-----BEGIN PGP PUBLIC KEY BLOCK-----\nNote: This user hasn't uploaded any GPG keys.\n\n\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n";

/**
 * Answers a plain text: one of `texts`, else a user's `.keys` or `.gpg`; 404 where there is none.
 */
export function answerText(site: GitHubSite, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const [, login, kind] = /^\/([^/]+)\.(keys|gpg)$/.exec(url.pathname) ?? [];
  const user = login === undefined ? undefined : findUser(site, login, "login")?.[1];
  const text = site.texts.get(url.pathname) ?? (user && (kind === "gpg" ? gpgPage(user) : keysPage(user)));
  if (text === undefined) {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("Not Found");
    return;
  }
  const etag = weakEtag(text);
  if (isCurrent(request, etag)) response.writeHead(304, { etag }).end();
  else response.writeHead(200, { "content-type": "text/plain; charset=utf-8", etag }).end(text);
}
