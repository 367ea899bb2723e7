// What planning and deploying cost beside the Helm calls that they must make, for a release that
// does not change: with two objects and with 500, on a real control plane where one is installed,
// else on the stand-in.
//   pnpm bench plan [ROUNDS]
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { Cluster, Project } from "@git-vault/deploy";
import { apply, isUnchanged, makePlan } from "@git-vault/deploy/releases";
import { controlPlanePeer, startControlPlane } from "@git-vault/testkit/control-plane";
import { startKubernetes } from "@git-vault/testkit/kubernetes";
import { median, report, operands } from "./measure.mjs";
import { workplace } from "./workplace.mjs";

const ROUNDS = Number(operands[0] ?? 15);
/** How many objects the chart has, and how many times the two calls of Helm a plan may take. */
const SIZES = [
  [2, 1.5],
  [500, 1.2],
];
const helm = process.env.HELM ?? "helm";
const { folder, env: clean } = workplace();
const key = generateKeyFile();
const bytes = encodeKeyFile(key);

// The stand-in is in this process: nothing may block it.
const run = (program, args, { cwd, input = "", env = {} }) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...clean, ...env }, stdio: ["pipe", "ignore", "inherit"] });
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve() : reject(new Error(`${program} ${args[0]} ended with ${status}`)),
    );
    child.stdin.end(input);
  });

const beside = (one, other, most) => ({ ...one, ratio: one.ms / other.ms, to: "Helm alone", atMost: most });

async function startCluster() {
  if (!controlPlanePeer.missing) {
    const plane = await startControlPlane();
    return { identity: plane.identity, kubeconfig: plane.kubeconfig(), close: async () => plane[Symbol.dispose]() };
  }
  const kubernetes = await startKubernetes();
  kubernetes.tokens.set("token", { username: "bench" });
  const kubeconfig = kubernetes.kubeconfig({ token: "token" });
  return { identity: kubernetes.identity, kubeconfig, close: () => kubernetes.close() };
}

/** A repository with a chart of so many objects, deployed. */
async function deployed({ identity, kubeconfig }, objects) {
  const cwd = join(folder, `${objects}`);
  const name = `prod-${objects}`;
  const put = (path, text) => {
    const file = join(cwd, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, path.startsWith("secrets/") ? encryptBlob(key, Buffer.from(text)) : text);
  };
  put("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  for (let at = 0; at < objects; at += 1) {
    const [kind, field] = at % 4 === 0 ? ["Secret", "stringData"] : ["ConfigMap", "data"];
    const text = `apiVersion: v1\nkind: ${kind}\nmetadata: {name: o${at}}\n${field}: {a: "{{ .Values.a }}", b: "{{ .Values.b }}"}\n`;
    put(`app/templates/${at}.yaml`, text);
  }
  put("config/prod.yaml", "a: plain\n");
  put("secrets/config/prod.yaml", "b: a-secret-value\n");
  put("secrets/prod-kubeconfig.yaml", kubeconfig);
  const prod = {
    cluster: { uid: identity },
    namespace: name,
    release: name,
    kubeconfig: "secrets/prod-kubeconfig.yaml",
    layers: ["config/prod.yaml", "secrets/config/prod.yaml"],
  };
  put("deploy.yaml", JSON.stringify({ chart: "app", environments: { prod } }));
  writeFileSync(join(cwd, "kubeconfig"), kubeconfig);
  await run("git", ["init", "--quiet"], { cwd });
  await run("git", ["add", "--all"], { cwd });
  await run("git", ["-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "--quiet", "-m", "all"], { cwd });
  const options = { cwd, input: "a: plain\nb: a-secret-value\n", env: { KUBECONFIG: join(cwd, "kubeconfig") } };
  const upgrade = ["upgrade", "--install", name, "app", "--namespace", name, "--values", "-", "--output", "json"];
  const within = async (job) => {
    const project = await Project.open({ root: cwd, key: { bytes }, env: { ...clean, HELM: helm }, needsHelm: true });
    const reached = await Cluster.connectToChange(project, project.environment("prod"));
    const plan = await makePlan(project, reached);
    if (!isUnchanged(plan)) throw new Error("expected nothing to change");
    await job?.(project, reached, plan);
    await reached.close();
    await project.close();
  };
  await run(helm, [...upgrade, "--create-namespace"], options);
  return {
    "helm get manifest, helm upgrade --dry-run=server": async () => {
      await run(helm, ["get", "manifest", name, "--namespace", name], options);
      await run(helm, [...upgrade, "--dry-run=server"], options);
    },
    "opening the project, connecting, planning": () => within(),
    "helm upgrade --install --wait": () => run(helm, [...upgrade, "--wait", "--history-max=3"], options),
    "opening, connecting, planning, applying": () =>
      within(async (project, reached, plan) => {
        for await (const _ of apply(project, reached, plan));
      }),
  };
}

const cluster = await startCluster();
try {
  const rows = [];
  for (const [objects, atMost] of SIZES) {
    const jobs = await deployed(cluster, objects);
    const times = Object.fromEntries(Object.keys(jobs).map((name) => [name, []]));
    for (let round = -1; round < ROUNDS; round += 1)
      for (const [name, job] of Object.entries(jobs)) {
        const start = performance.now();
        await job();
        if (round >= 0) times[name].push(performance.now() - start);
      }
    const [calls, planning, upgrading, applying] = Object.entries(times).map(([name, all]) => ({
      name,
      ms: median(all),
    }));
    for (const one of [calls, beside(planning, calls, atMost), upgrading, beside(applying, upgrading, 1.2)])
      rows.push({ ...one, name: `${objects} objects: ${one.name}` });
  }
  const where = controlPlanePeer.missing ? "the stand-in" : "a real control plane";
  report(`on ${where}, medians of ${ROUNDS} turns`, rows);
} finally {
  await cluster.close();
}
