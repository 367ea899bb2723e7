/*
 * The chapters of `vault help`. They are loaded when one is asked for.
 */
import { FORGES, GITHUB } from "@git-vault/directory/forges";
import type { CommandTable } from "./command-table.ts";
import { EXIT_CODES } from "./error-codes.ts";
import { columns, commandHelp, familyHelp, paragraph } from "./help.ts";

const RECIPIENTS: readonly (readonly [string, string])[] = [
  ["choldgraf, github:choldgraf", "a GitHub user, with all the SSH keys of their profile"],
  ["github:org/team", "every member of a GitHub team; needs a token in GH_TOKEN"],
  ...FORGES.filter((forge) => forge !== GITHUB).map(
    ({ prefix, origin }) => [`${prefix}:user`, `a user of ${new URL(origin).host}`] as const,
  ),
  ["https://host/user.keys", "any address that serves public key lines"],
  ["./alice.pub, ~/team.keys", "a .pub or authorized_keys file; its name has a slash or ends in .pub or .keys"],
  ["alice.asc, alice.gpg", "a file of OpenPGP keys, for --format openpgp"],
  ["'ssh-ed25519 AAAA… alice'", "a public key itself, as one quoted word"],
  ["age1…", "a public key of age's, as `vault keys new` and age-keygen make them"],
  ["age1NAME1…", "a key of the age plugin NAME, which is then run; or AGE-PLUGIN-NAME-1…, an identity of it"],
  ["-", "one recipient a line, read from stdin"],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["GH_TOKEN, GITHUB_TOKEN", "a GitHub token, in this order; public keys need none, but allow more requests with one"],
  ["GITHUB_API_URL, GH_HOST", "another GitHub server than github.com"],
  ["HTTPS_PROXY, NO_PROXY, …", "the proxy to reach the network by"],
  [
    "GIT_CRYPT_KEY",
    "for `vault unlock`, `vault decrypt` and `vault deploy`: the base64 text of a git-crypt key file, or the path of one",
  ],
  ["HELM", "the Helm program of `vault deploy`; `helm` where it is not set"],
  ["SSH_AUTH_SOCK", "the SSH agent that messages and the members log are signed with"],
  ["GIT_VAULT_ROOT", "the members log that is demanded, SHA256:…, such as in CI; GIT_VAULT_IDENTITY may name it, too"],
  [
    "GIT_VAULT_IDENTITY",
    "the private key that opens messages and the repository's keys, such as a CI system's: the text AGE-SECRET-KEY-…, or the path of a private key",
  ],
  ["SSH_VAULT_PASSPHRASE", "the passphrase of the private key, as in ssh-vault"],
  ["SSH_VAULT_SSHKEYS_ONLINE", "the server that `vault create -u new` gets a public key from"],
  ["VISUAL, EDITOR", "the editor of `vault create` and `vault edit`; vi where neither is set"],
  [
    "XDG_CONFIG_HOME",
    "where the recipients and members logs are kept that were seen, in git-vault/known-recipients and known-repositories",
  ],
  [
    "XDG_CACHE_HOME",
    "where answers of forges are kept, which are checked again each time, and the program as Node compiled it",
  ],
  ["NODE_DISABLE_COMPILE_CACHE", "1 keeps no compiled program, and loads none"],
  ["NO_COLOR, FORCE_COLOR", "whether errors are coloured"],
  ["VAULT_DEBUG", "1 adds the stack to an error"],
];

const JSON_OUTPUT: readonly (readonly [string, string])[] = [
  [
    "share",
    "{format, message, output, secret: {kind, name, bytes}, sealedTo: [{recipient, source, type, bits, fingerprint, comment}], notSealedTo: [{…, reason}], signature: {from, fingerprint}, open: [command line]}; message is null where it went to a file or the clipboard, and output then says where",
  ],
  [
    "view",
    "{format, openedWith: {path, fingerprint}, signature: {from, fingerprint, date, state, reason}, bytes, encoding, plaintext, output}; encoding is utf8 or base64; plaintext is null where it went to a file or the clipboard; signature is null where there is none, and its state confirmed, denied, unnamed (by a key and no name), unchecked (with --offline) or unreachable (the forge did not answer)",
  ],
  [
    "unlock",
    "{source, signature, keys: [{name, verified, wasUnlocked}], decrypted, outside, clear: [path], changed: [path], unopened: [path], irregular: [path], member, lacking: [name], refused: [{path, problem}], waiting: [{reference, removed, keyNames, by, entry}], unread: [reference]}; source is file, stdin, repository, environment, members, openpgp or clipboard; signature as of view, and null where no sealed message was opened; waiting is what another branch changed, unread the branches that were not searched for that",
  ],
  [
    "grant",
    "{root, started, keyNames, commit, granted: [{holder, role, wasMember, keys: [{type, fingerprint}]}], unchanged: [holder], notSealedTo: [as of share], identity}; identity, the private key that --ci made, is null without --ci and where it went to a file",
  ],
  [
    "holders",
    "{root, state, holders: [{holder, role, accounts, opens, since, addedBy, keys: [{type, fingerprint, state}], newKeys: [{type, fingerprint}], takenKeys: [{type, fingerprint}], forge, renamedTo, attention: [sentence]}], keys: [{keyName, state, current, generations}], strangers: [{keyName, fingerprint, path}], notCounting, findings: [{id, subject, message}]}; state of the log is accepted, new, other or none, of a key settled, two-heads or stale",
  ],
  [
    "log",
    "{root, state, entries: [{id, time, author, action, about, role, opens, newKeys, counts, reason, by, present}], bad: [{name, problem}]}",
  ],
  [
    "sync",
    "{commit, outOfDate: [{holder, added, removed, renamedTo, lacks}], unclear: [{holder, reason}], strangeCopies: [path], unsettled: [{keyName, state}]}",
  ],
  [
    "revoke",
    "{holders: [holder], keys: [fingerprint], keyNames, notHere, commit, recipients: [{holder, keyNames, keys, marks: [{mark, about}]}], rotation: as of rotate}; rotation is null where no key had to be replaced",
  ],
  ["init", "{keyName, root, attributes: [line]}; root is null where no members log was started"],
  ["lock", "{keyNames, encrypted, clear: [path], worktrees: [folder]}"],
  [
    "status",
    "{state, keys: [{name, stored, configured, files}], files: [{path, keyName, encrypted}], findings: [{path, problem, advice}], fixed: [path]}; state is unlocked, locked, partly or unused",
  ],
  [
    "rotate",
    "{keys: [{keyName, keyId, retiredKeyId}], branch, commit, files: [path], clear: [path], recipients: as of revoke}; with --abort {aborted}",
  ],
  ["decrypt", "{encrypted, bytes, output, encoding, plaintext}, the last three as of view"],
  ["export-key, keygen, migrate-key", "{bytes, output, key}; key is base64, and null where it went to a file"],
  ["hooks", "install: {path, before}; remove: {removed}; check: {findings: [{path, problem}]}"],
  [
    "deploy check",
    "{commit, environments: [name], findings: [{id, severity, message, file, line, column, environment, release, hint}], skipped: [reason]}; severity is error, warning or note; what a finding does not have is left out",
  ],
  [
    "deploy values",
    "{commit, environment, values, leftOut: [path]}; with --explain {commit, environment, path, state, value, settings: [{file, line, column, role, secret, value}]}, where the first setting counts; state is set, map or removed; a secret value is [secret]",
  ],
  [
    "deploy plan, deploy apply --dry-run",
    "{environment, cluster, commit, helm, made, releases: [{name, namespace, chart: {path, name, version, archives}, values, revision: {number, status, uid}, changes: [{action, apiVersion, kind, namespace, name, hook, diff}], unchanged, hooks, hooksAfter, halfWay: {apply, until}, withoutCluster}]}; revision is null before the first installation; halfWay is null unless a run is at the release or left it half-way, apply is repairs, waits or refuses; values is a digest with a key",
  ],
  [
    "deploy apply, deploy rollback",
    "{events: [{event, …}]}; event is begin, warning, repaired, upgrading, upgraded, progress, unready, ready, rolling-back, rolled-back, failed or end; after a failure, too",
  ],
  [
    "deploy certs",
    "{commit, environments: [{environment, hosts: [{host, ingress, secret, address, served, stored, issuance}]}], credentials: [{file, certificate, tokenEnds}], findings}; served, stored and certificate are {subject, issuer, names, notBefore, notAfter, fingerprint} or null",
  ],
  [
    "deploy rollout",
    "{commit, environments: [{environment, state, findings}]}; state is done, failed (then step and error: {code, message, hint} are there, too) or skipped (because: [environment]); findings are there once it was verified",
  ],
  [
    "deploy verify",
    "{commit, environments: [{environment, workloads, answers: [{host, path, status}]}], federation: [{member, versions}], findings}",
  ],
  [
    "deploy nodes",
    "{commit, environment, pools: [{name, nodes: [{name, pools, ready, troubles, cordoned, schedulable, full, used, pods}]}], strays, findings}; with cordon, uncordon or drain {node, state}",
  ],
  ["deploy fetch, deploy lock", "{archives: [{name, version, repository, sha256, path, wasThere}]}"],
  ["doctor", "{vault, node, git, keys: [name], settings, diagnoses: [{ailment, subject, serious, remedy}]}"],
  ["create", "{vault, private_key}, as ssh-vault prints it; private_key, the address of one, only with -u new"],
  ["edit", "{vault, format, changed}"],
  [
    "fingerprint",
    "{keys: [{name, type, comment, fingerprint, sshVaultFingerprint}]}; the last is null for all but RSA keys",
  ],
  [
    "keys",
    "{recipients: [{recipient, source, keys: [{type, bits, fingerprint, comment, usable, reason}]}]}; an OpenPGP key has algorithm, userIds and encryptionKey, too",
  ],
  ["errors", "on stderr: {error: {code, message, hint}}"],
];

/** What `vault help TOPIC` shows; undefined for what `check-pages.ts` or nothing covers. */
export function helpOn(table: CommandTable, name: string): string | undefined {
  switch (name) {
    case "recipients":
      return `A recipient R is one of\n\n${columns(RECIPIENTS)}\n\n${paragraph(
        "A message can be sealed to ssh-ed25519 keys and to ssh-rsa keys of 2048 to 8192 bits. ECDSA and FIDO keys can only sign; they are named and passed over, and the run fails only for a recipient with no usable key left.",
      )}`;
    case "exit-codes":
      return `exit codes\n${columns(Object.entries(EXIT_CODES).map(([code, meaning]) => [code.padStart(3), meaning] as const))}`;
    case "environment":
      return `environment\n${columns(ENVIRONMENT)}`;
    case "json":
      return `What --json prints, one object:\n\n${columns(JSON_OUTPUT)}`;
    default: {
      if (table.families.has(name)) return familyHelp(table, name);
      const command = table.find(name);
      const shown = table.shown.find(([known]) => known === command);
      return shown && commandHelp(...shown);
    }
  }
}
