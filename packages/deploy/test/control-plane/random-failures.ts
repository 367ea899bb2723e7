import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { cases, isLong, seed } from "@git-vault/testkit";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import type { ApplyOptions, DeployEvent } from "../../src/releases/index.ts";
import { HELMS } from "../cluster-world.ts";
import { denyConfigMaps } from "./policies.ts";
import { deployments, helmsOf, isAlive, kill } from "./processes.ts";
import { type Content, type ReleaseState, stateOf } from "./release-state.ts";
import { falsehoodsIn, type Told } from "./statements.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

/** A number from 0 to 1, another one for each call. */
type Random = () => number;

function randomOf(start: number): Random {
  let count = 0;
  return () =>
    createHash("sha256")
      .update(`${start} ${(count += 1)}`)
      .digest()
      .readUInt32BE() /
    2 ** 32;
}

const oneOf = <T>(random: Random, all: readonly T[]): T => {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error("expected a choice");
  return one;
};

/** A run, while something goes wrong. */
interface Trial {
  readonly at: ControlPlaneWorld;
  readonly random: Random;
  readonly run: ChildProcess;
}

/** What goes wrong; it gives what mends it once the run is over. */
type Fault = (trial: Trial) => Promise<() => Promise<void>>;

const FAULTS: Readonly<Record<string, Fault>> = {
  "the API server is killed": async ({ at: { plane }, random }) => {
    await plane.apiServer.stop("SIGKILL");
    await sleep(random() * 4000);
    plane.apiServer.start();
    return () => plane.ready();
  },
  "Helm is killed": async ({ run, random }) => {
    while (run.exitCode === null && helmsOf(run).length === 0) await sleep(20);
    await sleep(random() * 600);
    for (const helm of helmsOf(run)) kill(helm);
    return nothing;
  },
  "the run is killed": async ({ run }) => {
    const helms = helmsOf(run);
    run.kill("SIGKILL");
    // Its Helm goes on without it.
    return async () => {
      while (helms.some(isAlive)) await sleep(50);
    };
  },
  "etcd is held": async ({ at: { plane }, random }) => {
    plane.etcd.pause();
    await sleep(random() * 8000);
    plane.etcd.resume();
    return () => plane.ready();
  },
  "a policy refuses what is changed": async ({ at }) => {
    const policy = await denyConfigMaps(at);
    return policy.remove;
  },
  "a quota is full": async ({ at: { plane, namespace } }) => {
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    await plane.make(path, { metadata: { name: "none" }, spec: { hard: { pods: "0" } } });
    return async () => {
      await plane.ask("DELETE", `${path}/none`);
      // It counts for a while after it was removed.
      const pod = { metadata: { name: "probe" }, spec: { containers: [{ name: "main", image: "probe" }] } };
      const pods = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
      while ((await plane.ask("POST", pods, pod)).status === 403) await sleep(200);
    };
  },
  "the run is interrupted": async ({ run }) => {
    run.kill("SIGTERM");
    return nothing;
  },
  "nothing fails": async () => nothing,
};
const nothing = async (): Promise<void> => {};

/** What somebody does by hand between two runs. */
const BY_HAND: readonly ((at: ControlPlaneWorld) => Promise<unknown>)[] = [
  ({ plane, namespace }) =>
    plane.ask("PATCH", `${deploymentOf(namespace)}?fieldManager=hand`, { spec: { replicas: 2 } }),
  ({ plane, namespace }) => plane.ask("DELETE", `/api/v1/namespaces/${namespace}/configmaps/web`),
  ({ plane, namespace }) =>
    plane.ask("PATCH", `/api/v1/namespaces/${namespace}/configmaps/web?fieldManager=hand`, {
      data: { greeting: "hand" },
    }),
];
const deploymentOf = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments/web`;

interface Attempt {
  readonly fault: string;
  readonly random: Random;
  /** What was found ready so far: it grows. */
  readonly good: Content[];
}

type Deploying = Awaited<ReturnType<typeof deployments>>;

/** Deploys with what goes wrong, and says which sentences of what was told are not so. */
async function attempt(at: ControlPlaneWorld, deploy: Deploying, { fault, random, good }: Attempt): Promise<string[]> {
  const leftHalfWay = (await stateOf(at)).revisions.at(-1)?.status.startsWith("pending-") === true;
  if (random() < 0.3) await oneOf(random, BY_HAND)(at);
  const number = Math.floor(random() * 1e6);
  const becomes = oneOf(random, ["", "", "-crashes", "-unready"]);
  if (random() < 0.85) await at.commitValues({ image: `web:${number}${becomes}`, greeting: `number ${number}` });
  const before = await stateOf(at);
  const options: ApplyOptions = { timeout: 6, repair: leftHalfWay };
  const run = deploy(options);
  const ended = once(run, "close");
  let [said, cried] = ["", ""];
  run.stdout.on("data", (part: Buffer) => (said += part.toString()));
  run.stderr.on("data", (part: Buffer) => (cried += part.toString()));
  await Promise.race([sleep(random() * 5000), ended]);
  const mend = await FAULTS[fault]?.({ at, random, run });
  await ended;
  await mend?.();
  const lines = said.split("\n").filter((line) => line !== "");
  const events = lines.map((line) => JSON.parse(line) as DeployEvent | { readonly error: Told["error"] });
  const after = await stateOf(at);
  good.push(...[...before.revisions, ...after.revisions].filter(({ ready }) => ready).map(({ content }) => content));
  if (run.signalCode !== null) {
    // The next run would watch for half a minute whether that one is alive.
    await at.plane.ask(
      "DELETE",
      `/apis/coordination.k8s.io/v1/namespaces/default/leases/git-vault.${at.namespace}.app`,
    );
    return [];
  }
  const last = events.pop();
  if (last === undefined || !("error" in last)) return [`it ended without a word: ${cried}`];
  const told = { events: events.filter((event) => "event" in event), error: last.error };
  const wrong = falsehoodsIn(told, { before, after, wanted: at.values(), good });
  return wrong.map((one) => `${fault}: ${one}\n${said}${cried}\nbefore ${text(before)}\nafter ${text(after)}`);
}

const text = (state: ReleaseState): string => JSON.stringify(state);

/** What is said of a deployment is so, whatever goes wrong meanwhile. */
export function randomFailureTests(shared: () => ControlPlane): void {
  const [, helm4] = HELMS;
  test.skipIf(helm4?.missing)(
    "says what is so, whatever fails and whenever",
    async () => {
      const start = seed(20_261_130);
      const [few, all] = [2, 200];
      using at = await controlPlaneWorld(shared(), helm4?.path ?? "");
      const deploy = await deployments(at);
      expect((await at.deploy()).error).toBeNull();
      const faults = Object.keys(FAULTS);
      const [wrong, good]: [string[], Content[]] = [[], []];
      const note = (line: string): void => void (isLong() && process.stderr.write(`${line}\n`));
      note(`${all} trials from seed ${start}`);
      for (let number = 0; number < cases(few, all); number += 1) {
        const random = randomOf(start + number);
        const fault = isLong() ? oneOf(random, faults) : (faults[number % faults.length] ?? "");
        const found = await attempt(at, deploy, { fault, random, good });
        wrong.push(...found.map((one) => `trial ${number} from seed ${start}: ${one}`));
        note(`trial ${number}: ${fault}${found.length > 0 ? `: ${found.join("\n")}` : ""}`);
      }
      expect(wrong).toEqual([]);
      await at.commitValues({ image: "web:last", greeting: "last" });
      expect((await at.deploy({ repair: true })).error).toBeNull();
      expect(await at.running()).toEqual({ image: "web:last", available: 1 });
      const leases = await at.plane.ask("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases");
      expect(leases.body.items).toEqual([]);
    },
    3 * 3600 * 1000,
  );
}
