import { DeployError } from "../errors.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Release } from "../project/environment.ts";
import { findingOfError, lacksSecrets, OF_ARCHIVES, renderings, skipRendering, whereOf } from "./reading.ts";

/** Told by layers, strict-yaml, boundary and dependencies, or no fault of the project. */
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
  ...OF_ARCHIVES,
]);

/** Tells why a chart cannot be rendered with a release's values. */
export const render: Check = async function* renderCheck(context) {
  for await (const [release, result] of renderings(context)) {
    if (!(result instanceof DeployError)) continue;
    skipRendering(context, release, result);
    if (!isToldElsewhere(context, release, result)) yield findingOfError("render", result, whereOf(release));
  }
};

function isToldElsewhere(context: CheckContext, release: Release, { code, place }: DeployError): boolean {
  // What fails without the secrets may well work with them.
  if (code === "TOOL_FAILED") return lacksSecrets(context, release);
  return TOLD.has(code) || release.layers.some(({ path }) => path === place?.file);
}
