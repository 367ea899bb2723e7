/*
 * A deployment of the shape of mybinder.org's: a meta chart beside two system charts, layers that
 * all members share in folders, a layer and a secret one for each member, an encrypted script in
 * the chart, tags and versions that CI sets, archives in no commit, and no Chart.lock.
 */
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { type Repository, throwawayRepository } from "@git-vault/testkit";
import type { ProjectOptions } from "../src/index.ts";
import { Project } from "../src/index.ts";

export interface FederationWorld extends Disposable {
  readonly repository: Repository;
  /** Opens the project, with its key unless told otherwise. */
  open(options?: Partial<ProjectOptions>): Promise<Project>;
  readonly key: { readonly bytes: Buffer };
}

/** The members of the federation. */
export const MEMBERS = ["staging", "prod", "west"] as const;

/** In the script that is encrypted in the chart. */
export const SCRIPT = `#!/usr/bin/env python3
import json
canary_hosts = ["canary-Pool-4417.example.org", "10.77.3.9"]
def suspicious(line):
    return "canary-Needle-93b1" in line
`;

const TEMPLATE = `kind: ConfigMap
apiVersion: v1
metadata: { name: sweeper-src }
data:
  {{- (.Files.Glob "files/sweeper/*").AsConfig | nindent 2 }}
  {{- (.Files.Glob "files/sweeper/secrets/*").AsConfig | nindent 2 }}
---
kind: Secret
apiVersion: v1
metadata: { name: hub }
stringData:
  cookie: {{ .Values.hub.cookie | quote }}
  colour: {{ .Values.colour | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: {{ .Values.hub.replicas }}
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { checksum/src: {{ (.Files.Get "files/sweeper/secrets/rate.py") | sha256sum }} }
    spec:
      containers: [{ name: web, image: "{{ .Values.image.name }}:{{ .Values.image.tag }}" }]
`;

const systemChart = (name: string): Record<string, string> => ({
  [`hub-${name}/Chart.yaml`]: `apiVersion: v2\nname: hub-${name}\nversion: 0.0.1-set.by.chartpress\n`,
  [`hub-${name}/values.yaml`]: "controller: { enabled: false }\n",
  [`hub-${name}/templates/x.yaml`]: `apiVersion: v1
kind: ConfigMap
metadata: { name: system }
data: { enabled: {{ .Values.controller.enabled | quote }} }
`,
});

const PLAIN: Readonly<Record<string, string>> = {
  ".gitattributes": "**/secrets/** filter=git-crypt diff=git-crypt\n",
  "hub/Chart.yaml": "apiVersion: v2\nname: hub\nversion: 0.0.1-set.by.chartpress\n",
  "hub/.helmignore": "# notes are for people\n.DS_Store\n*.bak\n/notes/\n",
  "hub/values.yaml":
    "image: { name: quay.io/example/web, tag: set-by-chartpress }\nhub: { replicas: 1 }\ncolour: red\n",
  "hub/templates/all.yaml": TEMPLATE,
  "hub/templates/.broken.yaml": "{{ is no template",
  "hub/files/sweeper/sweeper.py": "print('sweeping')\n",
  "hub/files/sweeper/old.py.bak": "print('old')\n",
  "hub/notes/long.txt": "notes\n",
  ...systemChart("kube-system"),
  ...systemChart("operator"),
  "config/cert-manager.yaml": "ingressShim: { defaultIssuerName: letsencrypt-prod }\n",
  "config/common/banner.yaml": "colour: green\n",
  "config/test-secrets.yaml": "hub: { cookie: test }\n",
  "system-config/kube-system/west.yaml": "controller: { enabled: true }\n",
};

const SECRET: Readonly<Record<string, string>> = {
  "hub/files/sweeper/secrets/rate.py": SCRIPT,
  "secrets/config/common/common.yaml": "colour: canary-Colour-blue-81\n",
  "secrets/ban.py": "print('canary-Ban-script')\n",
};

/** Makes one, with these files beside or instead of its own. */
export async function federationWorld(files: Readonly<Record<string, string>> = {}): Promise<FederationWorld> {
  const repository = await throwawayRepository();
  const keyFile = generateKeyFile();
  const key = { bytes: encodeKeyFile(keyFile) };
  const plain = { ...PLAIN };
  const secret = { ...SECRET };
  for (const name of MEMBERS) {
    plain[`config/${name}.yaml`] = `hub: { replicas: ${name === "prod" ? 3 : 1} }\n`;
    secret[`secrets/config/${name}.yaml`] = `hub: { cookie: canary-Cookie-${name}-5f1 }\n`;
  }
  for (const [path, content] of Object.entries({ ...plain, ...files })) repository.write(path, content);
  for (const [path, content] of Object.entries(secret))
    if (files[path] === undefined) repository.write(path, encryptBlob(keyFile, Buffer.from(content)));
  await repository.commit("a federation");
  return {
    repository,
    key,
    open: (options = {}) => Project.open({ root: repository.path, key, env: repository.env, ...options }),
    [Symbol.dispose]: () => repository.remove(),
  };
}

/** The least that one must say of such a repository. */
export const LEAST = `chart: hub\nenvironments: { ${MEMBERS.map((name) => `${name}: {}`).join(", ")} }\n`;
