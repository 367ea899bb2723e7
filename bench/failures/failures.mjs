// Twenty ways in which a deployment fails. Each begins with a release that is well, of `web:1`.
import { setTimeout as sleep } from "node:timers/promises";
import { CHART } from "./world.mjs";
import { killAll, LATE, SOON } from "./tools.mjs";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

/** A chart's template beside the usual ones. */
const object = (apiVersion, kind, name, more) => JSON.stringify({ apiVersion, kind, metadata: { name }, ...more });

const CLAIM = { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
const BALANCER = { spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }] } };
const HOOK = JSON.stringify({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "migrate", annotations: { "helm.sh/hook": "pre-upgrade" } },
  spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "migrate:unready" }] } } },
});
const HELD = JSON.stringify({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "held", finalizers: ["example.org/held"] },
});

/** Lets a policy refuse to change ConfigMaps there. @returns what ends that */
async function refuseConfigMaps({ plane, namespace }) {
  const name = `no-maps-${namespace}`;
  const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] };
  await plane.make(`${ADMISSION}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      // kapp's own records are ConfigMaps.
      matchConditions: [
        { name: "there", expression: `object.metadata.namespace == '${namespace}' && object.metadata.name == 'web'` },
      ],
      validations: [{ expression: "false", message: "nothing is changed now" }],
    },
  });
  await plane.make(`${ADMISSION}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
  const isRefused = async () => {
    const probe = { metadata: { labels: { probe: "yes" } } };
    const { status } = await plane.ask("PATCH", `/api/v1/namespaces/${namespace}/configmaps/web?dryRun=All`, probe);
    return status >= 400;
  };
  // Policies count after a moment.
  while (!(await isRefused())) await sleep(50);
  return async () => {
    for (const kind of ["bindings", "ies"])
      await plane.ask("DELETE", `${ADMISSION}/validatingadmissionpolic${kind === "ies" ? "ies" : "ybindings"}/${name}`);
    while (await isRefused()) await sleep(50);
  };
}

/** Gives `deployer` all rights there, but what is left out of those to Deployments. */
async function grant({ plane, namespace }, verbs) {
  const put = async (kind, place, metadata, more) => {
    const path = `${RBAC}${place}/${kind}`;
    const { status, body } = await plane.ask("PUT", `${path}/${metadata.name}`, { metadata, ...more });
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(body)}`);
  };
  const name = "deployer";
  const bind = (kind) => ({
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name }],
  });
  const everything = { apiGroups: ["*"], resources: ["*"] };
  await put("clusterroles", "", { name }, { rules: [{ ...everything, verbs: ["get", "list", "watch"] }] });
  await put("clusterrolebindings", "", { name }, bind("ClusterRole"));
  const others = { apiGroups: ["", "coordination.k8s.io", "authorization.k8s.io"], resources: ["*"], verbs: ["*"] };
  const rules = [others, { apiGroups: ["apps"], resources: ["deployments"], verbs }];
  for (const place of [namespace, "default"]) {
    const own = { name, namespace: place };
    await put("roles", `/namespaces/${place}`, own, { rules });
    await put("rolebindings", `/namespaces/${place}`, own, bind("Role"));
  }
  const isAllowed = async (verb) => {
    const resourceAttributes = { namespace, group: "apps", resource: "deployments", verb };
    const review = { spec: { user: name, resourceAttributes } };
    return (await plane.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)).body.status.allowed;
  };
  while ((await isAllowed("patch")) !== verbs.includes("*")) await sleep(50);
}

/** What is deployed second, and does not fail by itself. */
const NEXT = { image: "web:2" };
const CRASHES = { image: "web:2-crashes" };

/**
 * Deploys, and does something once its moment has come. Where the run ends before that, nothing is
 * done. @returns how the run ended
 */
async function during(world, change, isNow, act) {
  const run = world.deploy(change, SOON);
  const over = new AbortController();
  const ended = run.ended.finally(() => over.abort());
  while (!over.signal.aborted && !(await isNow())) await sleep(50);
  if (!over.signal.aborted) await act(run);
  return await ended;
}

const deploy = (change) => async (world) => [await world.deploy(change, SOON).ended];

/** Deploys what crashes, and lets nothing be taken back. */
const failTwice = (world) =>
  during(world, CRASHES, isChanged(world), async () => {
    world.mend = await refuseConfigMaps(world);
  });

const isHeld = (world) => async () =>
  (await world.ask("GET", "v1/configmaps/held")).body.metadata?.deletionTimestamp !== undefined;

const isChanged = (world) => () => world.hasImage(CRASHES.image);

/**
 * - `user`: who deploys, if not somebody who may do everything, and `start`: what is done first,
 * - `first`: what is deployed before; null for nothing,
 * - `before`: done then, and gives what mends it in the end,
 * - `run`: deploys, and gives how each run ended,
 * - `wanted`: the image that the last run is to bring, where it can succeed.
 */
export const FAILURES = [
  { name: "the pods crash", run: deploy(CRASHES) },
  { name: "the pods never become ready", run: deploy({ image: "web:2-unready" }) },
  {
    name: "a quota refuses the pods",
    before: async (world) => {
      await world.make("v1/resourcequotas", { metadata: { name: "pods" }, spec: { hard: { pods: "1" } } });
      const isCounted = async () => (await world.ask("GET", "v1/resourcequotas/pods")).body.status?.used?.pods === "1";
      while (!(await isCounted())) await sleep(50);
      return () => world.ask("DELETE", "v1/resourcequotas/pods");
    },
    run: deploy(NEXT),
  },
  {
    name: "a claim is never bound",
    run: deploy({ ...NEXT, templates: { claim: object("v1", "PersistentVolumeClaim", "data", CLAIM) } }),
  },
  {
    name: "a load balancer gets no address",
    run: deploy({ ...NEXT, templates: { front: object("v1", "Service", "front", BALANCER) } }),
  },
  {
    name: "a hook before the upgrade never ends",
    run: deploy({ ...NEXT, templates: { hook: HOOK } }),
  },
  {
    name: "a value that the chart requires is missing",
    run: deploy({ ...NEXT, templates: { bad: 'colour: {{ required "say a colour" .Values.colour }}\n' } }),
  },
  {
    name: "the cluster does not know a kind",
    run: deploy({ ...NEXT, templates: { thing: object("example.org/v1", "Thing", "one") } }),
  },
  { name: "a policy refuses an object", before: refuseConfigMaps, run: deploy(NEXT) },
  {
    name: "a field cannot be changed",
    before: async ({ put }) =>
      put("app/templates/web.yaml", CHART["app/templates/web.yaml"].replaceAll("{app: web}", "{app: other}")),
    run: deploy(NEXT),
  },
  {
    name: "the user may not change Deployments",
    user: "deployer",
    start: (world) => grant(world, ["*"]),
    before: (world) => grant(world, ["get", "list", "watch"]).then(() => () => grant(world, ["*"])),
    run: deploy(NEXT),
  },
  { name: "the first install never becomes ready", first: null, run: deploy(CRASHES) },
  {
    name: "somebody changed the image and the replicas by hand",
    before: async (world) => {
      const containers = [{ name: "web", image: "web:by-hand" }];
      const spec = { replicas: 2, template: { spec: { containers } } };
      await world.ask("PATCH", "apps/v1/deployments/web?fieldManager=hand", { spec });
    },
    run: async (world) => [await world.deploy(NEXT, LATE).ended],
    wanted: NEXT.image,
  },
  {
    name: "what must come back is still being removed",
    first: { image: "web:1", templates: { held: HELD } },
    run: async (world) => [
      await during(world, { ...CRASHES, templates: { held: "" } }, isHeld(world), async () => {
        await sleep((SOON + 4) * 1000);
        await world.ask("PATCH", "v1/configmaps/held", { metadata: { finalizers: [] } });
      }),
    ],
  },
  {
    name: "a policy refuses the way back, too",
    run: async (world) => [await failTwice(world)],
  },
  {
    name: "and the deployment after that one crashes",
    run: async (world) => {
      const told = await failTwice(world);
      await world.mend();
      return [told, await world.deploy({ image: "web:3-crashes" }, SOON).ended];
    },
  },
  {
    name: "the API server is away for 14 seconds over the way back",
    run: async (world) => [
      await during(world, CRASHES, isChanged(world), async () => {
        await sleep((SOON - 3) * 1000);
        await world.plane.apiServer.stop("SIGKILL");
        await sleep(14_000);
        world.plane.apiServer.start();
        await world.plane.ready();
      }),
    ],
  },
  {
    name: "the job is killed while it waits, and runs again",
    run: async (world) => {
      const killed = await during(world, CRASHES, isChanged(world), async ({ pid }) => {
        await sleep(2000);
        killAll(pid);
      });
      return [killed, await world.deploy({ image: "web:3" }, LATE).ended];
    },
    wanted: "web:3",
  },
  {
    name: "the job is cancelled (SIGTERM) while it waits",
    run: async (world) => [
      await during(world, CRASHES, isChanged(world), async ({ pid }) => {
        await sleep(2000);
        process.kill(pid, "SIGTERM");
      }),
    ],
  },
  {
    name: "two jobs deploy at once, of which the first crashes",
    run: async (world) => {
      let second = Promise.resolve();
      const first = await during(world, CRASHES, isChanged(world), () => {
        second = world.deploy({ image: "web:3" }, LATE).ended;
      });
      return [first, await second];
    },
    wanted: "web:3",
  },
];
