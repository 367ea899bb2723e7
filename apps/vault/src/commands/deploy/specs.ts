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
  summary: "stop Helm if it needs more than SECONDS to render or read; default 300",
} as const;

const CLOUD_KEY = {
  value: "PATTERN",
  multiple: true,
  summary:
    "if no private key opens a layer, let the installed sops ask for cloud keys such as gcp_kms:projects/mine/*; may be repeated",
} as const;

/** With nothing to seal, it only opens. */
const PRIVATE_KEY = {
  ...KEY,
  summary:
    "the private key that opens a sealed key file, copies in the repository or sops layers: its file, an https:// address, or AGE-PLUGIN-…",
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
      "reach the cluster with FILE, your own kubeconfig from outside of the repository, instead of the one in the commit; `-` is stdin. $KUBECONFIG is never read",
  },
} as const satisfies Flags;

const SECRETS = {
  value: "WHAT",
  complete: ["real", "stand-ins"],
  summary:
    "read the real secrets, or only stand-ins, so that a chart cannot reveal any secret; default stand-ins for a pull request in CI, else real",
} as const;

const TIMEOUT = {
  value: "SECONDS",
  number: { form: /^[1-9]\d{0,5}$/, expected: "a number of seconds, such as 600" },
  summary: "stop waiting after SECONDS: for each release (apply, rollback), for the node (nodes); default 600",
} as const;

const HISTORY_MAX = {
  value: "NUMBER",
  // With one alone, nothing would be left to go back to.
  number: { form: /^(?:0|[2-9]|[1-9]\d{1,4})$/, expected: "a number of revisions, at least 2, or 0 for no limit" },
  summary: "keep NUMBER revisions of a release, 0 for all; default 10",
} as const;

const ON_FAILURE = {
  value: "WHAT",
  complete: ["rollback", "leave"],
  summary: "what to do with a failed release: rollback (to what it was) or leave; default rollback",
} as const;

const REDEPLOY = { summary: "also upgrade a release without changes: its hooks run again" } as const;

const REPAIR = {
  summary: "repair a release that was left half-way: you know that no run is deploying it now",
} as const;

const AUDIT_LOG = {
  value: "FILE",
  complete: "file",
  summary: "append each event to FILE, one JSON object a line",
} as const;

const RELEASE = {
  value: "NAME",
  complete: "release",
  summary: "show only the release NAME, as deploy.yaml or Helm calls it; if several have that name, NAMESPACE/NAME",
} as const;

/** Values that are in no commit. */
export const VALUES_FLAGS = {
  values: {
    value: "FILE",
    multiple: true,
    complete: "file",
    summary:
      "use the values in FILE (YAML) over those of the commit, for the main release or the one of --release, with NAME:FILE for the release NAME; may be repeated",
  },
  set: {
    value: "KEY=VALUE",
    multiple: true,
    summary:
      "the same for one value, written as for Helm's --set: image.tag=1.2,replicas=3, or NAME:image.tag=1.2; may be repeated",
  },
  "set-string": { value: "KEY=VALUE", multiple: true, summary: "the same, but VALUE is always a text" },
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
    summary: "warn if a certificate ends within DAYS; default 21",
  },
  "error-days": {
    value: "DAYS",
    number: DAYS,
    summary: "report an error if a certificate ends within DAYS; default 7",
  },
} as const;

const KEY_TEXT =
  "It reads the commit from git and decrypts in memory, so the checkout may stay locked. It takes the key from --key-file (in CI, /dev/fd/3: a descriptor, which nobody else sees); else from $GIT_CRYPT_KEY, and $GIT_CRYPT_KEY_NAME for each key with a name; else from the unlocked repository; else from a grant to $GIT_VAULT_IDENTITY or to your SSH key. It opens sops layers with --key, else with $GIT_VAULT_IDENTITY, the keys that sops finds, your SSH keys and gpg.";

const IN_CI_TEXT =
  "In GitHub Actions, the job's summary shows the plan and the result, and an annotation shows a failure; docs/deploy.md lists the outputs of the step. Every command masks secrets.";

const CLUSTER_TEXT =
  "The cluster is the one that deploy.yaml pins for the environment (cluster: { uid: … }). The command reaches it with the environment's own kubeconfig, which is encrypted in the commit, or with --kubeconfig; it never uses your current context or $KUBECONFIG. Without a pin, it says what to write.";

export const DEPLOY_COMMANDS = {
  "deploy init": {
    group: "deploy",
    usage: "",
    summary: "read the repository, and write a deploy.yaml for it",
    description: [
      "Reads the files of the commit, without a key, and finds charts, environments with their layers in order, releases, kubeconfigs and node pools. It understands a helmfile; clusters with lists of hubs, as in 2i2c's deployer; deployments/NAME, as in hubploy; config/NAME.yaml and secrets/config/NAME.yaml, as on mybinder.org; files named after environments (values-prod.yaml, deploy/prod.yaml); and one chart for each deployment.",
      "It says what it found where, and what it could not decide; the top of the file lists that as well. It never changes an existing deploy.yaml. With --dry-run it prints the file and writes nothing.",
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
    summary: "check what would be deployed: layers, secrets, charts; exit 7 if there are errors",
    description: [
      "Checks the named environments, else all. It lists what it cannot check without the key or without Helm, and goes on.",
      "Exits 7 if there are errors; with --strict, also if there are warnings. `vault help checks` lists the checks. `vault help ID` with the id of a finding, such as tls, says what it means and how to silence it; docs/checks.md has the same. In GitHub Actions, findings also appear beside the code and in the job's summary, and the outputs errors and warnings count them.",
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
      strict: { summary: "exit 7 also if there are warnings" },
      history: HISTORY,
      online: {
        summary: "ask the chart repositories that the commit names whether charts without a lock were published",
      },
      sarif: {
        value: "FILE",
        complete: "file",
        summary: "also write the findings to FILE in SARIF 2.1.0; `-` prints them instead of the report",
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
    summary: "show the values of an environment, or with --explain where a value comes from",
    description: [
      "Prints the values that the chart sees, merged as Helm merges them, as YAML. It shows values of secret layers as [secret]; with --reveal it shows the values themselves, but only on a terminal.",
      "--explain takes a path such as binderhub.config.BinderHub.hub_url, and says which file and line sets it, and what it overrides.",
      KEY_TEXT,
    ],
    examples: ["vault deploy values prod", "vault deploy values prod --explain binderhub.replicas"],
    operands: 1,
    complete: ["environment"],
    missing: "expected an environment, such as prod",
    flags: {
      release: RELEASE,
      explain: { value: "PATH", summary: "say where the value at PATH, such as hub.users[0].name, comes from" },
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
    summary: "print what would be applied to the environment, without secrets and without a cluster",
    description: [
      "Helm renders each release of the environment, in the order of deployment. Whatever depends on a secret is shown as [secret 1a2b3c4d], as in `vault deploy plan`. Objects without a namespace get that of their release.",
      "--with-secrets prints everything as Helm renders it, but only into a pipe, for another program: never onto a terminal or into a file.",
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
      "with-secrets": { summary: "also print secrets, into a pipe" },
      "without-secrets": { summary: "leave out encrypted files that no key here opens" },
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
      "Helm rehearses the upgrade against the cluster without changing it, and the command compares the result with what the cluster runs. It shows the content of Secrets, and secrets anywhere else, as [secret 1a2b3c4d]: within one plan, the same digits mean the same secret; they reveal nothing else.",
      "A commit that no holder of the key has reviewed may have a chart that is made to reveal secrets. With --secrets stand-ins, the chart sees only the shape of the secrets. The command then compares what the commit would deploy with what the running commit deploys, rendered in the same way; such a plan cannot be applied. In CI, this is the default for pull requests.",
      "With -o, it also writes the plan to a file for `vault deploy apply --plan FILE`; -o - prints that instead of the text. The plan is bound to the commit, the charts' archives, the values and the releases' revisions.",
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
        summary: "also write the plan to FILE (mode 0600, replaced whole); `-` prints only that",
      },
      html: {
        value: "FILE",
        complete: "file",
        summary: "also write the plan to FILE as a web page, for a reviewer; `-` prints only that",
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
    summary: "deploy to the environment's cluster, and wait until everything is ready",
    description: [
      "Applies the plan of --plan; without one, it makes a plan, shows it and asks. It refuses a plan (exit 8) if the commit, a chart, the values or a release has changed since the plan was made.",
      "Helm installs or upgrades the releases in order. A release without changes stays at its revision, unless --redeploy is given. Then the command watches all objects of the release; if one does not become ready, it says why: what its pods wait for, events, the last lines of the logs, without secrets. It rolls back a release that fails, and removes one that was installed for the first time; --on-failure leave leaves it.",
      "After Ctrl-C or SIGTERM, Helm ends and cleans up, and the release is undone in the same way. A Lease in the cluster makes sure that two runs never deploy the same release at the same time. If a dead run left a release half-way (pending-upgrade), apply repairs it when that run is certainly dead; if that cannot be known, say so with --repair.",
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
      plan: { value: "FILE", complete: "file", summary: "apply the plan in FILE, unless it is stale" },
      yes: YES,
      "dry-run": { summary: "change nothing: make a plan, and say whether it could be applied" },
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
    summary: "go back to an earlier revision of a release, and wait until everything is ready",
    description: [
      "Without REVISION, it takes the last good one other than the one that runs: a revision that was ready, and that no rollback skipped. It says what it goes back to, and asks.",
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
        summary:
          "roll back the release NAME instead of the main one, as deploy.yaml or Helm calls it, or NAMESPACE/NAME",
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
    summary: "deploy to several environments: staging before prod, then several of prod at the same time",
    description: [
      "Plans, applies and verifies each named environment, else all: staging first, then the canaries, then the rest of prod. If one fails, those that wait for it are not begun; the others go on, and every failure is reported. It exits 0 only if all are done; else with the exit code of the first environment that failed, in the order of the operands (or of deploy.yaml).",
      "--timeout, --history-max, --on-failure, --repair, --redeploy and --audit-log mean the same as for `vault deploy apply`, and each line of the audit log names the environment; --address means the same as for `vault deploy verify`.",
      "On a terminal, a table shows the present step of each environment; elsewhere, lines do. In GitHub Actions, the job's summary has a diagram of what waited for what.",
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
        summary: "a prod environment that the other prod environments wait for; may be repeated",
      },
      parallel: {
        value: "NUMBER",
        number: { form: /^[1-9]\d?$/, expected: "a number from 1 to 99" },
        summary: "deploy at most NUMBER environments at the same time; default 3",
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
    summary: "show how the clusters differ from the commit; exit 7 if one does: for a schedule",
    description: [
      "Plans the named environments, else all, and changes nothing. It shows what was changed in a cluster by hand, and by whom; what is committed but not deployed; and releases that failed or were left half-way. It reports a cluster that it cannot reach, and goes on with the others. Without the key, it exits 3 if it could not look at any cluster.",
      "`vault deploy plan` shows the whole difference; `vault deploy apply` deploys the commit again.",
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
    summary: "print the minimal rights that a deployment of the environment needs, as RBAC manifests",
    description: [
      "The roles cover the objects that the charts make now and those that run already, Helm's records, the Lease that keeps two runs apart, and reading why something is not ready. They fit the present charts: run it again when a chart has new kinds of objects. It only reads the cluster; `kubectl apply -f -` makes the roles.",
      "Without --subject it prints only roles. If a chart makes roles itself, the user needs all the rights in them: give the user those as well.",
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
      "check what runs: workloads, endpoints, quotas, certificates, HTTP answers; exit 7 if something needs attention",
    description: [
      "Checks the clusters of the named environments, else of all. It reports a cluster that it cannot reach, and goes on with the others. Without the key, it exits 3 if it could not look at any cluster. It asks the members of the federation for their versions; the encrypted file that deploy.yaml names lists the members.",
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
    summary: "check certificates: served, in the cluster, in kubeconfigs; exit 7 if one needs attention",
    description: [
      "Asks each TLS host of the named environments, else of all, for its certificate, and compares it with the cluster's Secret and with what cert-manager says. It says what a renewal waits for. It checks the client certificates and tokens of the kubeconfigs before it asks any cluster. It exits 3 if it could read no kubeconfig because the key is missing.",
      "For short-lived certificates, the limit is at most a quarter (for an error, a twelfth) of the certificate's life.",
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
    summary: "show the nodes of a cluster by pools; cordon, uncordon or drain one",
    description: [
      "Shows which nodes are ready, cordoned, full or mislabelled, and which pods keep a cordoned node from being removed. Exits 7 if something needs attention.",
      "`cordon` closes a node to new pods; the last node of a pool needs --force. `drain` cordons it and evicts its pods through the eviction API, which respects disruption budgets. It waits for pods that nothing recreates, such as users' servers, unless --evict-all is given.",
      CLUSTER_TEXT,
      KEY_TEXT,
    ],
    examples: ["vault deploy nodes prod", "vault deploy nodes prod drain user-3 --timeout 21600"],
    operands: 3,
    complete: ["environment", ["cordon", "uncordon", "drain"], "node"],
    missing: "expected an environment, such as prod",
    flags: {
      force: FORCE,
      "evict-all": { summary: "also evict pods that nothing recreates, or that would lose local data" },
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
      "Puts the archives into the chart's folder `charts`, each only if its SHA-256 is the one in deploy.lock. Helm runs in a home folder of its own, so you need not add repositories.",
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
      "Reads deploy.yaml, Chart.yaml and Chart.lock in the work tree, committed or not, fetches what they name, and records the SHA-256 of each archive. An archive that was recorded before must be unchanged. Commit all of them together.",
      "--check changes nothing and needs no network: it lists archives that are named but not locked, or locked but no longer named. It is for CI, and for pull requests of bots that raise versions.",
    ],
    examples: ["vault deploy lock && git add deploy.lock deploy.yaml && git commit", "vault deploy lock --check"],
    operands: 0,
    flags: {
      check: { summary: "change nothing, and exit 7 if deploy.lock is not up to date" },
      ...DIALOG_FLAGS,
    },
  },
} as const satisfies CommandSpecs;
