/*
 * The shapes of ten public repositories, small and with content of our own: where their files lie,
 * what encrypts them, and what in them had been told though nothing is wrong with it. Each has
 * something that is wrong indeed.
 */

import { createHash } from "node:crypto";

/** A repository to be checked, by its own deploy.yaml or the one that is drafted for it. */
export interface Shape {
  readonly plain: Readonly<Record<string, string>>;
  /** Encrypted with the repository's own git-crypt key. */
  readonly secret?: Readonly<Record<string, string>>;
  /** By id and severity, what is found: why each of them is true, as docs/checks.md has it. */
  readonly finds: Readonly<Record<string, readonly string[]>>;
}

const yaml = (value: object): string => `${JSON.stringify(value, null, 1)}\n`;
const chart = (name: string, ...dependencies: string[]): string =>
  `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${dependencies.length === 0 ? "" : `dependencies:\n${dependencies.map((one) => `  - ${one}\n`).join("")}`}`;
const remote = (name: string): string => `{ name: ${name}, version: 1.2.3, repository: https://charts.example.org }`;
const ENC =
  "ENC[AES256_GCM,data:9sWZy8aEHyMhqJRK1bZqmA==,iv:0u0QvN3ojYRIFC4Ert4bWbIVLIahwGS6,tag:bKt23Q2OnAI,type:str]";
/** As sops leaves a file whose keys are a cloud's. */
const sops = (values: object): string =>
  yaml({
    ...values,
    sops: {
      gcp_kms: [{ resource_id: "projects/x/locations/global/keyRings/x/cryptoKeys/x", enc: "CiQA4OM7e" }],
      lastmodified: "2026-01-01T00:00:00Z",
      mac: ENC,
      version: "3.9.0",
    },
  });
/** Files that are there for each of the names. */
function forEach(
  names: readonly string[],
  files: (name: string) => Readonly<Record<string, string>>,
): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of names) Object.assign(all, files(name));
  return all;
}
const random = (seed: string): string =>
  createHash("sha256").update(seed).digest("base64").replaceAll(/[+/=]/g, "q").slice(0, 32);

const WORKLOAD = `apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec:
      nodeSelector: {{ toJson .Values.nodeSelector }}
      containers: [{ name: x, image: "quay.io/example/x:{{ .Values.image.tag }}" }]
---
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }} }
stringData: { token: {{ .Values.token | quote }}, script: {{ .Files.Get "files/ban.py" | quote }} }
---
{{- if .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" }}
apiVersion: policy/v1
{{- else }}
apiVersion: policy/v1beta1
{{- end }}
kind: PodDisruptionBudget
metadata: { name: {{ .Release.Name }} }
`;

/** A meta chart beside two system charts; members with layers and secrets each. */
const members: Shape = {
  plain: {
    ".gitattributes":
      "**/secrets/** filter=git-crypt diff=git-crypt\nmybinder/files/ban.py filter=git-crypt diff=git-crypt\n",
    "deploy.yaml": `chart: mybinder
environments:
  staging: { kubeVersion: "1.33" }
  prod: { kubeVersion: "1.33" }
  bids: { tier: prod, kubeVersion: "1.32" }
  hetzner: { tier: prod, kubeVersion: "1.32" }
releases:
  kube-system: { chart: mybinder-kube-system, environments: [staging, prod] }
  tigera: { chart: mybinder-tigera, environments: [prod] }
`,
    "mybinder/Chart.yaml": chart("mybinder", "{ name: binderhub, version: 1.0.0 }"),
    "mybinder/values.yaml":
      "hosts: {}\nnodeSelector: {}\nimage: { tag: 1.2.3 }\ntoken: ''\nbinderhub: { config: {}, extra: {} }\n",
    "mybinder/templates/all.yaml": WORKLOAD,
    "mybinder/charts/binderhub/Chart.yaml": chart("binderhub"),
    "mybinder/charts/binderhub/values.yaml": "config: {}\nextra: {}\nreplicas: 1\nmemory: 1G\nresources: {}\n",
    "mybinder/charts/binderhub/templates/x.yaml":
      "# {{ toJson .Values.config }} {{ toJson .Values.extra }} {{ .Values.replicas }} {{ .Values.memory }} {{ toJson .Values.resources }}\n",
    "mybinder-kube-system/Chart.yaml": chart("mybinder-kube-system"),
    "mybinder-kube-system/templates/x.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: x }\n",
    "mybinder-tigera/Chart.yaml": chart("mybinder-tigera"),
    "mybinder-tigera/templates/x.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: x }\n",
    "config/common.yaml": "binderhub: { memory: 1073741824 }\n",
    "config/staging.yaml":
      "project: &project my-project\nbinderhub: { config: { project: *project }, replicas: 1 }\nhosts: { staging: { weight: 1 } }\n",
    "config/prod.yaml":
      "project: &project my-project\npool: &pool { pool: core }\nnodeSelector: *pool\nbinderhub: { config: { project: *project, limit: 10 }, resources: { cpu: 0.50 } }\nhosts: { prod: { weight: 1 }, bids: { weight: 2 } }\n",
    "config/bids.yaml":
      "project: &project my-project\nbinderhub: { config: { project: *project, only: { bids: 1 } }, replcias: 2 }\n",
    "config/hetzner.yaml": "project: &project my-project\nbinderhub: { config: { project: *project }, replcias: 2 }\n",
    // Of another program's, and of a release that is deployed by hand.
    "config/cert-manager.yaml": "crds: { enabled: true }\nreplicaCount: 2\nwebhook: {}\n",
    "config/k3s.yaml": "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n",
    // Commented out of the settings, say.
    "config/more/prod.yaml": "hosts: {}\n",
    "config/prod-ingress.yaml": "hosts: { prod: { weight: 3 } }\n",
  },
  secret: {
    "secrets/config/common.yaml": `token: ${random("common")}\n`,
    ...forEach(["staging", "prod", "bids", "hetzner"], (name) => ({
      [`secrets/config/${name}.yaml`]: `token: ${random(name)}\n`,
    })),
    "mybinder/files/ban.py": `TOKEN = "${random("ban")}"\n`,
  },
  finds: {
    "layers warning": ["prod-ingress.yaml was commented out of the settings"],
    "unknown-key warning": ["replcias, in two members"],
    "drift warning": [
      "a limit of production's alone",
      "replicas of staging's alone",
      "resources of production's alone",
      "a system release that staging lacks",
    ],
  },
};

/** Many clusters with hubs each, sops, and a chart whose dependencies are not here. */
const clusters: Shape = {
  plain: {
    "helm-charts/basehub/Chart.yaml": chart("basehub", remote("jupyterhub"), remote("dask-gateway")),
    "helm-charts/basehub/values.yaml": "jupyterhub: { custom: {} }\nnfs: { enabled: false, volume: {} }\n",
    "helm-charts/basehub/templates/nfs.yaml": "# {{ .Values.nfs.enabled }}\n",
    "helm-charts/support/Chart.yaml": chart("support", remote("prometheus"), remote("grafana")),
    "tests/cluster.yaml": yaml({ name: "trial", hubs: [{ name: "staging" }] }),
    ...forEach(["a", "b", "c"], (cluster) => ({
      [`config/clusters/${cluster}/cluster.yaml`]: yaml({
        name: cluster,
        provider: "gcp",
        support: { helm_chart_values_files: ["support.values.yaml", "enc-support.secret.values.yaml"] },
        hubs: ["staging", "prod", "workshop"].map((name) => ({
          name,
          helm_chart: "basehub",
          helm_chart_values_files: ["common.values.yaml", `${name}.values.yaml`, `enc-${name}.secret.values.yaml`],
        })),
      }),
      [`config/clusters/${cluster}/support.values.yaml`]: "prometheus: {}\ngrafana: {}\n",
      [`config/clusters/${cluster}/enc-support.secret.values.yaml`]: sops({ grafana: { adminPassword: ENC } }),
      [`config/clusters/${cluster}/enc-deployer.secret.json`]: sops({ private_key: ENC }),
      [`config/clusters/${cluster}/common.values.yaml`]:
        "nfs: { enabled: true }\njupyterhub: { hub: { db: { pvc: { storage: 10Gi } } } }\n",
      ...forEach(["staging", "prod", "workshop"], (hub) => ({
        [`config/clusters/${cluster}/${hub}.values.yaml`]: yaml({
          jupyterhub: {
            title: `${cluster} ${hub}`,
            ...(hub === "prod" ? { profileList: [] } : {}),
            [`of-${hub}`]: 1,
          },
          ...(cluster === "b" ? { nfss: { enabled: true } } : {}),
        }),
        [`config/clusters/${cluster}/enc-${hub}.secret.values.yaml`]: sops({
          jupyterhub: { hub: { cookieSecret: ENC } },
        }),
      })),
    })),
    // Of a hub that is not deployed any more.
    "config/clusters/c/old.values.yaml": "jupyterhub: { title: old }\n",
    "dashboards/url_test.jsonnet": "{ url: 'http://john:123456789@www.example.com/x' }\n",
    "docs/token.md": `Use ghp_${random("token")}abcd here.\n`,
  },
  finds: {
    "dependencies error": ["no deploy.lock: one, for all charts"],
    "layers warning": ["the values of a hub that no cluster.yaml has any more"],
    "unknown-key warning": ["nfss, in three hubs"],
    "drift warning": ["a key of staging's alone", "profileList of production's alone", "a key of production's alone"],
    "looks-secret error": ["a token in the documentation"],
  },
};

/** A folder for each deployment, with both of its environments, and sops. */
const deployments: Shape = {
  plain: {
    ".sops.yaml": "creation_rules: [{ gcp_kms: projects/x }]\n",
    "hub/Chart.yaml": chart("hub", remote("jupyterhub")),
    "hub/values.yaml": "jupyterhub: {}\n",
    "support/Chart.yaml": "apiVersion: v1\nname: support\nversion: 1.0.0\n",
    "support/requirements.yaml": `dependencies:\n  - ${remote("prometheus")}\n  - ${remote("grafana")}\n`,
    "support/values.yaml": "prometheus: {}\n",
    "support/secrets.yaml": sops({ grafana: { adminPassword: ENC } }),
    ...forEach(["data8", "stat20"], (name) => ({
      [`deployments/${name}/hubploy.yaml`]: yaml({ images: {}, cluster: { provider: "gcloud" } }),
      [`deployments/${name}/config/common.yaml`]: yaml({
        jupyterhub: { singleuser: { memory: { limit: "1G", guarantee: 1 } } },
      }),
      [`deployments/${name}/config/staging.yaml`]: yaml({ jupyterhub: { prePuller: false, url: "a" } }),
      [`deployments/${name}/config/prod.yaml`]: yaml({ jupyterhub: { hub: { db: { upgrade: true } }, url: "b" } }),
      ...forEach(["staging", "prod"], (tier) => ({
        [`deployments/${name}/secrets/${tier}.yaml`]: sops({
          jupyterhub: { hub: { config: { Auth: { client_secret: ENC } } } },
        }),
      })),
      [`deployments/${name}/secrets/gke-key.json`]: sops({ private_key: ENC }),
    })),
  },
  finds: {
    "dependencies error": ["no deploy.lock"],
    "drift warning": ["prePuller of staging's alone", "hub of production's alone"],
  },
};

/** Two clouds, charts of apiVersion v1, git-crypt. */
const clouds: Shape = {
  plain: {
    ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\nsecrets-aws/** filter=git-crypt diff=git-crypt\n",
    "pangeo/Chart.yaml": "apiVersion: v1\nname: pangeo\nversion: 0.2.0\n",
    "pangeo/requirements.yaml": `dependencies:\n  - ${remote("binderhub").replace(" }", ", import-values: [{ child: rbac, parent: rbac }] }")}\n`,
    "pangeo/values.yaml": "binderhub: {}\nrbac: { enabled: true }\n",
    "pangeo/templates/rbac.yaml": "# {{ .Values.rbac.enabled }}\n",
    "deploy/staging.yaml": "projectName: x\nbinderhub: { url: a }\n",
    "deploy/prod.yaml": "projectName: x\nbinderhub: { url: b }\nrbac: { any: 1 }\n",
    "deploy-aws/staging.yaml": "binderhub: { url: c }\n",
    "deploy-aws/prod.yaml": "binderhub: { url: d, url: e }\n",
    "deploy-aws/prod-install.yaml": "binderhub: { url: d }\n",
    "deploy/issuer.yaml": "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: { name: x }\n",
    "k8s-aws/storage-class.yaml": "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: { name: x }\n",
  },
  secret: {
    "secrets/staging.yaml": `binderhub: { cookieSecret: ${random("shared")} }\n`,
    "secrets/prod.yaml": `binderhub: { cookieSecret: ${random("shared")} }\n`,
    "secrets-aws/staging.yaml": `binderhub: { cookieSecret: ${random("aws-staging")} }\n`,
    "secrets-aws/prod.yaml": `binderhub: { cookieSecret: ${random("aws-prod")} }\n`,
  },
  finds: {
    "dependencies error": ["no deploy.lock"],
    "layers warning": ["values for the first installation, which no environment has"],
    "strict-yaml error": ["url twice in one map"],
    "shared-secret error": ["staging and production have one cookieSecret"],
    "unknown-key warning": ["projectName, which no template reads"],
    "drift warning": ["a rule of production's alone"],
  },
};

/** The chart itself, with what it is tried with. */
const upstream: Shape = {
  plain: {
    "chartpress.yaml": "charts: [{ name: jupyterhub }]\n",
    "jupyterhub/Chart.yaml":
      "apiVersion: v2\nname: jupyterhub\nversion: 0.0.1-set.by.chartpress\nkubeVersion: '>=1.28.0-0'\n",
    "jupyterhub/values.yaml":
      "hub: { cookieSecret: '', mode: 0644 }\ningress: { enabled: true, hosts: [] }\nsingleuser: { cpu: { guarantee: 0.50, limit: null }, memory: 1G }\nnodeSelector: {}\nimage: { tag: set-by-chartpress }\ntoken: ''\n",
    "jupyterhub/values.schema.json": yaml({
      type: "object",
      properties: { singleuser: { type: "object", properties: { memory: { type: ["string", "number"] } } } },
    }),
    "jupyterhub/templates/all.yaml": WORKLOAD,
    "jupyterhub/templates/ingress.yaml": `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: hub }
spec: { rules: [{{ range .Values.ingress.hosts }}{ host: {{ . }} },{{ end }}] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: hub }
data: { mode: {{ .Values.hub.mode | quote }}, memory: {{ .Values.singleuser.memory | quote }}, cpu: {{ .Values.singleuser.cpu | toJson | quote }} }
`,
    "dev-config.yaml":
      "ingress: { hosts: [local.jovyan.test, chart-example.local] }\nsingleuser: { memory: 512e6, cpu: { limit: 1.0 } }\nimgae: { tag: x }\nhub: { mode: yes }\n",
  },
  finds: {
    "unknown-key warning": ["imgae"],
    "type-change warning": ["a mode becomes true"],
    "strict-yaml warning": ["yes without quotes is true"],
  },
};

/** Secrets by a prefix of their names, in the charts' folders, and a folder for trying at home. */
const prefixed: Shape = {
  plain: {
    ".gitattributes": "_secret* filter=git-crypt diff=git-crypt\n",
    "deploy.yaml": `chart: gesisbinder/chart
layers: [gesisbinder/config.yaml]
environments:
  staging: { layers: [gesisbinder/config_test.yaml, gesisbinder/_secret_test.yaml] }
  prod: { layers: [gesisbinder/_secret.yaml] }
releases:
  elastic: { chart: monitoring/elastic, environments: [prod] }
`,
    "gesisbinder/chart/Chart.yaml": "apiVersion: v1\nname: gesisbinder\nversion: 0.1.1\n",
    "gesisbinder/chart/requirements.yaml": `dependencies:\n  - ${remote("binderhub")}\n`,
    "gesisbinder/chart/values.yaml": "binderhub: {}\n",
    "gesisbinder/chart/templates/_secret_x.yaml": "",
    "gesisbinder/config.yaml": "project: &project x\nbinderhub: { project: *project, url: a }\n",
    "gesisbinder/config_test.yaml": "project: &project z\nbinderhub: { project: *project, url: b }\n",
    "gesisbinder/cron.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: x }\n",
    "local/config.yaml": `hub: { cookieSecret: ${"0123456789abcdef".repeat(4)} }\n`,
    "monitoring/elastic/Chart.yaml": chart(
      "elastic",
      "{ name: kibana, version: ^7.9.3, repository: https://charts.example.org }",
    ),
  },
  secret: {
    "gesisbinder/_secret.yaml": `binderhub: { cookieSecret: ${random("prod")} }\n`,
    "gesisbinder/_secret_test.yaml": "binderhub: { cookieSecret: changeme }\n",
  },
  finds: {
    "dependencies error": ["kibana has no exact version", "no deploy.lock"],
    "drift warning": ["a release that staging lacks"],
    "looks-secret warning": ["a cookieSecret in the clear, for trying at home"],
    "weak-secret error": ["changeme"],
  },
};

/** A chart for each hub, one environment, and an archive that was left in one. */
const hubs: Shape = {
  plain: {
    ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\n",
    ...forEach(["hub-charts/ea-hub", "hub-charts/wshub", "outer-edge"], (path) => ({
      [`${path}/Chart.yaml`]: `apiVersion: v1\nname: ${path.split("/").at(-1)}\nversion: 0.1.0\n`,
      [`${path}/requirements.yaml`]: `dependencies:\n  - ${remote("jupyterhub")}\n`,
      [`${path}/values.yaml`]: "jupyterhub: {}\n",
    })),
    "outer-edge/requirements.lock":
      "dependencies:\n  - { name: jupyterhub, version: 1.2.3, repository: https://charts.example.org }\n",
    "hub-charts/ea-hub/charts/old-0.9.0.tgz": "no archive",
  },
  secret: {
    "secrets/ea-hub.yaml": `jupyterhub: { proxy: { secretToken: ${random("ea")} } }\n`,
    "secrets/wshub.yaml": `jupyterhub: { proxy: { secretToken: ${random("ws")} } }\n`,
    "secrets/staginghub.yaml": `jupyterhub: { proxy: { secretToken: ${random("st")} } }\n`,
    "secrets/dockerhub": "user x\n",
  },
  finds: {
    "dependencies error": ["an archive of no dependency, which Helm takes", "no deploy.lock"],
    "layers warning": ["secrets of a hub that has no chart any more"],
  },
};

/** helmfile: values by release, sops beside them, raw objects below. */
const helmfile: Shape = {
  plain: {
    "helmfile.yaml": "helmfiles: [{ path: helmfiles/helmfile.yaml }]\n",
    "helmfiles/helmfile.yaml":
      "templates:\n  default: &default\n    values: [values/common.yaml, 'values/{{`{{ .Release.Name }}`}}/common.yaml']\n    secrets: ['values/{{`{{ .Release.Name }}`}}/{{`{{ .Environment.Name }}`}}.secrets.yaml']\nreleases:\n- { name: dns, chart: ../charts/dns, <<: *default }\n- { name: app, chart: ../charts/app, <<: *default }\n",
    ".sops.yaml": "creation_rules: [{ pgp: D39E46932A270AA3BA490B9DB9FE928D3E8BCED8 }]\n",
    "charts/app/Chart.yaml": chart("app"),
    "charts/app/values.yaml": "image: { tag: 1.2.3 }\nnodeSelector: {}\ntoken: ''\n",
    "charts/app/templates/all.yaml": WORKLOAD,
    "charts/dns/Chart.yaml": chart("dns"),
    "charts/dns/values.yaml": "image: { tag: 1.2.3 }\nnodeSelector: {}\ntoken: ''\ncloudflare: {}\n",
    "charts/dns/templates/all.yaml": `${WORKLOAD}# {{ toJson .Values.cloudflare }}\n`,
    "helmfiles/values/common.yaml": "image: { tag: latest }\n",
    "helmfiles/values/default.yaml": "domain: example.org\nenvironment: default\n",
    "helmfiles/values/app/common.yaml": "tokne: x\n",
    "helmfiles/values/app/default.secrets.yaml": sops({ token: ENC }),
    "helmfiles/values/app/raw/issuer.yaml": "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: { name: x }\n",
    "helmfiles/values/dns/common.yaml": "image: { tag: 2.0.0 }\n",
    "helmfiles/values/dns/default.secrets.yaml": sops({ cloudflare: { apiToken: ENC } }),
  },
  finds: {
    "unknown-key warning": ["tokne"],
    "image-pinned warning": ["the tag latest in a pod", "the tag latest in values for all"],
  },
};

/** Argo CD: applications, external secrets, and charts of a few objects. */
const applications: Shape = {
  plain: {
    "deploy.yaml": `chart: apps/web
environments: { cluster: { tier: prod, layers: [], kubeVersion: "1.33", apiVersions: [k8up.io/v1] } }
releases:
  pvc: { chart: apps/pvc }
`,
    "apps/web/Chart.yaml": chart("web"),
    "apps/web/values.yaml": "image: { tag: 1.2.3 }\nnodeSelector: {}\ntoken: ''\n",
    "apps/web/templates/all.yaml": WORKLOAD,
    "apps/pvc/Chart.yaml": chart("pvc"),
    "apps/pvc/values.yaml": "enabled: true\n",
    "apps/pvc/templates/pvc.yaml": `{{- if .Capabilities.APIVersions.Has "k8up.io/v1" }}
apiVersion: k8up.io/v1
kind: PodConfig
metadata: { name: backup }
spec: { template: { spec: { containers: [{ name: backup }] } } }
{{- end }}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: { name: old }
spec: { tls: [{ hosts: [old.example.org], secretName: old-tls }], rules: [{ host: old.example.org }] }
`,
    "apps/web-appset.yaml": yaml({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "ApplicationSet",
      spec: {
        template: {
          spec: {
            source: {
              helm: {
                valuesObject: {
                  k8up: { repoPasswordSecretRef: { key: "resticRepoPassword" } },
                  tolerations: [{ key: "CriticalAddonsOnly" }],
                },
              },
            },
          },
        },
      },
    }),
    "apps/external-secret.yaml": yaml({
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      spec: { data: [{ secretKey: "resticRepoPassword", remoteRef: { key: "oauth2-proxy-secrets" } }] },
    }),
    "apps/sealed.yaml": yaml({ kind: "SealedSecret", spec: { encryptedData: { password: `AgB${random("sealed")}` } } }),
    "demo/secret.yaml": yaml({ kind: "Secret", data: { JWT_AUTH_SECRET: random("demo") } }),
  },
  finds: {
    "deprecated-api error": ["an Ingress of extensions/v1beta1"],
    "tls note": ["a certificate that something else must make"],
    "looks-secret warning": ["a Secret in the clear"],
  },
};

/** One umbrella chart, its layers beside its own values, and no Chart.lock. */
const umbrella: Shape = {
  plain: {
    "umbrella/Chart.yaml": chart("umbrella", ...["postgresql", "redis", "ingress-nginx", "app"].map(remote)),
    "umbrella/values.yaml": "global: { domain: example.org }\npostgresql: { auth: {} }\nredis: {}\n",
    "umbrella/values-staging.yaml":
      "global: { domain: staging.example.org }\npostgresql: { replicas: 1 }\nredsi: { replicas: 1 }\n",
    "umbrella/values-production.yaml":
      "global: { domain: example.org }\npostgresql: { replicas: 3 }\nredsi: { replicas: 3 }\n",
    "umbrella/values-old.yaml": "postgresql: { replicas: 2 }\n",
    "umbrella/templates/note.yaml": "# {{ .Values.global.domain }}\n",
  },
  finds: {
    "dependencies error": ["no deploy.lock"],
    "layers warning": ["values-old.yaml is of no environment"],
    "unknown-key warning": ["redsi, in both environments"],
    "redundant note": ["production's domain is the chart's"],
  },
};

/** By the repositories whose shapes they are. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "mybinder.org-deploy": members,
  "2i2c infrastructure": clusters,
  datahub: deployments,
  "pangeo-binder": clouds,
  "zero-to-jupyterhub": upstream,
  orc: prefixed,
  "hub-ops": hubs,
  "a helmfile user": helmfile,
  "an Argo CD user": applications,
  "an umbrella chart": umbrella,
};
