/*
 * The commands that deploy from a repository, and what their help says.
 */
import type { CommandSpecs, Flags } from "../../cli/command.ts";
import {
  DIALOG_FLAGS,
  FORCE,
  HISTORY,
  KEY,
  KEY_FILE,
  MARKDOWN,
  OUTPUT,
  PASSPHRASE_FLAGS,
  YES,
} from "../../cli/flags.ts";

const REVISION = { value: "REV", summary: "read the project at the commit REV; default HEAD" } as const;

const HELM_TIMEOUT = {
  value: "SECONDS",
  number: { form: /^[1-9]\d{0,4}$/, expected: "a number of seconds, such as 300" },
  summary: "end Helm where it does not render or read within SECONDS; default 300",
} as const;

const CLOUD_KEY = {
  value: "PATTERN",
  multiple: true,
  summary:
    "let the installed sops ask for cloud keys such as gcp_kms:projects/mine/*, where no private key opens a layer; may be repeated",
} as const;

/** With nothing to seal, it only opens. */
const PRIVATE_KEY = {
  ...KEY,
  summary:
    "the private key that opens a sealed key file, copies in the repository or layers of sops: its file, an https:// address, or AGE-PLUGIN-…",
} as const;

/** What every command takes that reads the project. */
export const PROJECT_FLAGS = {
  revision: REVISION,
  "helm-timeout": HELM_TIMEOUT,
  "key-file": {
    ...KEY_FILE,
    multiple: true,
    summary: `${KEY_FILE.summary}; may be repeated, for keys of several names`,
  },
  key: PRIVATE_KEY,
  "cloud-key": CLOUD_KEY,
  ...PASSPHRASE_FLAGS,
} as const satisfies Flags;

/** What every command takes that reaches a cluster. */
export const KUBECONFIG_FLAGS = {
  kubeconfig: {
    value: "FILE",
    complete: "file",
    summary:
      "reach the cluster by FILE, a kubeconfig of your own from outside of the repository, and not by that of the commit; `-` is stdin. $KUBECONFIG is never read",
  },
} as const satisfies Flags;

const SECRETS = {
  value: "WHAT",
  complete: ["real", "stand-ins"],
  summary:
    "read real secrets, or stand-ins alone, of which a chart can tell nobody anything; default stand-ins for a pull request in CI, else real",
} as const;

const TIMEOUT = {
  value: "SECONDS",
  number: { form: /^[1-9]\d{0,5}$/, expected: "a number of seconds, such as 600" },
  summary: "give up after so long: apply and rollback for each release, nodes for the node; default 600",
} as const;

const HISTORY_MAX = {
  value: "NUMBER",
  // With one alone, nothing would be left to go back to.
  number: { form: /^(?:0|[2-9]|[1-9]\d{1,4})$/, expected: "a number of revisions, at least 2, or 0 for no limit" },
  summary: "keep so many revisions of a release, 0 for all; default 10",
} as const;

const ON_FAILURE = {
  value: "WHAT",
  complete: ["rollback", "leave"],
  summary: "what to do with a failed release: rollback (to what it was) or leave; default rollback",
} as const;

const REDEPLOY = { summary: "upgrade a release of which nothing changes, too: its hooks run again" } as const;

const REPAIR = { summary: "take up a release that was left half-way: you know that nobody is at it any more" } as const;

const AUDIT_LOG = {
  value: "FILE",
  complete: "file",
  summary: "append what happens to FILE, one JSON object a line",
} as const;

const RELEASE = {
  value: "NAME",
  complete: "release",
  summary: "show that release alone, as deploy.yaml or Helm calls it; of several of one name, NAMESPACE/NAME",
} as const;

/** Values that are in no commit. */
export const VALUES_FLAGS = {
  values: {
    value: "FILE",
    multiple: true,
    complete: "file",
    summary:
      "lay the values in FILE (YAML) over those of the commit, for the main release, the one of --release, or with NAME:FILE for the release NAME; may be repeated",
  },
  set: {
    value: "KEY=VALUE",
    multiple: true,
    summary:
      "the same for one value, as Helm's --set has it: image.tag=1.2,replicas=3, or NAME:image.tag=1.2; may be repeated",
  },
  "set-string": { value: "KEY=VALUE", multiple: true, summary: "the same, and VALUE is a text" },
} as const satisfies Flags;

const ADDRESS = {
  value: "HOST=ADDRESS",
  multiple: true,
  summary: "connect to ADDRESS or ADDRESS:PORT for HOST, or with `*` for all hosts; may be repeated",
} as const;

const DAYS = { form: /^\d{1,4}$/, expected: "a whole number of days, at most 9999" } as const;

/** When a certificate is near its end. */
const DAYS_FLAGS = {
  "warn-days": {
    value: "DAYS",
    number: DAYS,
    summary: "warn of certificates from so many days before their end on; default 21",
  },
  "error-days": { value: "DAYS", number: DAYS, summary: "the same as an error; default 7" },
} as const;

const KEY_TEXT =
  "The commit is read from git, and what is encrypted is decrypted in memory: the checkout may stay locked. The key is that of --key-file (in CI, /dev/fd/3: a descriptor, which nobody else sees); else of $GIT_CRYPT_KEY, and of $GIT_CRYPT_KEY_NAME for each key with a name; else those that unlocking left in the repository; else that of a grant to $GIT_VAULT_IDENTITY or to your SSH key. Layers that sops encrypted are opened by --key, else by $GIT_VAULT_IDENTITY, the keys that sops finds, your SSH keys and gpg.";

const IN_CI_TEXT =
  "In GitHub Actions, what is planned and what became of it is told in the job's summary, a failure in an annotation, and docs/deploy.md tells the outputs of the step. In each command, secrets are masked.";

const CLUSTER_TEXT =
  "The cluster is the one that deploy.yaml pins for the environment (cluster: { uid: … }), and it is reached with the environment's own kubeconfig, which is encrypted in the commit, or with that of --kubeconfig: your current context and $KUBECONFIG are never used. Without a pin, the command tells what to write.";

export const DEPLOY_COMMANDS = {
  "deploy init": {
    group: "deploy",
    usage: "",
    summary: "look at the repository, and write a deploy.yaml for it",
    description: [
      "Looks at the files of the commit, without a key, and finds charts, environments with their layers in order, releases, kubeconfigs and node pools: of a helmfile, of clusters with lists of hubs as 2i2c's deployer has them, of deployments/NAME as hubploy has them, of config/NAME.yaml and secrets/config/NAME.yaml as mybinder.org has them, of files that are called after environments (values-prod.yaml, deploy/prod.yaml), or of a chart for each deployment.",
      "It says what it took from where, and what it could not decide, which stands at the top of the file, too. A deploy.yaml that is there is never changed; --dry-run prints, and writes nothing.",
    ],
    examples: ["vault deploy init --dry-run", "vault deploy init"],
    operands: 0,
    flags: {
      "dry-run": { summary: "print what would be written" },
      revision: REVISION,
      ...DIALOG_FLAGS,
    },
  },
  "deploy check": {
    group: "deploy",
    usage: "[ENVIRONMENT…]",
    summary: "check what would be deployed: layers, secrets, charts; exit 7 where there are errors",
    description: [
      "Checks the environments that are named, else all. What cannot be checked without the key or without Helm is told, and passed over.",
      "Exits 7 where there are errors; with --strict, where there are warnings. `vault help checks` lists what is looked for, and `vault help` with the id of a finding, such as tls, tells what it means and how one is silenced; docs/checks.md is the same as a page. In GitHub Actions, findings are shown beside the code and in the job's summary, too, and counted in the outputs errors and warnings.",
      KEY_TEXT,
    ],
    examples: [
      "vault deploy check",
      "vault deploy check prod --revision origin/main --json",
      "vault deploy check --history --strict --sarif findings.sarif",
    ],
    operands: Number.POSITIVE_INFINITY,
    complete: ["environment"],
    flags: {
      strict: { summary: "exit 7 where there are warnings, too" },
      history: HISTORY,
      online: {
        summary: "ask the repositories of charts, which the commit names, whether what no lock has was published",
      },
      sarif: {
        value: "FILE",
        complete: "file",
        summary: "write the findings to FILE in SARIF 2.1.0, too; `-` prints them instead of the report",
      },
      ...VALUES_FLAGS,
      secrets: SECRETS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy values": {
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "show the values of an environment, or with --explain where one comes from",
    description: [
      "Prints the values that the chart sees, merged as Helm merges them, as YAML. Values of secret layers are shown as [secret]; --reveal shows them on a terminal, and nowhere else.",
      "--explain takes a path such as binderhub.config.BinderHub.hub_url, and tells which file and line sets it, and what it overrode.",
      KEY_TEXT,
    ],
    examples: ["vault deploy values prod", "vault deploy values prod --explain binderhub.replicas"],
    operands: 1,
    complete: ["environment"],
    missing: "expected an environment, such as prod",
    flags: {
      release: RELEASE,
      explain: { value: "PATH", summary: "tell where the value at PATH, such as hub.users[0].name, comes from" },
      reveal: { summary: "show secret values on the terminal" },
      "without-secrets": { summary: "leave out the encrypted layers that no key here opens" },
      ...VALUES_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy template": {
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "print what would be applied to the environment, without secrets; no cluster is asked",
    description: [
      "Helm renders each release of the environment, in the order in which they are deployed, and what depends on a secret is shown as [secret 1a2b3c4d], as in `vault deploy plan`. Objects that name no namespace get that of their release.",
      "--with-secrets prints all as Helm renders it, for a program that reads it from a pipe; onto a terminal or into a file, secrets are not printed.",
      KEY_TEXT,
    ],
    examples: [
      "vault deploy template prod",
      "vault deploy template prod --release cert-manager",
      "vault deploy template prod --with-secrets | kubectl diff -f -",
    ],
    operands: 1,
    complete: ["environment"],
    missing: "expected an environment, such as prod",
    flags: {
      release: RELEASE,
      "with-secrets": { summary: "print secrets, too, into a pipe" },
      "without-secrets": { summary: "leave out what is encrypted and no key here opens" },
      ...VALUES_FLAGS,
      secrets: SECRETS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy plan": {
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "show what a deployment would change in the environment's cluster, without secrets",
    description: [
      "Helm rehearses the upgrade against the cluster, which is not changed, and the result is compared with what the cluster runs. What a Secret holds, and secrets wherever they stand, are shown as [secret 1a2b3c4d]: the same digits are the same secret within one plan, and tell nothing else.",
      "A commit that no holder of the key has looked at may have a chart that is written to tell secrets by what is there or not. With --secrets stand-ins, nothing of them but their shape reaches it, and what the commit would deploy is compared with what the running commit deploys, rendered in the same way; such a plan cannot be applied. In CI, it is so by itself for whatever a pull request started.",
      "With -o, the plan is written to a file, too, which `vault deploy apply --plan FILE` takes; -o - prints that instead of the text. It is bound to the commit, the charts' archives, the values and the releases' revisions.",
      IN_CI_TEXT,
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy plan staging", "vault deploy plan prod -o prod.plan --html prod.html"],
    operands: 1,
    complete: ["environment"],
    missing: "expected an environment, such as staging",
    flags: {
      output: {
        ...OUTPUT,
        summary: "write the plan to FILE (mode 0600, replaced whole), too; `-` prints it, and nothing else",
      },
      html: {
        value: "FILE",
        complete: "file",
        summary: "write the plan to FILE as a web page, too, for a reviewer; `-` prints it, and nothing else",
      },
      markdown: MARKDOWN,
      ...VALUES_FLAGS,
      secrets: SECRETS,
      ...KUBECONFIG_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy apply": {
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "deploy to the environment's cluster, and wait until all is ready",
    description: [
      "Does what --plan says, or plans, shows the plan and asks. A plan is refused (exit 8) once the commit, a chart, the values or a release is not what it was made for.",
      "Helm installs or upgrades each release in its order; one of which nothing changes is left at its revision, unless --redeploy is given. Then its objects are looked at, all at once; where one does not become ready, it is told why: what its pods wait for, events, the last lines of the logs, without secrets. A release that fails goes back to what it was, and one that was installed for the first time is removed; --on-failure leave leaves it.",
      "Ctrl-C and a request to end (SIGTERM) let Helm end and clean up, and undo the release in the same way. Two runs never deploy the same release at once: the right to do so is a Lease in the cluster. A release that a dead run left half-way (pending-upgrade) is repaired once that run is dead for sure; where that cannot be known, --repair says so.",
      IN_CI_TEXT,
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: [
      "vault deploy apply staging --yes",
      "vault deploy apply prod --plan prod.plan --audit-log deploy.ndjson",
    ],
    operands: 1,
    complete: ["environment"],
    missing: "expected an environment, such as staging",
    flags: {
      plan: { value: "FILE", complete: "file", summary: "do what the plan in FILE says, if it is not stale" },
      yes: YES,
      "dry-run": { summary: "change nothing: plan, and tell whether it could be done" },
      timeout: TIMEOUT,
      "history-max": HISTORY_MAX,
      "on-failure": ON_FAILURE,
      repair: REPAIR,
      redeploy: REDEPLOY,
      "audit-log": AUDIT_LOG,
      ...VALUES_FLAGS,
      ...KUBECONFIG_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy rollback": {
    group: "deploy",
    usage: "ENVIRONMENT [REVISION]",
    summary: "make an earlier revision of a release the current one, and wait until all is ready",
    description: [
      "Without REVISION, it is the last good one that is not what runs already: one that was found ready, and that no rollback jumped over. Tells what it goes back to, and asks.",
      IN_CI_TEXT,
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy rollback staging", "vault deploy rollback prod 41 --release cert-manager --yes"],
    operands: 2,
    complete: ["environment", []],
    missing: "expected an environment, such as staging",
    flags: {
      release: {
        ...RELEASE,
        summary: "take that release back instead of the main one, as deploy.yaml or Helm calls it, or NAMESPACE/NAME",
      },
      yes: YES,
      repair: REPAIR,
      timeout: TIMEOUT,
      "history-max": HISTORY_MAX,
      "audit-log": AUDIT_LOG,
      ...KUBECONFIG_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy rollout": {
    group: "deploy",
    usage: "[ENVIRONMENT…]",
    summary: "deploy to several environments: staging before prod, and several of prod at a time",
    description: [
      "Plans, applies and verifies each environment that is named, else all: staging first, then the canaries, then the rest of prod. One that fails holds back those that wait for it and no other, and every failure is told. Exit 0 only where all are done; else the exit code is that of the first environment that failed, in the order in which they are named (or stand in deploy.yaml).",
      "--timeout, --history-max, --on-failure, --repair, --redeploy and --audit-log mean what they do for `vault deploy apply`, each line of the log tells the environment, too; --address means what it does for `vault deploy verify`.",
      "On a terminal, a table shows the step that each environment is at; elsewhere, lines do. In GitHub Actions, the summary of the job has a diagram of what waited for what.",
      IN_CI_TEXT,
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy rollout --yes", "vault deploy rollout staging prod ovh --canary ovh --yes"],
    operands: Number.POSITIVE_INFINITY,
    complete: ["environment"],
    flags: {
      canary: {
        value: "ENVIRONMENT",
        multiple: true,
        complete: "environment",
        summary: "an environment of prod that the others of prod wait for; may be repeated",
      },
      parallel: {
        value: "NUMBER",
        number: { form: /^[1-9]\d?$/, expected: "a number from 1 to 99" },
        summary: "deal with so many environments at a time; default 3",
      },
      yes: YES,
      timeout: TIMEOUT,
      "history-max": HISTORY_MAX,
      "on-failure": ON_FAILURE,
      repair: REPAIR,
      redeploy: REDEPLOY,
      "audit-log": AUDIT_LOG,
      address: ADDRESS,
      ...VALUES_FLAGS,
      ...KUBECONFIG_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy drift": {
    group: "deploy",
    usage: "[ENVIRONMENT…]",
    summary: "tell in what the clusters differ from the commit; exit 7 where one does: for a schedule",
    description: [
      "Plans the environments that are named, else all, and tells what was changed in a cluster by hand, and by whom; what was committed and is not deployed; and releases that failed or were left half-way. Nothing is changed. A cluster that cannot be reached is told, and hides nothing of the others; without the key, exit 3 where nothing at all could be looked at.",
      "`vault deploy plan` shows the whole difference, `vault deploy apply` takes it back.",
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy drift", "vault deploy drift prod --json"],
    operands: Number.POSITIVE_INFINITY,
    complete: ["environment"],
    flags: { secrets: SECRETS, ...KUBECONFIG_FLAGS, ...PROJECT_FLAGS, ...DIALOG_FLAGS },
  },
  "deploy rights": {
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "print the least rights in the cluster with which the environment can be deployed, as RBAC manifests",
    description: [
      "Roles for what the charts make now and what runs was made of, for Helm's records, for the Lease that keeps two runs apart, and for what tells why something is not ready. They are of the cluster as it is: run it again once a chart has other kinds. The cluster is only read; `kubectl apply -f -` makes the roles.",
      "Without --subject there are roles alone. Roles that a chart makes itself may hold no more than the user has: those are to be given, too.",
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy rights prod --subject user:deployer | kubectl apply -f -"],
    operands: 1,
    complete: ["environment"],
    missing: "expected an environment, such as prod",
    flags: {
      subject: {
        value: "SUBJECT",
        summary: "bind the roles to user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME",
      },
      secrets: SECRETS,
      ...KUBECONFIG_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy verify": {
    group: "deploy",
    usage: "[ENVIRONMENT…]",
    summary:
      "look at what runs: workloads, endpoints, quotas, certificates, answers; exit 7 where something needs attention",
    description: [
      "Looks at the clusters of the environments that are named, else of all. A cluster that cannot be reached is told, and hides nothing of the others; without the key, exit 3 where nothing at all could be looked at. The members of the federation are asked for their versions: they stand in the encrypted file that deploy.yaml names.",
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy verify", "vault deploy verify prod --json"],
    operands: Number.POSITIVE_INFINITY,
    complete: ["environment"],
    flags: { address: ADDRESS, ...DAYS_FLAGS, ...KUBECONFIG_FLAGS, ...PROJECT_FLAGS, ...DIALOG_FLAGS },
  },
  "deploy certs": {
    group: "deploy",
    usage: "[ENVIRONMENT…]",
    summary: "look at certificates: served, in the cluster, of kubeconfigs; exit 7 where one needs attention",
    description: [
      "Asks each TLS host of the environments that are named, else of all, for its certificate, and compares it with the cluster's Secret and with what cert-manager says. What a renewal waits for is named. Client certificates and tokens of the kubeconfigs are looked at before any cluster is asked. Exit 3 where no kubeconfig could be read for lack of the key.",
      "A threshold in days counts for a quarter (for an error, a twelfth) of a certificate's life at most, for those that live for days.",
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy certs", "vault deploy certs ovh --warn-days 30 --address gke.example.org=203.0.113.7"],
    operands: Number.POSITIVE_INFINITY,
    complete: ["environment"],
    flags: { address: ADDRESS, ...DAYS_FLAGS, ...KUBECONFIG_FLAGS, ...PROJECT_FLAGS, ...DIALOG_FLAGS },
  },
  "deploy nodes": {
    group: "deploy",
    usage: "ENVIRONMENT [ACTION NODE]",
    summary: "show the nodes of a cluster by pools, close one, open it again, or empty it",
    description: [
      "Shows what is ready, cordoned, full or mislabelled, and which pods keep a cordoned node from being reclaimed. Exit 7 where something needs attention.",
      "`cordon` closes a node for new pods; the last one of a pool only with --force. `drain` closes it and evicts its pods through the eviction API, which keeps to disruption budgets; pods that nothing recreates, such as users' servers, are waited for unless --evict-all is given.",
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy nodes prod", "vault deploy nodes prod drain user-3 --timeout 21600"],
    operands: 3,
    complete: ["environment", ["cordon", "uncordon", "drain"], "node"],
    missing: "expected an environment, such as prod",
    flags: {
      force: FORCE,
      "evict-all": { summary: "evict pods, too, that nothing recreates, or that would lose local data" },
      timeout: TIMEOUT,
      ...KUBECONFIG_FLAGS,
      ...PROJECT_FLAGS,
      ...DIALOG_FLAGS,
    },
  },
  "deploy fetch": {
    group: "deploy",
    usage: "",
    summary: "fetch the charts that deploy.yaml and its charts name, as deploy.lock has them",
    description: [
      "Puts the archives into the chart's folder `charts`, each only if its SHA-256 is the one in deploy.lock. Helm runs in a home of its own: it needs no repositories to be added.",
    ],
    examples: ["vault deploy fetch", "vault deploy fetch --revision origin/main"],
    operands: 0,
    flags: { revision: REVISION, ...DIALOG_FLAGS },
  },
  "deploy lock": {
    group: "deploy",
    usage: "",
    summary: "fetch the charts that deploy.yaml and its charts name, and record them in deploy.lock",
    description: [
      "Reads deploy.yaml, Chart.yaml and Chart.lock in the work tree, committed or not, fetches what they name, and records the SHA-256 of each archive. One that was recorded before must be what it was. Commit all of them together.",
      "--check tells, without a network and without a change, which archives are named and not locked, or locked and not named any more: for CI, and for pull requests of bots that raise versions.",
    ],
    examples: ["vault deploy lock && git add deploy.lock deploy.yaml && git commit", "vault deploy lock --check"],
    operands: 0,
    flags: {
      check: { summary: "change nothing, and end with 7 where deploy.lock is not up to date" },
      ...DIALOG_FLAGS,
    },
  },
} as const satisfies CommandSpecs;
