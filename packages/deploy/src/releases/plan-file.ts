import { timingSafeEqual } from "node:crypto";
import { DeployError } from "../errors.ts";
import type { Plan } from "./plan.ts";
import type { Project } from "../project/project.ts";

const FORMAT = "git-vault plan 1";

/**
 * A plan as a file (JSON). It holds no secret. A seal with a key derived from the repository's
 * shows whether it was changed since.
 */
export function writePlan(project: Project, plan: Plan): string {
  const text = JSON.stringify({ format: FORMAT, seal: sealOf(project, plan), plan }, null, 2);
  // Printed in CI, this would begin a command to GitHub's runner; in JSON it can be written so.
  return `${text.replaceAll("##[", String.raw`#\u0023[`)}\n`;
}

/** @throws DeployError MALFORMED_PLAN where it is none, or was changed since it was written */
export function readPlan(project: Project, text: string): Plan {
  let file: { format?: unknown; seal?: unknown; plan?: Plan } | null;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the seal tells that it is what was written
    file = JSON.parse(text) as { format?: unknown; seal?: unknown; plan?: Plan } | null;
  } catch {
    return malformed("expected a plan, got something that is not JSON");
  }
  const { format, seal, plan } = file ?? {};
  if (format !== FORMAT || typeof seal !== "string" || plan === undefined)
    return malformed("expected a plan, got other JSON");
  const [given, right] = [Buffer.from(seal), Buffer.from(sealOf(project, plan))];
  if (given.length === right.length && timingSafeEqual(given, right) && Array.isArray(plan.releases)) return plan;
  return malformed("the plan was changed after it was made, or made with another key");
}

const sealOf = (project: Project, plan: Plan): string => project.digest("plan", JSON.stringify(plan));

function malformed(reason: string): never {
  throw new DeployError("MALFORMED_PLAN", reason, { hint: "make it again", remedy: "make-plan" });
}
