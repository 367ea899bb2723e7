import { DeployError } from "../errors.ts";
import type { Check } from "./check.ts";
import type { Release } from "../project/environment.ts";
import { findingOfError, renderings, whereOf, whyNotRendered } from "./reading.ts";

/** Told by the checks layers, strict-yaml and boundary, or no fault of the project. */
const TOLD: ReadonlySet<string> = new Set([
  "MISSING_FILE",
  "EMPTY_LAYER",
  "TAMPERED_FILE",
  "TOO_LARGE",
  "TOO_MANY_ALIASES",
  "DUPLICATE_KEY",
  "SEVERAL_DOCUMENTS",
  "FOREIGN_SCHEMA",
  "TOOL_MISSING",
  "UNSUPPORTED_TOOL",
]);
const OF_DEPENDENCIES: ReadonlySet<string> = new Set([
  "UNPINNED_DEPENDENCY",
  "UNLOCKED_DEPENDENCY",
  "MISSING_ARCHIVE",
  "ARCHIVE_MISMATCH",
]);

/** Tells why a chart cannot be rendered with a release's values. */
export const render: Check = async function* renderCheck(context) {
  for await (const [release, result] of renderings(context)) {
    if (!(result instanceof DeployError)) continue;
    context.skip(whyNotRendered(release, result));
    if (OF_DEPENDENCIES.has(result.code)) yield findingOfError("dependencies", result);
    else if (!isToldElsewhere(release, result)) yield findingOfError("render", result, whereOf(release));
  }
};

function isToldElsewhere({ layers }: Release, { code, place }: DeployError): boolean {
  // What fails without the secrets may well work with them.
  if (code === "TOOL_FAILED") return layers.some(({ locked }) => locked);
  return TOLD.has(code) || layers.some(({ path }) => path === place?.file);
}
