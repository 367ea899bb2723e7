/*
 * A deployment as a program of its own, which a test can kill. It prints its events as lines of
 * JSON, and in the end `{"error": …}`, null where all went well.
 *
 *   node deploy-program.mjs FOLDER KEY-FILE OPTIONS
 */
import { readFileSync } from "node:fs";
import { Cluster, DeployError, Project } from "../../src/index.ts";
import { apply, type ApplyOptions, makePlan } from "../../src/releases/index.ts";

const [root = "", keyFile = "", options = "{}"] = process.argv.slice(2);
const controller = new AbortController();
process.on("SIGTERM", () => controller.abort());
const { signal } = controller;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  const project = await Project.open({ root, key: { bytes: readFileSync(keyFile) }, env: process.env });
  const cluster = await Cluster.connectToChange(project, project.environment("staging"), { signal });
  const plan = await makePlan(project, cluster, { signal });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the test wrote them
  const given = JSON.parse(options) as ApplyOptions;
  for await (const event of apply(project, cluster, plan, { ...given, signal })) say(event);
  await cluster.close();
  await project.close();
  say({ error: null });
} catch (error) {
  const isKnown = error instanceof DeployError;
  const [code, message] = isKnown ? [error.code, error.message] : ["OTHER", error instanceof Error ? error.stack : ""];
  say({ error: { code, message } });
}
