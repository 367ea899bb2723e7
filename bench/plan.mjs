// What planning costs beside the Helm calls that it must make, for a release that does not change.
//   pnpm bench plan [ROUNDS]
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { Cluster, Project } from "@git-vault/deploy";
import { isUnchanged, makePlan } from "@git-vault/deploy/releases";
import { startKubernetes } from "@git-vault/testkit/kubernetes";
import { median, report, operands } from "./measure.mjs";
import { workplace } from "./workplace.mjs";

const ROUNDS = Number(operands[0] ?? 15);
const OBJECTS = 200;
const helm = process.env.HELM ?? "helm";

const { folder, env: clean } = workplace();
const key = generateKeyFile();
const put = (path, text) => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, path.startsWith("secrets/") ? encryptBlob(key, Buffer.from(text)) : text);
};
// The cluster is in this process: nothing may block it.
const run = (program, args, { input = "", env = {} } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, env: { ...clean, ...env }, stdio: ["pipe", "pipe", "inherit"] });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${program} ${args[0]} ended with ${status}`)),
    );
    child.stdin.end(input);
  });

const kubernetes = await startKubernetes();
kubernetes.tokens.set("token-of-the-benchmark", { username: "bench" });
const kubeconfig = kubernetes.kubeconfig({ token: "token-of-the-benchmark" });
put("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
for (let at = 0; at < OBJECTS; at += 1)
  put(
    `app/templates/${at}.yaml`,
    `apiVersion: v1\nkind: ${at % 4 === 0 ? "Secret" : "ConfigMap"}\nmetadata: {name: o${at}}\n${at % 4 === 0 ? "stringData" : "data"}: {a: "{{ .Values.a }}", b: "{{ .Values.b }}"}\n`,
  );
put("config/prod.yaml", "a: plain\n");
put("secrets/config/prod.yaml", "b: a-secret-value\n");
put("secrets/prod-kubeconfig.yaml", kubeconfig);
const prod = {
  cluster: { uid: kubernetes.identity },
  kubeconfig: "secrets/prod-kubeconfig.yaml",
  layers: ["config/prod.yaml", "secrets/config/prod.yaml"],
};
put("deploy.yaml", JSON.stringify({ chart: "app", environments: { prod } }));
writeFileSync(join(folder, "kubeconfig"), kubeconfig);
await run("git", ["init", "--quiet"]);
await run("git", ["add", "--all"]);
await run("git", ["-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "--quiet", "-m", "all"]);

const env = { KUBECONFIG: join(folder, "kubeconfig") };
const input = "a: plain\nb: a-secret-value\n";
const upgrade = ["upgrade", "--install", "prod", "app", "--namespace", "prod", "--values", "-", "--output", "json"];
await run(helm, [...upgrade, "--create-namespace"], { input, env });

async function helmAlone() {
  await run(helm, ["get", "manifest", "prod", "--namespace", "prod"], { env });
  await run(helm, [...upgrade, "--dry-run=server"], { input, env });
}
async function planned() {
  const project = await Project.open({
    root: folder,
    key: { bytes: encodeKeyFile(key) },
    env: { ...clean, HELM: helm },
  });
  const cluster = await Cluster.connect(project, project.environment("prod"));
  if (!isUnchanged(await makePlan(project, cluster))) throw new Error("expected nothing to change");
  await cluster.close();
  await project.close();
}

const times = {
  "helm get manifest, helm upgrade --dry-run=server": [],
  "opening the project, connecting, planning": [],
};
const jobs = [helmAlone, planned];
for (let round = -1; round < ROUNDS; round += 1)
  for (const [at, name] of Object.keys(times).entries()) {
    const start = performance.now();
    await jobs[at]();
    if (round >= 0) times[name].push(performance.now() - start);
  }
await kubernetes.close();
const [[base, alone], [name, all]] = Object.entries(times);
report(`${OBJECTS} objects, medians of ${ROUNDS} turns`, [
  { name: base, ms: median(alone) },
  { name, ms: median(all), ratio: median(all) / median(alone), to: "the two calls", atMost: 1.5 },
]);
