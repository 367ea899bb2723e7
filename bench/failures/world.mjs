// A folder with a chart, and a namespace of the control plane that it is deployed to by one tool.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";

const key = generateKeyFile();

/** The chart; its templates are those that every deployment has. */
export const CHART = {
  "app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
  "app/values.yaml": "image: none\ngreeting: none\npassword: none\n",
  "app/templates/web.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: "{{ .Values.greeting }}"}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: "{{ .Values.password }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "{{ .Values.image }}"}]}
`,
};

/** What of the cluster a deployment may leave there, and what of it counts. */
const KINDS = {
  "apps/v1/deployments": ({ spec }) => [spec.template.spec.containers[0].image, spec.replicas],
  "v1/configmaps": ({ data }) => data,
  "v1/secrets": ({ data }) => data,
  "v1/services": () => null,
  "v1/persistentvolumeclaims": () => null,
  "batch/v1/jobs": () => null,
};
const isToolsOwn = ({ metadata: { name, labels = {} } }) =>
  name === "kube-root-ca.crt" ||
  labels.owner === "helm" ||
  ["kapp.k14s.io/is-app", "kapp.k14s.io/is-app-change"].some((label) => label in labels);

let count = 0;

/** @param token of the user who deploys */
export async function failureWorld({ plane, tool, folder: parent, env: clean }, token = plane.token) {
  const namespace = `app-${process.pid}-${(count += 1)}`;
  const folder = join(parent, namespace);
  const put = (path, text) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, path.startsWith("secrets/") ? encryptBlob(key, Buffer.from(text)) : text);
  };
  const git = (...args) =>
    execFileSync("git", ["-c", "user.name=B", "-c", "user.email=b@example.org", ...args], { cwd: folder, env: clean });
  const pathOf = (path) => {
    const [group, ...rest] = path.split("/");
    const api = group === "v1" ? "/api/v1" : `/apis/${group}/${rest.shift()}`;
    return `${api}/namespaces/${namespace}/${rest.join("/")}`;
  };
  const list = async (path) => (await plane.ask("GET", pathOf(path))).body.items;

  await plane.make("/api/v1/namespaces", { metadata: { name: namespace } });
  for (const [path, text] of Object.entries(CHART)) put(path, text);
  put(".gitignore", "/password.yaml\n/kubeconfig\n/app.yaml\n/helmfile.yaml\n");
  for (const path of ["secrets/prod.yaml", "password.yaml"]) put(path, "password: a-secret-value\n");
  put("secrets/kubeconfig.yaml", plane.kubeconfig({ token }));
  put("kubeconfig", plane.kubeconfig({ token }));
  const prod = {
    cluster: { uid: plane.identity },
    namespace,
    release: "app",
    kubeconfig: "secrets/kubeconfig.yaml",
    layers: ["values.yaml", "secrets/prod.yaml"],
  };
  put("deploy.yaml", JSON.stringify({ chart: "app", environments: { prod } }));
  git("init", "--quiet");

  const GIT_CRYPT_KEY = encodeKeyFile(key).toString("base64");
  const world = {
    plane,
    namespace,
    folder,
    put,
    list,
    env: { ...clean, KUBECONFIG: join(folder, "kubeconfig"), GIT_CRYPT_KEY },
    /** What lies at a path in the namespace, such as `v1/configmaps/web`. */
    ask: (method, path, body) => plane.ask(method, pathOf(path), body),
    make: (path, object) => plane.make(pathOf(path), object),
    /** Starts to deploy such values, with templates beside the usual ones. */
    deploy({ image, greeting = image, templates = {} }, seconds) {
      put("values.yaml", JSON.stringify({ image, greeting }));
      for (const [name, text] of Object.entries(templates)) put(`app/templates/${name}.yaml`, text);
      git("add", "--all");
      git("commit", "--quiet", "--message", image);
      return tool.deploy(world, seconds);
    },
    /** Whether the Deployment has such an image now. */
    async hasImage(image) {
      const { status, body } = await world.ask("GET", "apps/v1/deployments/web");
      return status === 200 && body.spec.template.spec.containers[0].image === image;
    },
    /** The objects, what runs, whether all is ready, and what the tool has on record. */
    async state() {
      const objects = {};
      for (const [path, partOf] of Object.entries(KINDS))
        for (const one of await list(path)) {
          const { name, deletionTimestamp } = one.metadata;
          if (isToolsOwn(one)) continue;
          const state = deletionTimestamp === undefined ? [] : ["being removed"];
          objects[`${path.split("/").at(-1)} ${name}`] = [...state, partOf(one)];
        }
      const [web] = await list("apps/v1/deployments");
      const pods = (await list("v1/pods")).filter(({ metadata }) => metadata.labels?.app === "web");
      const { observedGeneration, updatedReplicas, availableReplicas, replicas } = web?.status ?? {};
      const isReady =
        web !== undefined &&
        observedGeneration === web.metadata.generation &&
        [updatedReplicas, availableReplicas, replicas].every((number) => number === web.spec.replicas);
      const images = [...new Set(pods.map(({ spec }) => spec.containers[0].image))];
      const wanted = web?.spec.template.spec.containers[0].image ?? null;
      return {
        objects,
        isReady,
        images: images.toSorted((a, b) => (a < b ? -1 : 1)),
        image: wanted,
        record: await tool.record(world),
      };
    },
    /** Takes back what was changed of the chart. */
    restoreChart() {
      rmSync(join(folder, "app"), { recursive: true });
      for (const [path, text] of Object.entries(CHART)) put(path, text);
    },
    /** Ends what goes wrong, where that lasts. */
    mend: async () => {},
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
  return world;
}

/** What is there now and was not before, and the other way round. */
export function differences(before, after) {
  const names = [...new Set([...Object.keys(before.objects), ...Object.keys(after.objects)])];
  return names.flatMap((name) => {
    const [was, is] = [before.objects[name], after.objects[name]];
    if (was === undefined) return [`+ ${name}`];
    if (is === undefined) return [`- ${name}`];
    if (is[0] === "being removed") return [`${name} is being removed`];
    return isDeepStrictEqual(was, is) ? [] : [`${name} changed`];
  });
}
