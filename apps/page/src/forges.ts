/** Where names are looked up. */
export interface Forge {
  readonly prefix: string;
  readonly title: string;
  /** A name there, in lower case. */
  readonly user: RegExp;
  /** Where a person finds the keys of `USER` as text. */
  readonly page: string;
  /** Where this page asks; null where the forge does not allow other origins to. */
  readonly api: string | null;
}

// As packages/directory/src/forges.ts has them; a test compares the two.
const PLAIN = /^[a-z0-9_][a-z0-9_.-]{0,254}$/;

/** GitHub first, which a bare name is of. */
export const FORGES: readonly [Forge, ...Forge[]] = [
  {
    prefix: "github",
    title: "GitHub",
    user: /^(?=.{1,39}$)[a-z0-9][a-z0-9-]*(?:_[a-z0-9]+)?$/,
    page: "https://github.com/USER.keys",
    api: "https://api.github.com/users/USER",
  },
  {
    prefix: "gitlab",
    title: "GitLab",
    user: PLAIN,
    page: "https://gitlab.com/USER.keys",
    api: "https://gitlab.com/api/v4/users/USER",
  },
  { prefix: "codeberg", title: "Codeberg", user: PLAIN, page: "https://codeberg.org/USER.keys", api: null },
  { prefix: "sourcehut", title: "SourceHut", user: PLAIN, page: "https://meta.sr.ht/~USER.keys", api: null },
];

/** What somebody typed, or an address holds: a name on a forge, keys, or neither. */
export type Query =
  | { readonly kind: "user"; readonly forge: Forge; readonly user: string }
  | { readonly kind: "keys"; readonly text: string }
  | { readonly kind: "malformed"; readonly forge: Forge };

const KEY = /^\s*(?:ssh-|ecdsa-|sk-|age1|#)|(?:ssh|ecdsa|sk)-\S+ AAAA/;

/** What no page must ever get: private keys of SSH, PuTTY, OpenPGP and age. */
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|AGE-SECRET-KEY-|AGE-PLUGIN-/i;

/** Whether somebody typed a private key, which a page is not to be trusted with. */
export const holdsPrivateKey = (text: string): boolean => PRIVATE_KEY.test(text);

/** Reads what may be a name, an address of a profile, or keys. */
export function readQuery(text: string): Query {
  if (KEY.test(text) || text.trim().includes("\n")) return { kind: "keys", text };
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/^https:\/\/(?:www\.)?(github|gitlab)\.com\/([^/?#]+?)(?:\.keys)?\/?$/, "$1:$2");
  const [, prefix, mark = "", name = ""] = /^(?:([a-z]+):)?([@~]?)(.*)$/.exec(plain) ?? [];
  const usual = mark === "~" ? "sourcehut" : "github";
  const forge = FORGES.find((one) => one.prefix === (prefix ?? usual));
  if (forge?.user.test(name) === true) return { kind: "user", forge, user: name };
  return { kind: "malformed", forge: forge ?? FORGES[0] };
}
