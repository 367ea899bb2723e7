const DNS_LABEL = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
const RELEASE_NAME = "^[a-z0-9]([a-z0-9.-]{0,51}[a-z0-9])?$";

/** @param example is told where something else stands there */
const text = (pattern: string, description: string | undefined, example: string): object => ({
  description,
  type: "string",
  pattern,
  examples: [example],
});
const words = (description: string): object => ({ description, type: "string" });
const nonEmpty = (description: string): object => ({ description, type: "string", minLength: 1 });
/**
 * One of several by the form of what stands there, so that an error is about the one that is meant.
 */
const byForm = (when: object, then: object, otherwise: object, description?: string): object => ({
  description,
  if: when,
  // oxlint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
  then,
  else: otherwise,
});
const ref = (name: string, description?: string): object => ({ description, $ref: `#/definitions/${name}` });
const object = (properties: object, rest: object = {}): object => ({
  type: "object",
  additionalProperties: false,
  ...rest,
  properties,
});
const mapOf = (values: object, description: string, rest: object = {}): object => ({
  description,
  type: "object",
  ...rest,
  additionalProperties: values,
});

const DO_NOT_WAIT_FOR = {
  type: "array",
  uniqueItems: true,
  items: text("^[A-Z][A-Za-z0-9]*/[a-z0-9.:*-]+$", undefined, "Service/front"),
};

const ENVIRONMENT = object({
  chart: ref("chart", "The chart of this environment's main release; left out, the project's."),
  tier: {
    description:
      "What is at stake; left out, it goes by a word of the name (hub-prod): staging, prod or production, else other.",
    enum: ["staging", "prod", "other"],
  },
  namespace: text(DNS_LABEL, "The Kubernetes namespace; left out, the environment's name.", "prod"),
  release: text(RELEASE_NAME, "The name of the Helm release; left out, the environment's name.", "prod"),
  kubeconfig: ref(
    "path",
    "The kubeconfig that reaches the cluster, encrypted; left out, secrets/NAME-kubeconfig.yaml, where it is there.",
  ),
  cluster: ref("cluster", "By what the environment's cluster is known. Without it, no cluster is talked to."),
  kubeVersion: text(
    "^v?1\\.[0-9]+(\\.[0-9]+)?$",
    'The version of Kubernetes that the cluster runs, in quotes, such as "1.33". What is rendered is rendered for it. Left out, it is not known.',
    "1.33",
  ),
  apiVersions: {
    description:
      "The versions of APIs that the cluster has beside those of its Kubernetes, such as cert-manager.io/v1, or cert-manager.io/v1/Certificate for one kind alone. Templates ask for them (.Capabilities.APIVersions).",
    type: "array",
    uniqueItems: true,
    items: text("^([a-z0-9][a-z0-9.-]*/)?v[0-9][a-z0-9]*(/[A-Z][A-Za-z0-9]*)?$", undefined, "cert-manager.io/v1"),
  },
  comparedWith: words(
    "The environment in which it is tried, and which the check drift compares it with. Left out, the one of the tier staging that has the same name but for the tier (hub-staging for hub-prod).",
  ),
  layers: ref(
    "layers",
    "The values files of this environment alone, the lowest first. They lie over the shared ones. Left out, config/NAME.yaml and secrets/config/NAME.yaml, as far as some environment has such a file.",
  ),
  doNotWaitFor: {
    description: "More objects of this environment that no deployment waits for, as below the same name at the top.",
    ...DO_NOT_WAIT_FOR,
  },
  nodePools: mapOf(
    ref("nodePool"),
    "The cluster's node pools by their names. Left out, they are not known and not checked.",
  ),
});

const CLUSTER = object(
  {
    uid: nonEmpty("The uid of the namespace kube-system: the cluster's own, for its whole life."),
    server: text(
      "^https://.*[^/]$",
      "The address of the API server, as the kubeconfig has it, without a slash at the end.",
      "https://203.0.113.7:6443",
    ),
    authority: text(
      "^[0-9a-f]{64}$",
      "SHA-256 of the authority's certificates (DER) in the kubeconfig, in hex.",
      "5e0c… (64 digits)",
    ),
  },
  { minProperties: 1 },
);

const NODE_POOL = object(
  {
    nodes: {
      description: "How many nodes it has, at the least; left out, that is not known.",
      type: "integer",
      minimum: 0,
    },
    labels: mapOf({ type: "string" }, "The labels that each of its nodes has."),
  },
  { required: ["labels"] },
);

const RELEASE = object(
  {
    chart: ref("chart", "The chart."),
    release: text(RELEASE_NAME, "The name of the Helm release; left out, the name that it has here.", "cert-manager"),
    namespace: text(DNS_LABEL, "The Kubernetes namespace; left out, the name that it has here.", "cert-manager"),
    layers: ref("layers", "The values files over the chart's own, the lowest first."),
    when: { description: "Before or after the main chart's release; left out, before.", enum: ["before", "after"] },
    environments: byForm(
      { type: "array" },
      { type: "array", items: { type: "string" } },
      {
        type: "object",
        additionalProperties: object({
          chart: ref("chart", "The chart there."),
          release: text(RELEASE_NAME, "The name of the Helm release there.", "cert-manager"),
          namespace: text(DNS_LABEL, "The Kubernetes namespace there.", "cert-manager"),
          layers: ref("layers", "The values files of that environment, over the others, the lowest first."),
        }),
      },
      "The environments that have it: their names, or by their names what it has of its own there. Left out, all.",
    ),
  },
  { required: ["chart"] },
);

const SILENCE = object(
  {
    check: nonEmpty("The check's id."),
    file: ref("path", "Only in this file."),
    environment: words("Only for this environment."),
    reason: text(
      "\\S[\\s\\S]+\\S",
      "Why it is accepted: three characters at least.",
      "the wiki says why this host has no certificate",
    ),
  },
  { required: ["check", "reason"] },
);

/** The JSON Schema (draft 7) of `deploy.yaml`, published as `deploy.schema.json`. */
export const SETTINGS_SCHEMA: object = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "urn:git-vault:deploy.schema.json",
  title: "deploy.yaml",
  description:
    "What @git-vault/deploy deploys: a Helm chart, the layers of values over it, and the environments. Every path goes from the top folder of the repository.",
  ...object(
    {
      chart: ref("chart", "The chart; left out, the one folder at the top that holds a Chart.yaml."),
      layers: ref(
        "layers",
        "The values files that all environments share, the lowest first. They lie over the chart's values.yaml. Left out, config/common.yaml, config/common/*.yaml, and the same in secrets, where they are there.",
      ),
      environments: mapOf(
        ref("environment"),
        "The environments by their names, in the order in which they are deployed. Left out, there is one for each config/NAME.yaml and secrets/config/NAME.yaml.",
        { minProperties: 1, propertyNames: { pattern: DNS_LABEL } },
      ),
      schemas: {
        description: "JSON Schemas that the values of every main release must be as, beside those of the charts.",
        type: "array",
        uniqueItems: true,
        items: ref("path"),
      },
      releases: mapOf(
        ref("release"),
        "Releases beside the main chart's, such as cert-manager, by their names, in the order in which they are deployed.",
        { propertyNames: { pattern: RELEASE_NAME } },
      ),
      doNotWaitFor: {
        description:
          "Objects that no deployment waits for, and that `vault deploy verify` does not find fault with: KIND/NAME, where * stands for any part of a name, such as PersistentVolumeClaim/*.",
        ...DO_NOT_WAIT_FOR,
      },
      federation: ref(
        "path",
        "An encrypted file of YAML that names the members of a federation, each with the https address at which it tells its versions as JSON. All are to tell the same.",
      ),
      silence: {
        description: "Findings of checks that are known and accepted.",
        type: "array",
        items: ref("silence"),
      },
    },
    {},
  ),
  definitions: {
    path: {
      description: "A path from the top folder, with / between folders.",
      type: "string",
      minLength: 1,
      not: { pattern: "^/|^\\./|(^|/)\\.\\.(/|$)|//|/$|\\\\" },
    },
    chart: byForm(
      { type: "object" },
      object(
        {
          name: text("^[A-Za-z0-9_][\\w.-]*$", "The chart's name.", "ingress-nginx"),
          version: nonEmpty("The one version, such as 1.2.3."),
          repository: text(
            "^(https?|oci)://\\S+$",
            "The address of the repository.",
            "https://kubernetes.github.io/ingress-nginx",
          ),
        },
        { required: ["name", "version", "repository"] },
      ),
      byForm(
        { type: "string", pattern: "^[a-z]+://" },
        text("^oci://[^@\\s]+/[^@/\\s]+@[^@\\s]+$", undefined, "oci://quay.io/jetstack/charts/cert-manager@v1.19.1"),
        ref("path"),
      ),
      "A chart: its folder; or one that is fetched as it was published, and locked in deploy.lock: oci://registry/folder/NAME@VERSION, or its name, exact version and repository.",
    ),
    layers: { type: "array", uniqueItems: true, items: ref("layer") },
    layer: byForm(
      { type: "object" },
      object({ ifThere: ref("path") }, { required: ["ifThere"] }),
      ref("path"),
      "A values file, or several in the order of their names: * stands for any part of a name. In a map under ifThere, one that may be missing.",
    ),
    environment: ENVIRONMENT,
    cluster: CLUSTER,
    nodePool: NODE_POOL,
    release: RELEASE,
    silence: SILENCE,
  },
};
