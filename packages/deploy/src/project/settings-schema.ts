/**
 * The JSON Schema (draft 7) of `deploy.yaml`. The package carries it as `deploy.schema.json`, too.
 */
export const SETTINGS_SCHEMA: object = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "urn:git-vault:deploy.schema.json",
  title: "deploy.yaml",
  description:
    "What @git-vault/deploy deploys: a Helm chart, the layers of values over it, and the environments. Every path goes from the top folder of the repository.",
  type: "object",
  required: ["environments"],
  additionalProperties: false,
  properties: {
    chart: {
      description: "The chart's folder; left out, the one folder at the top that holds a Chart.yaml.",
      $ref: "#/definitions/path",
    },
    layers: {
      description:
        "The values files that all environments share, the lowest first. They lie over the chart's values.yaml.",
      $ref: "#/definitions/layers",
    },
    environments: {
      description: "The environments by their names, in the order in which they are deployed.",
      type: "object",
      minProperties: 1,
      propertyNames: {
        pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
      },
      additionalProperties: {
        $ref: "#/definitions/environment",
      },
    },
    schemas: {
      description: "JSON Schemas that the values of every main release must be as, beside those of the charts.",
      $ref: "#/definitions/layers",
    },
    releases: {
      description:
        "Releases beside the main chart's, such as cert-manager, by their names, in the order in which they are deployed.",
      type: "object",
      propertyNames: {
        pattern: "^[a-z0-9]([a-z0-9.-]{0,51}[a-z0-9])?$",
      },
      additionalProperties: {
        $ref: "#/definitions/release",
      },
    },
    federation: {
      description:
        "The members of a federation by their names, each with the https address at which it tells its versions as JSON. All are to tell the same.",
      type: "object",
      additionalProperties: {
        type: "string",
        pattern: "^https://[^/@\\s]+(/\\S*)?$",
      },
    },
    silence: {
      description: "Findings of checks that are known and accepted.",
      type: "array",
      items: {
        $ref: "#/definitions/silence",
      },
    },
  },
  definitions: {
    path: {
      description: "A path from the top folder, with / between folders.",
      type: "string",
      minLength: 1,
      not: {
        pattern: "^/|^\\./|(^|/)\\.\\.(/|$)|//|/$|\\\\",
      },
    },
    layers: {
      type: "array",
      uniqueItems: true,
      items: {
        $ref: "#/definitions/path",
      },
    },
    environment: {
      type: "object",
      additionalProperties: false,
      properties: {
        tier: {
          description: "What is at stake; left out, it goes by the name: staging, prod or production, else other.",
          enum: ["staging", "prod", "other"],
        },
        namespace: {
          description: "The Kubernetes namespace; left out, the environment's name.",
          type: "string",
          pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        },
        release: {
          description: "The name of the Helm release; left out, the environment's name.",
          type: "string",
          pattern: "^[a-z0-9]([a-z0-9.-]{0,51}[a-z0-9])?$",
        },
        kubeconfig: {
          description: "The kubeconfig that reaches the cluster, which may be encrypted.",
          $ref: "#/definitions/path",
        },
        cluster: {
          description: "By what the environment's cluster is known. Without it, no cluster is talked to.",
          $ref: "#/definitions/cluster",
        },
        kubeVersion: {
          description:
            'The version of Kubernetes that the cluster runs, in quotes, such as "1.33". What is rendered is rendered for it. Left out, it is not known.',
          type: "string",
          pattern: "^v?1\\.[0-9]+(\\.[0-9]+)?$",
        },
        layers: {
          description: "The values files of this environment alone, the lowest first. They lie over the shared ones.",
          $ref: "#/definitions/layers",
        },
        nodePools: {
          description: "The cluster's node pools by their names. Left out, they are not known and not checked.",
          type: "object",
          additionalProperties: {
            $ref: "#/definitions/nodePool",
          },
        },
      },
    },
    cluster: {
      type: "object",
      additionalProperties: false,
      minProperties: 1,
      properties: {
        uid: {
          description: "The uid of the namespace kube-system: the cluster's own, for its whole life.",
          type: "string",
          minLength: 1,
        },
        server: {
          description: "The address of the API server, as the kubeconfig has it, without a slash at the end.",
          type: "string",
          pattern: "^https://.*[^/]$",
        },
        authority: {
          description: "SHA-256 of the authority's certificates (DER) in the kubeconfig, in hex.",
          type: "string",
          pattern: "^[0-9a-f]{64}$",
        },
      },
    },
    nodePool: {
      type: "object",
      additionalProperties: false,
      required: ["labels"],
      properties: {
        nodes: {
          description: "How many nodes it has, at the least; left out, that is not known.",
          type: "integer",
          minimum: 0,
        },
        labels: {
          description: "The labels that each of its nodes has.",
          type: "object",
          additionalProperties: {
            type: "string",
          },
        },
      },
    },
    release: {
      type: "object",
      additionalProperties: false,
      required: ["chart"],
      properties: {
        chart: {
          description: "The chart's folder.",
          $ref: "#/definitions/path",
        },
        namespace: {
          description: "The Kubernetes namespace; left out, the release's name.",
          type: "string",
          pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        },
        layers: {
          description: "The values files over the chart's own, the lowest first.",
          $ref: "#/definitions/layers",
        },
        when: {
          description: "Before or after the main chart's release; left out, before.",
          enum: ["before", "after"],
        },
        environments: {
          description: "The environments that have it; left out, all.",
          type: "array",
          items: {
            type: "string",
          },
        },
      },
    },
    silence: {
      type: "object",
      additionalProperties: false,
      required: ["check", "reason"],
      properties: {
        check: {
          description: "The check's id.",
          type: "string",
          minLength: 1,
        },
        file: {
          description: "Only in this file.",
          $ref: "#/definitions/path",
        },
        environment: {
          description: "Only for this environment.",
          type: "string",
        },
        reason: {
          description: "Why it is accepted: three characters at least.",
          type: "string",
          pattern: "\\S[\\s\\S]+\\S",
        },
      },
    },
  },
};
