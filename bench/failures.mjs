// The same twenty failures, given to `vault deploy apply` and to other tools that deploy a chart,
// on a real control plane: what each says, and what it leaves. Tools that are not installed are
// left out; helmfile needs the plugin diff in the folder $HELM_PLUGINS.
//   pnpm bench failures [--json|--markdown] [WORD…]   those failures whose names have the words
import { setTimeout as sleep } from "node:timers/promises";
import { controlPlanePeer, startControlPlane } from "@git-vault/testkit/control-plane";
import { FAILURES } from "./failures/failures.mjs";
import { markdown, text } from "./failures/report.mjs";
import { LATE, TOOLS } from "./failures/tools.mjs";
import { differences, failureWorld } from "./failures/world.mjs";
import { workplace } from "./workplace.mjs";

const words = process.argv.slice(2);
const form = words.find((word) => word.startsWith("--"));
const named = words.filter((word) => !word.startsWith("--"));

/** How long pods may take to be as a run that has ended left them, in ms. */
const SETTLED = 6000;

async function settled(world) {
  for (const end = Date.now() + SETTLED; ; await sleep(200)) {
    const state = await world.state();
    if (state.isReady || Date.now() > end) return state;
  }
}

/** Deploys what is well. @throws Error */
async function succeed(world, change) {
  const { exit, said } = await world.deploy(change, LATE).ended;
  if (exit !== 0) throw new Error(`expected ${JSON.stringify(change)} to be deployed, got exit ${exit}: ${said}`);
}

/** Lets one failure happen to one tool. */
async function happen(parts, failure) {
  const { user, start, first = { image: "web:1" }, before, run, wanted = null } = failure;
  const world = await failureWorld(parts, user);
  try {
    await start?.(world);
    if (first !== null) await succeed(world, first);
    world.mend = (await before?.(world)) ?? world.mend;
    const was = await settled(world);
    const runs = await run(world);
    const is = await settled(world);
    await world.mend();
    world.restoreChart();
    const next = await world.deploy({ image: "web:9" }, LATE).ended;
    const isWell = next.exit === 0 && (await world.hasImage("web:9"));
    return {
      runs,
      image: is.image,
      isReady: is.isReady,
      record: { before: was.record.text, after: is.record.text, isGood: is.record.isGood },
      changes: differences(was, is),
      isAsked: wanted !== null && is.isReady && is.image === wanted,
      isAsBefore: differences(was, is).length === 0 && is.isReady === was.isReady,
      next: isWell ? null : next,
      namespace: world.namespace,
    };
  } finally {
    world.close();
  }
}

if (controlPlanePeer.missing) {
  console.error(`expected ${controlPlanePeer.label}: see CONTRIBUTING.md`);
  process.exit(1);
}
const tools = Object.entries(TOOLS).filter(([name, { missing }]) => {
  if (missing) console.error(`${name} is not installed, and left out`);
  return !missing;
});
const failures = FAILURES.filter(({ name }) => named.every((word) => name.includes(word)));
const { folder, env } = workplace();
const plane = await startControlPlane();
try {
  const found = [];
  for (const failure of failures) {
    const results = [];
    for (const [name, tool] of tools) {
      console.error(`${failure.name}: ${name}`);
      const result = await happen({ plane, tool, folder, env }, failure).catch(({ message }) => ({ error: message }));
      results.push({ tool: name, ...result });
    }
    found.push({ failure: failure.name, results });
  }
  const told = { "--json": JSON.stringify, "--markdown": markdown }[form] ?? text;
  console.log(told(found));
} finally {
  plane[Symbol.dispose]();
}
