import { printable } from "@git-vault/core";
import type { Remedy } from "@git-vault/deploy";

/** An error or a finding of a deployment. */
export interface Remediable {
  readonly hint?: string | undefined;
  readonly remedy?: Remedy | undefined;
  readonly subject?: string | undefined;
  readonly environment?: string | undefined;
}

/**
 * What does it on the command line, of the words that the library has for it, and of its subject.
 */
const WORDS: Readonly<Record<Remedy, (hint: string, subject: string, environment: string) => string>> = {
  "give-key": () => "give the key by --key-file or $GIT_CRYPT_KEY, or run `vault unlock` first",
  "give-kubeconfig": (hint) => `${hint}; or give one of your own by --kubeconfig FILE`,
  "give-private-key": () => "give a private key by --key, $SOPS_AGE_KEY_FILE or $GIT_VAULT_IDENTITY",
  "allow-cloud-key": (_, name) =>
    `give a private key by --key; or let the sops that is installed ask for the cloud's, with --cloud-key '${printable(name)}'`,
  "export-key": () => "set it to what `vault export-key | base64` prints",
  "give-values": (_, release) => {
    const whose = release === "" ? "" : `${release}:`;
    return `build the images, and give their tags by --set ${whose}KEY=VALUE or --values ${whose}FILE`;
  },
  "use-bare-key": (hint) => `${hint}, such as \`vault keys new\` makes`,
  lock: () => "run `vault deploy lock`, look at what changed, and commit it",
  "update-locks": (_, chart) =>
    `run \`helm dependency update ${chart}\`, then \`vault deploy lock\`, and commit both locks`,
  "lock-again": () =>
    "find out why; to take the new one, remove its entry from deploy.lock and run `vault deploy lock`",
  fetch: () => "run `vault deploy fetch`",
  "fetch-again": () =>
    "remove it and run `vault deploy fetch`; where that fails, too, the version was published again with other content",
  encrypt: () => "run `vault status --fix`, commit, and replace what was in it: the history keeps it",
  plan: (hint) => `${hint}, with \`vault deploy plan\``,
  "make-plan": () => "make it with `vault deploy plan --output FILE`",
  repair: () => "where you know that nobody is, run it again with --repair",
  force: (hint) => `${hint}; --force closes it nevertheless`,
  "evict-all": (hint) => `${hint}, with --evict-all where local data may be lost`,
  verify: (_, environment) => `see \`vault deploy verify ${environment}\``,
  rights: (hint, environment) => `${hint}, as \`vault deploy rights ${environment}\` prints it`,
  drain: (_, node, environment) => `vault deploy nodes ${environment} drain ${node}`,
  uncordon: (_, node, environment) => `vault deploy nodes ${environment} uncordon ${node}`,
};

/** What to do about an error or a finding, in the words of the command line. */
export const hintOf = ({ hint, remedy, subject = "", environment = "" }: Remediable): string | undefined =>
  remedy === undefined ? hint : WORDS[remedy](hint ?? "", subject, environment);
