/*
 * By its address a user's memory knows a repository. So an address is read as git, ssh and curl
 * read it; what they might read otherwise stays as it is written, and is an address of its own.
 */

/** Where the case of a path makes no difference. */
const FORGES: ReadonlySet<string> = new Set(["bitbucket.org", "codeberg.org", "github.com", "gitlab.com"]);

const HOST = /^(?:[a-z0-9._-]+|\[[a-z0-9:.%]+\])(?::\d*)?$/;

/**
 * `github.com/jupyterhub/mybinder.org-deploy` for each way to write that; a path stays one, and so
 * does what could be read in two ways.
 */
export function addressOf(url: string): string {
  const [, scheme = "", rest = ""] = /^([a-z+]+):\/\/(.*)$/is.exec(url) ?? [];
  const parts = scheme === "" ? scpParts(url) : urlParts(scheme.toLowerCase(), rest);
  if (parts === null) return url.replace(/\/+$/, "");
  const host = parts.host.toLowerCase();
  const path = parts.path
    .replace(/^\/+/, "")
    .replace(/\/+$/, "")
    .replace(/\.git$/i, "");
  return `${host}/${FORGES.has(host) ? path.toLowerCase() : path}`;
}

interface Parts {
  readonly host: string;
  readonly path: string;
}

/** `user@host:path`: the host ends at the first colon, but for those in brackets. */
function scpParts(url: string): Parts | null {
  // `name::address` is for a program of that name; what has a slash before the colon is a path.
  if (/^[a-z0-9+.-]+::/i.test(url)) return null;
  const [, before = "", path = ""] = /^((?:[^:/[\]]*@)?(?:\[[^\]/]*\]|[^:/[\]]*)):(.+)$/s.exec(url) ?? [];
  return partsOf(before, path, /^[\w.+-]*$/);
}

/** git decodes an address for ssh before it reads it; curl ends a host at more than a slash. */
function urlParts(scheme: string, rest: string): Parts | null {
  const [, before = "", path = ""] = /^([^/?#\\]*)\/(.*)$/s.exec(rest) ?? [];
  return partsOf(before, path, /^https?$/.test(scheme) ? /^[^@]*$/ : /^[\w.+-]*$/);
}

/** What stands before the last `@` is the user, if it is nothing else. */
function partsOf(before: string, path: string, user: RegExp): Parts | null {
  const at = before.lastIndexOf("@");
  const host = before.slice(at + 1);
  return HOST.test(host.toLowerCase()) && user.test(before.slice(0, Math.max(0, at))) ? { host, path } : null;
}
