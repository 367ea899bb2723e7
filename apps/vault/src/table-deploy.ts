/*
 * The commands that deploy from a repository: a part of the command table, see table.ts.
 */
import type { FlagName } from "./flags.ts";
import type { CommandSpec } from "./table.ts";

/** What every command takes that reads the project. */
const PROJECT_FLAGS: readonly FlagName[] = ["revision", "key-file", "key", "passphrase-file", "passphrase-fd"];

const KEY =
  "The commit is read from git, and what is encrypted is decrypted in memory: the checkout may stay locked. The key is that of --key-file; else of $GIT_CRYPT_KEY; else those that unlocking left in the repository.";

const CLUSTER =
  "The cluster is the one that deploy.yaml pins for the environment (cluster: { uid: … }), and it is reached with the environment's own kubeconfig: your current context is never used. Without a pin, the command tells what to write.";

export const DEPLOY_COMMANDS: readonly CommandSpec[] = [
  {
    name: "deploy check",
    group: "deploy",
    usage: "[ENVIRONMENT…]",
    summary: "check what would be deployed: layers, secrets, charts; exit 7 where there are errors",
    description: [
      "Checks the environments that are named, else all. What cannot be checked without the key or without Helm is told, and passed over.",
      KEY,
    ],
    examples: ["vault deploy check", "vault deploy check prod --revision origin/main --json"],
    operands: Number.POSITIVE_INFINITY,
    flags: PROJECT_FLAGS,
  },
  {
    name: "deploy values",
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "show the values of an environment, or with --explain where one comes from",
    description: [
      "Prints the values that the chart sees, merged as Helm merges them, as YAML. Values of secret layers are shown as [secret]; --reveal shows them on a terminal, and nowhere else.",
      "--explain takes a path such as binderhub.config.BinderHub.hub_url, and tells which file and line sets it, and what it overrode.",
      KEY,
    ],
    examples: ["vault deploy values prod", "vault deploy values prod --explain hub.replicas"],
    operands: 1,
    flags: ["explain", "reveal", "without-secrets", ...PROJECT_FLAGS],
  },
  {
    name: "deploy plan",
    group: "deploy",
    usage: "ENVIRONMENT",
    summary: "show what a deployment would change in the environment's cluster, without secrets",
    description: [
      "Helm rehearses the upgrade against the cluster, which is not changed, and the result is compared with what the cluster runs. What a Secret holds, and secrets wherever they stand, are shown as [secret 1a2b3c4d]: the same digits are the same secret within one plan, and tell nothing else.",
      "With -o, the plan is written to a file, too, which `vault deploy apply --plan FILE` takes. It is bound to the commit, the charts' archives, the values and the releases' revisions.",
      CLUSTER,
      KEY,
    ],
    examples: ["vault deploy plan staging", "vault deploy plan prod -o prod.plan"],
    operands: 1,
    flags: ["output", "markdown", ...PROJECT_FLAGS],
  },
  {
    name: "deploy fetch",
    group: "deploy",
    usage: "",
    summary: "fetch the charts that the project's chart depends on, as deploy.lock has them",
    description: [
      "Puts the archives into the chart's folder `charts`, each only if its SHA-256 is the one in deploy.lock. Helm runs in a home of its own: it needs no repositories to be added.",
    ],
    operands: 0,
    flags: ["revision"],
  },
  {
    name: "deploy lock",
    group: "deploy",
    usage: "",
    summary: "fetch the charts that the project's chart depends on, and record them in deploy.lock",
    description: [
      "Reads Chart.yaml and Chart.lock in the work tree, fetches what they name, and records the SHA-256 of each archive. One that was recorded before must be what it was.",
    ],
    operands: 0,
    flags: [],
  },
];
