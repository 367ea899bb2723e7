import type { KeyKind } from "./recipient-key.ts";

/** A server that people have accounts on, and that shows anybody the public keys of each. */
export interface Forge {
  /** What stands before the colon of a name such as `gitlab:alice`. */
  readonly prefix: string;
  /** What people call it. */
  readonly title: string;
  /** Where its accounts are; GitHub's may be another server: see settings.ts. */
  readonly origin: string;
  /** How it is asked: by GitHub's API, or for a page of text with all keys of a kind. */
  readonly asked: "github" | "pages";
  /** An account's name in lower case, which forges ignore. It cannot leave its path segment. */
  readonly user: RegExp;
  /** The same, for a hint. */
  readonly userForm: string;
  /** What people there put before a name. It may be left out. */
  readonly sigil: "" | "~";
  /** Where the keys of `USER` are, below `origin`, or below GitHub's API. */
  readonly keys: Readonly<Record<KeyKind, string>>;
  /** Where users add a key, below `origin`. */
  readonly settings: Readonly<Record<KeyKind, string>>;
}

/** GitHub, which a bare word is a user of, and which alone has teams and numbers of accounts. */
export const GITHUB: Forge = {
  prefix: "github",
  title: "GitHub",
  origin: "https://github.com",
  asked: "github",
  // Old accounts may end in a hyphen or have two in a row; the part after `_` is an enterprise's
  // short code.
  user: /^(?=.{1,39}$)[a-z0-9][a-z0-9-]*(?:_[a-z0-9]+)?$/,
  userForm: "login has 1 to 39 letters, digits and hyphens",
  sigil: "",
  keys: { ssh: "/users/USER/keys", openpgp: "/users/USER/gpg_keys" },
  settings: { ssh: "/settings/keys", openpgp: "/settings/keys" },
};

/** Whether a text can be the login of an account on GitHub, in whatever case. */
export const isGitHubLogin = (text: string): boolean => GITHUB.user.test(text.toLowerCase());

const PAGES = {
  asked: "pages",
  user: /^[a-z0-9_][a-z0-9_.-]{0,254}$/,
  userForm: "user name has letters, digits, hyphens, dots and underscores",
  sigil: "",
  keys: { ssh: "/USER.keys", openpgp: "/USER.gpg" },
} as const;

/**
 * The forges whose users can receive and sign. What else depends on a forge is derived from its
 * row.
 *
 * The server of each is known beforehand. Somebody's own server has an address instead of a row
 * (`https://HOST/USER.keys`): if a name could hold a host, a signed message could make its reader
 * connect to wherever the sender likes.
 */
export const FORGES: readonly Forge[] = [
  GITHUB,
  {
    ...PAGES,
    prefix: "gitlab",
    title: "GitLab",
    origin: "https://gitlab.com",
    settings: { ssh: "/-/user_settings/ssh_keys", openpgp: "/-/user_settings/gpg_keys" },
  },
  {
    ...PAGES,
    prefix: "codeberg",
    title: "Codeberg",
    origin: "https://codeberg.org",
    settings: { ssh: "/user/settings/keys", openpgp: "/user/settings/keys" },
  },
  {
    ...PAGES,
    prefix: "sourcehut",
    title: "SourceHut",
    origin: "https://meta.sr.ht",
    sigil: "~",
    keys: { ssh: "/~USER.keys", openpgp: "/~USER.pgp" },
    settings: { ssh: "/keys", openpgp: "/keys" },
  },
];

/** An account on a forge. */
export interface ForgeUser {
  readonly forge: Forge;
  /** In lower case, without a sigil. */
  readonly user: string;
}

/** The account that a name such as `github:choldgraf` is of; null for any other text. */
export function forgeUserOf(name: string): ForgeUser | null {
  const [, prefix, user = ""] = /^([a-z]+):(.+)$/.exec(name.toLowerCase()) ?? [];
  const forge = FORGES.find((one) => one.prefix === prefix);
  return forge?.user.test(user) === true ? { forge, user } : null;
}

/** What such an account is called everywhere. */
export const nameOf = ({ forge, user }: ForgeUser): string => `${forge.prefix}:${user}`;

/** The path to an account's keys, below the forge's origin, or below GitHub's API. */
export const keysPath = ({ forge, user }: ForgeUser, kind: KeyKind): string => forge.keys[kind].replace("USER", user);

/** Whether keys from an address are those of an account; GitHub's may be on any server. */
export function isKeysAddress(account: ForgeUser, kind: KeyKind, address: string): boolean {
  const { asked, origin } = account.forge;
  const path = keysPath(account, kind);
  return asked === "github" ? address.toLowerCase().endsWith(path) : address.toLowerCase() === origin + path;
}

/**
 * What the account is called whose keys are at an address: a login for GitHub's, whatever server
 * that is; null for any other address.
 */
export function nameAt(address: string): string | null {
  for (const forge of FORGES) {
    for (const path of Object.values(forge.keys)) {
      const [before = "", after = ""] = path.split("USER");
      const start = forge === GITHUB ? address.lastIndexOf(before) + before.length : `${forge.origin}${before}`.length;
      const user = address.slice(start, address.length - after.length);
      if (
        !forge.user.test(user) ||
        !isKeysAddress({ forge, user }, path === forge.keys.ssh ? "ssh" : "openpgp", address)
      )
        continue;
      return forge === GITHUB ? user : nameOf({ forge, user });
    }
  }
  return null;
}
