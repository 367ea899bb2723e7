import { timingSafeEqual } from "node:crypto";
import { DeployError } from "../errors.ts";
import type { Plan } from "./plan.ts";
import type { Project } from "../project/project.ts";
import { readJson } from "../values/value.ts";

const FORMAT = "git-vault plan 1";

/**
 * A plan as a file (JSON). It holds no secret. A seal with a key derived from the repository's
 * shows whether it was changed since.
 *
 * @throws DeployError LOCKED where there is no such key
 */
export function writePlan(project: Project, plan: Plan): string {
  const text = JSON.stringify({ format: FORMAT, seal: sealOf(project, plan), plan }, null, 2);
  // Printed in CI, this would begin a command to GitHub's runner; in JSON it can be written so.
  return `${text.replaceAll("##[", String.raw`#\u0023[`)}\n`;
}

/**
 * @throws DeployError MALFORMED_PLAN where it is none, or was changed since it was written;
 * LOCKED as for {@link writePlan}
 */
export function readPlan(project: Pick<Project, "digest" | "digestsLast">, text: string): Plan {
  const read = readJson(text);
  if (read === undefined) return malformed("expected a plan, got something that is not JSON");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the seal tells that it is what was written
  const { format, seal, plan } = (read ?? {}) as { format?: unknown; seal?: unknown; plan?: Plan };
  if (format !== FORMAT || typeof seal !== "string" || plan === undefined)
    return malformed("expected a plan, got other JSON");
  const [given, right] = [Buffer.from(seal), Buffer.from(sealOf(project, plan))];
  if (given.length === right.length && timingSafeEqual(given, right) && Array.isArray(plan.releases)) return plan;
  return malformed("the plan was changed after it was made, or made with another key");
}

function sealOf(project: Pick<Project, "digest" | "digestsLast">, plan: Plan): string {
  if (project.digestsLast) return project.digest("plan", JSON.stringify(plan));
  throw new DeployError("LOCKED", "a plan needs a key that seals it, and a cloud opened all that is encrypted here", {
    hint: "give a private key that opens a layer of sops, or plan and apply in one run",
  });
}

function malformed(reason: string): never {
  throw new DeployError("MALFORMED_PLAN", reason, { hint: "make it again", remedy: "make-plan" });
}
