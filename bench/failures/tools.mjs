// The tools that deploy the same chart: how each is started, and what it keeps on record.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { peer } from "@git-vault/testkit";
import { vaultProgram } from "../workplace.mjs";

/** How many seconds what is to fail may take, and what is to succeed, on a busy machine, too. */
export const [SOON, LATE] = [10, 180];

/**
 * Starts a program.
 *
 * @returns `pid`, and `ended`: its exit code, or the signal that ended it, and what it wrote
 */
function start(program, args, { cwd, env, input = "" }) {
  const child = spawn(program, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ exit: code ?? signal, said }));
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return { pid: child.pid, ended };
}

/** A program and all that it started, as a job that is killed takes them along. */
export function killAll(pid) {
  for (const child of childrenOf(pid)) killAll(child);
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

function childrenOf(parent) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

const [helm3, helm4, helmfile, kapp] = ["helm3", "helm4", "helmfile", "kapp"].map((name) => peer(name));

/** The revisions of the release `app` by Helm's records of them. */
async function helmRecord({ list }) {
  const records = await list("v1/secrets?labelSelector=owner%3Dhelm");
  const revisions = records
    .map(({ metadata: { labels } }) => ({ number: Number(labels.version), status: labels.status }))
    .toSorted((a, b) => a.number - b.number);
  const last = revisions.at(-1);
  return last === undefined
    ? { text: "none", isGood: true, isThere: false }
    : { text: `${last.number} ${last.status}`, isGood: last.status === "deployed", isThere: true };
}

/** The layers, the secret one among them, which all but vault read as plaintext. */
const VALUES = ["values.yaml", "password.yaml"];
const VALUE_FLAGS = VALUES.flatMap((file) => ["--values", file]);

const upgradeWith = (helm, rollback) => ({
  missing: helm.missing,
  record: helmRecord,
  deploy: ({ namespace, folder, env }, seconds) => {
    const how = ["--namespace", namespace, ...VALUE_FLAGS, "--wait", rollback, "--timeout", `${seconds}s`];
    return start(helm.path, ["upgrade", "--install", "app", "app", ...how], { cwd: folder, env });
  },
});

/** By name. `deploy` starts to deploy what lies in the folder, and waits for so many seconds. */
export const TOOLS = {
  "vault deploy apply": {
    missing: helm4.missing,
    record: helmRecord,
    deploy: ({ folder, env }, seconds) =>
      start(process.execPath, [vaultProgram, "deploy", "apply", "prod", "--yes", "--timeout", `${seconds}`], {
        cwd: folder,
        env: { ...env, HELM: helm4.path },
      }),
  },
  "helm 4 --rollback-on-failure": upgradeWith(helm4, "--rollback-on-failure"),
  "helm 3 --atomic": upgradeWith(helm3, "--atomic"),
  "helmfile apply": {
    missing: helmfile.missing || helm4.missing || process.env.HELM_PLUGINS === undefined,
    record: helmRecord,
    deploy: ({ namespace, folder, env, put }, seconds) => {
      put(
        "helmfile.yaml",
        JSON.stringify({
          helmDefaults: { wait: true, atomic: true, timeout: seconds },
          releases: [{ name: "app", namespace, chart: "./app", values: VALUES }],
        }),
      );
      const args = ["--helm-binary", helm4.path, "--no-color", "apply", "--suppress-diff"];
      return start(helmfile.path, args, { cwd: folder, env: { ...env, HELM_PLUGINS: process.env.HELM_PLUGINS } });
    },
  },
  "kapp deploy": {
    missing: kapp.missing || helm4.missing,
    record: async ({ list }) => {
      const changes = await list("v1/configmaps?labelSelector=kapp.k14s.io%2Fis-app-change");
      const last = changes
        .map(({ metadata, data }) => ({ at: metadata.creationTimestamp, ...JSON.parse(data.spec) }))
        .toSorted((a, b) => a.startedAt.localeCompare(b.startedAt))
        .at(-1);
      if (last === undefined) return { text: "none", isGood: true, isThere: false };
      const state = last.successful === true ? "succeeded" : last.successful === false ? "failed" : "unfinished";
      return { text: `${changes.length} ${state}`, isGood: last.successful === true, isThere: true };
    },
    deploy: ({ namespace, folder, env }, seconds) => {
      const script = `"$1" template app app --namespace "$3" ${VALUE_FLAGS.join(" ")} > app.yaml &&
        exec "$2" deploy --app app --namespace "$3" --file app.yaml --yes --tty=false --wait-timeout "$4"s`;
      const words = [helm4.path, kapp.path, namespace, `${seconds}`];
      return start("sh", ["-c", script, "sh", ...words], { cwd: folder, env });
    },
  },
};
