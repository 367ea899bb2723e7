/*
 * What --json prints, in a notation that people read and that the build makes JSON Schemas from:
 * `{field: type, field?: type}`, `[item]`, `text`, `number`, `bool`, `null`, `any`, `map of type`,
 * alternatives with `|`, and names of shapes. A field without a type is a text; one with `?` is
 * left out where there is nothing to say. What is published stays: later versions only add fields.
 */

/** Parts that several outputs have, by the names that stand for them. */
export const NAMED_SHAPES: Readonly<Record<string, string>> = {
  Key: "{type, fingerprint}",
  RecipientKey:
    "{type, bits: number|null, fingerprint: text|null, comment: text|null, algorithm?: text, userIds?: [text], encryptionKey?: text|null}",
  Sealed: "{recipient, source, ...RecipientKey}",
  NotSealed: "{recipient, source, ...RecipientKey, reason}",
  Unsealed: "{fingerprint, reason}",
  Signature:
    "{from: text|null, fingerprint, date, state, reason: text|null, known: {allowed: [text], member: text|null}|null}",
  Reviewed: "{holder, keyNames: [text], keys: [Key], marks: [{mark, about: text|null, key: text|null}]}",
  Rotation: "{keys: [{keyName, keyId, retiredKeyId}], branch, commit, files: [text], clear: [text], unopened: [text]}",
  Problem: "{path, problem}",
  Finding:
    "{id, severity, message, file?: text, line?: number, column?: number, environment?: text, environments?: [text], release?: text, remedy?: text, subject?: text, places?: any, messageOfSeveral?: text, hint?: text}",
  Certificate: "{subject, issuer, names: [text], notBefore, notAfter, fingerprint}",
  Node: "{name, pools: [text], ready: bool, troubles: [text], cordoned: bool, schedulable: bool, full: bool, used: map of number, pods: [{namespace, name, owner: text|null, fate, obstacles: [text], losesData: bool, startedAt: text|null}]}",
  Archive: "{name, version, repository, sha256, path, wasThere: bool}",
  Dependency: "{name, version, repository}",
  Right: "{namespace: text|null, group, resource, verbs: [text], names?: [text]}",
};

interface JsonOutput {
  readonly shape: string;
  /** What the shape does not say. */
  readonly note?: string;
}

/** What each command prints, by its name. */
export const JSON_OUTPUTS: Readonly<Record<string, JsonOutput>> = {
  share: {
    shape:
      "{format, message: text|null, output: text|null, secret: {kind, name: text|null, bytes: number}, sealedTo: [Sealed], notSealedTo: [NotSealed], signature: {from: text|null, fingerprint}|null, open: [text]}",
    note: "message is null where it went to a file or the clipboard, and output then says where; open has command lines",
  },
  view: {
    shape:
      "{format, openedWith: {path: text|null, fingerprint: text|null}, signature: Signature|null, bytes: number, output: text|null, encoding?: text, plaintext?: text|null}",
    note: "encoding is utf8 or base64; plaintext is null where it went to a file or the clipboard, and missing for more than 16 MiB; signature is null where there is none, and its state confirmed, denied, unnamed (by a key and no name), unchecked (with --offline) or unreachable (the forge did not answer); known is what git's allowed signers and the members log here say of the key, null where the forge confirmed it",
  },
  unlock: {
    shape:
      "{source, signature: Signature|null, keys: [{name, verified: bool, wasUnlocked: bool}], decrypted: number, outside: number, clear: [text], changed: [text], unopened: [text], irregular: [text], guarded: [text], member: text|null, lacking: [text], takenOff: [{keyName, by, time}], refused: [Problem], waiting: [{reference, removed: [text], keyNames: [text], by, entry}], unread: [text]}",
    note: "source is file, stdin, repository, environment, members, openpgp or clipboard; takenOff are keys that lie here, were replaced and are not for you any more; waiting is what another branch changed, unread the branches that were not searched for that",
  },
  grant: {
    shape:
      "{root, started: bool, keyNames: [text], commit: text|null, granted: [{holder, role, wasMember: bool, also: [text], notHere: [text], keys: [Key], notSealedTo: [Unsealed]}], unchanged: [text], notSealedTo: [NotSealed], identity: text|null}",
    note: "identity, the private key that --ci made, is null without --ci and where it went to a file",
  },
  holders: {
    shape:
      "{root: text|null, state, holders: [{holder, role, accounts: [text], opens: [text], since, addedBy: text|null, keys: [{type, fingerprint, state}], newKeys: [Key], takenKeys: [Key], forge, problem: text|null, renamedTo: text|null, attention: [text]}], keys: [{keyName, state, current, generations: number}], strangers: [{keyName, fingerprint, path}], notCounting: any, findings: [{id, subject: text|null, message}]}",
    note: "state of the log is accepted, new, other or none, of a key settled, two-heads or stale",
  },
  log: {
    shape:
      "{root: text|null, state, entries: [{id, time, author, action, about: [text], role: text|null, opens: [text], keys: [text], newKeys: [text], counts: bool, reason: text|null, by: text|null, present: bool, text: text|null}], bad: [{name, problem}]}",
  },
  sync: {
    shape:
      "{commit: text|null, outOfDate: [{holder, added: [text], removed: [text], renamedTo: text|null, lacks: [text]}], unclear: [{holder, reason, problem: text|null}], strangeCopies: [text], unsettled: [{keyName, state}]}",
  },
  revoke: {
    shape:
      "{holders: [text], keys: [text], keyNames: [text], notHere: [text], commit: text|null, notSealedTo: [Unsealed], recipients: [Reviewed], rotation: Rotation|null}",
    note: "rotation is null where no key had to be replaced",
  },
  init: {
    shape: "{keyName, root: text|null, attributes: [text], unencrypted: [Problem], otherKey: [text]}",
    note: "root is null where no members log was started",
  },
  lock: {
    shape:
      "{keyNames: [text], encrypted: number, clear: [text], left: [text], keptByGit: [text], unseen: [text], worktrees: [text], guarded: [text]}",
  },
  status: {
    shape:
      "{state, keys: [{name, stored: bool, configured: bool, files: number}], files: [{path, keyName, tracked: bool, encrypted: bool}], findings: [{path, problem, advice}], fixed: [text]}",
    note: "state is unlocked, locked, partly or unused",
  },
  rotate: {
    shape: "{...Rotation, recipients?: [Reviewed], notSealedTo?: [Unsealed]}|{aborted: bool}",
    note: "aborted with --abort; with --continue there are neither recipients nor notSealedTo",
  },
  decrypt: { shape: "{encrypted: bool, bytes: number, output: text|null, encoding, plaintext: text|null}" },
  "export-key": { shape: "{bytes: number, output: text|null, key: text|null}", note: "key is base64" },
  keygen: { shape: "{bytes: number, output: text|null, key: text|null}", note: "as of export-key" },
  "migrate-key": { shape: "{bytes: number, output: text|null, key: text|null}", note: "as of export-key" },
  hooks: {
    shape:
      "{path, shared: bool, found: bool, joined: bool, manager: text|null, guarded: [text]}|{removed: bool}|{findings: [Problem]}|{outcome}",
    note: "of install, remove, check and test",
  },
  "deploy init": {
    shape: "{output: text|null, settings: any, taken: [text], undecided: [text]}",
    note: "output is null with --dry-run",
  },
  "deploy check": {
    shape: "{commit, environments: [text], findings: [Finding], skipped: [text]}",
    note: "severity is error, warning or note; what a finding does not have is left out",
  },
  "deploy values": {
    shape:
      "{commit, environment, values: any, leftOut: [text], matched: any}|{commit, environment, path, state, value: any, settings: [{file, line: number, column: number, role, secret: bool, value: any}]}",
    note: "the second with --explain, where the first setting counts; state is set, map or removed; a secret value is [secret]",
  },
  "deploy template": {
    shape:
      "{commit, environment, releases: [{key, name, namespace, leftOut: [text], objects: [{source: text|null, object: any}]}]}",
    note: "secrets are hidden in objects, unless --with-secrets asks for them",
  },
  "deploy plan": {
    shape:
      "{environment, cluster, commit, given: [text], helm: number, made, secrets, releases: [{name, namespace, chart: {path, name, version, archives: map of text}, values, revision: {number: number, status, uid}|null, changes: [{action, apiVersion, kind, namespace: text|null, name, hook: bool, diff}], drift: [{kind, namespace, name, what, told}], unseen: text|null, needs: [Right], unchanged: number, hooks: number, hooksAfter: bool, halfWay: {apply, until: text|null}|null, hidden: text|null, withoutCluster: bool}]}",
    note: "also of deploy apply --dry-run; revision is null before the first installation; halfWay is null unless a run is at the release or left it half-way, apply is repairs, waits or refuses; drift is what others changed in the cluster since, what is gone, changed or refused, and unseen why that is not known of all; needs is what the cluster's user has to be allowed, namespace is null for the whole cluster; values is a digest with a key",
  },
  "deploy apply": {
    shape: "{events: [{event, ...any}]}",
    note: "also of deploy rollback; event is begin, warning, repaired, unchanged, upgrading, upgraded, progress, unready, ready, rolling-back, rolled-back, failed or end; after a failure, too",
  },
  "deploy rollback": { shape: "{events: [{event, ...any}]}", note: "as of deploy apply" },
  "deploy certs": {
    shape:
      "{commit, environments: [{environment, hosts: [{host, ingress, secret: text|null, address: text|null, served: Certificate|null, stored: Certificate|null, issuance: any}]}], credentials: [{file, certificate: Certificate|null, tokenEnds: text|null}], findings: [Finding]}",
  },
  "deploy rollout": {
    shape:
      "{commit, environments: [{environment, state, step?: text, error?: {code, message, hint?: text}, because?: [text], findings?: [Finding]}]}",
    note: "state is done, failed (then step and error are there) or skipped (because of other environments); findings are there once it was verified",
  },
  "deploy drift": { shape: "{commit, environments: [{environment, drifted: bool}], findings: [Finding]}" },
  "deploy rights": { shape: "{manifests: [any], unknown: [text]}", note: "manifests are objects of Kubernetes" },
  "deploy verify": {
    shape:
      "{commit, environments: [{environment, workloads: number, answers: [{host, path, status: number|null}]}], federation: [{member, versions: any}], findings: [Finding]}",
  },
  "deploy nodes": {
    shape: "{commit, environment, pools: [{name, nodes: [Node]}], strays: [Node], findings: [Finding]}|{node, state}",
    note: "the second with cordon, uncordon or drain",
  },
  "deploy fetch": { shape: "{archives: [Archive]}" },
  "deploy lock": {
    shape: "{archives: [Archive]}|{missing: [Dependency], unneeded: [Dependency]}",
    note: "the second with --check",
  },
  version: {
    shape: "{vault, commit: text|null, standalone: bool, node, openssl, git: text|null, platform}",
    note: "of --version",
  },
  doctor: {
    shape:
      "{vault, commit: text|null, standalone: bool, node, openssl, git: text|null, platform, otherVault: text|null, keys: [text], settings: map of text, diagnoses: [{ailment, subject: text|null, serious: bool, remedy}], guarded: [text]}",
  },
  create: {
    shape: "{vault, private_key?: text}",
    note: "as ssh-vault prints it; private_key, the address of one, only with -u new",
  },
  edit: { shape: "{vault, format, changed: bool}" },
  fingerprint: {
    shape: "{keys: [{name, type, comment: text|null, fingerprint, sshVaultFingerprint: text|null}]}",
    note: "the last is null for all but RSA keys",
  },
  keys: {
    shape:
      "{recipients: [{recipient, source, keys: [{...RecipientKey, usable: bool, reason: text|null}]}]}|{identity?: text, recipient, created, output?: text}",
    note: "the second of keys new, without identity where it went to a file",
  },
  error: { shape: "{error: {code, message, hint?: text}}", note: "on stderr, of every command" },
};
