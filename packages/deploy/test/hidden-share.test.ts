import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { Cluster } from "../src/index.ts";
import type { Manifest } from "../src/helm/manifests.ts";
import { makePlan } from "../src/releases/index.ts";
import { clusterWorld, type ClusterWorld, HELM_4 } from "./cluster-world.ts";

/*
 * What a plan hides though it depends on no secret, of a chart such as that of JupyterHub: its
 * Secret holds all values, which have the same words as the rest; secret layers hold names of
 * registries and users, which stand in many places.
 */

const PLAIN = `hub:
  config: { JupyterHub: { authenticator_class: github } }
  traefik: { image: "traefik:v3.7.8" }
scheduler:
  plugins:
    score:
      enabled: [{ name: NodeAffinity, weight: 14631 }, { name: ImageLocality, weight: 11 }]
  pluginConfig: { scoringStrategy: { type: MostAllocated } }
images: { hub: "quay.io/jupyterhub/hub:5.5", puller: "quay.io/jupyterhub/puller:5.5", sync: "quay.io/jupyterhub/sync:5.5" }
greeting: |
  if db_type == "postgres":
    registry = "quay.io"
`;

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

/** Others each time, but for what is no secret. */
const secrets = (): string => `hub:
  cookieSecret: ${hex(32)}
  db: { type: postgres, password: "${hex(12)}" }
  sentry: "https://${hex(16)}@sentry.example.org/3"
  user: admin
registry: { host: quay.io, username: example+robot, password: ${hex(20)} }
`;

const TEMPLATES: Readonly<Record<string, string>> = {
  secret: `apiVersion: v1
kind: Secret
metadata: {name: hub}
data:
  values.yaml: {{ .Values | toYaml | b64enc }}
  .dockerconfigjson: {{ dict "auths" (dict .Values.registry.host .Values.registry) | toJson | b64enc }}
`,
  config: `apiVersion: v1
kind: ConfigMap
metadata: {name: hub}
data:
  hub.py: |
    {{- .Values.greeting | nindent 4 }}
  config.json: {{ .Values.hub.config | toJson | quote }}
`,
  scheduler: `apiVersion: v1
kind: ConfigMap
metadata: {name: user-scheduler}
data:
  config.yaml: |
    {{- .Values.scheduler | toYaml | nindent 4 }}
    traefik:
    scoringStrategy:
`,
  workloads: `{{- range $name, $image := .Values.images }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ $name }}, labels: {app: jupyterhub, component: {{ $name }}}}
spec:
  replicas: 1
  selector: {matchLabels: {component: {{ $name }}}}
  template:
    metadata:
      labels: {component: {{ $name }}}
      annotations: {checksum/secret: {{ toJson $.Values.hub | sha256sum }}}
    spec:
      nodeSelector: {mybinder.org/pool-type: core}
      containers:
        - name: {{ $name }}
          image: {{ $image }}
          imagePullPolicy: IfNotPresent
          command: [jupyterhub, --config, /etc/jupyterhub/jupyterhub_config.py, --upgrade-db]
          ports: [{name: http, containerPort: 8081}]
          resources: {requests: {cpu: 200m, memory: 1Gi}}
          env:
            - {name: HUB_USER, value: {{ $.Values.hub.user }}}
            - {name: SENTRY, value: {{ $.Values.hub.sentry | quote }}}
            - {name: LOG_LEVEL, value: info}
---
apiVersion: v1
kind: Service
metadata: {name: {{ $name }}}
spec:
  selector: {component: {{ $name }}}
  ports: [{name: http, port: 8081, targetPort: http}]
{{- end }}
`,
};

async function world(helm: string): Promise<ClusterWorld> {
  const at = await clusterWorld(helm);
  await at.repository.git("rm", "--quiet", "app/values.yaml", "app/templates/all.yaml");
  for (const [name, text] of Object.entries(TEMPLATES)) at.repository.write(`app/templates/${name}.yaml`, text);
  at.repository.write("config/staging.yaml", PLAIN);
  at.encrypt("secrets/config/staging.yaml", secrets());
  await at.repository.commit("a hub");
  return at;
}

async function rendered(at: ClusterWorld): Promise<readonly Manifest[]> {
  await using project = await at.open();
  return await project.environment("staging").render();
}

const linesOf = (manifest: Manifest | undefined): string[] =>
  stringify(manifest?.object, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .split("\n");

test.each(HELM_4)(
  "less than 2 % of a plan is hidden that depends on no secret, with $label",
  async ({ path: helm }) => {
    await using at = await world(helm);
    const own = await rendered(at);
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const changes = (await makePlan(project, cluster)).releases.flatMap((release) => release.changes);
    at.encrypt("secrets/config/staging.yaml", secrets());
    await at.repository.commit("other secrets");
    const others = await rendered(at);
    let [all, hidden, needless] = [0, 0, 0];
    for (const { kind, name, diff } of changes) {
      if (kind === "Secret") continue;
      const [mine, other] = [own, others].map((list) =>
        linesOf(list.find((manifest) => manifest.kind === kind && manifest.name === name)),
      );
      const shown = diff.split("\n").slice(1);
      expect(shown).toHaveLength(mine?.length ?? 0);
      for (const [line, text] of (mine ?? []).entries()) {
        all += text.length;
        if (shown[line] === `+${text}`) continue;
        hidden += text.length;
        if (other?.[line] === text) needless += text.length;
      }
    }
    expect(all).toBeGreaterThan(2000);
    // Checksums, and an address with a password.
    expect(hidden).toBeGreaterThan(100);
    expect(needless / all).toBeLessThan(0.02);
  },
);
