import { DeployError } from "../errors.ts";
import type { Check } from "../finding.ts";
import { findingOf, renderings } from "./reading.ts";

/** What the checks layers and strict-yaml tell, and what dependencies tells of the chart's own. */
const TOLD: ReadonlySet<string> = new Set([
  "MISSING_FILE",
  "EMPTY_LAYER",
  "TAMPERED_FILE",
  "TOO_LARGE",
  "TOO_MANY_ALIASES",
  "DUPLICATE_KEY",
  "SEVERAL_DOCUMENTS",
]);
const OF_DEPENDENCIES: ReadonlySet<string> = new Set([
  "UNPINNED_DEPENDENCY",
  "UNLOCKED_DEPENDENCY",
  "MISSING_ARCHIVE",
  "ARCHIVE_MISMATCH",
]);

/** Tells why the chart cannot be rendered with an environment's values. */
export const render: Check = async function* renderCheck(context) {
  for await (const [environment, result] of renderings(context)) {
    if (!(result instanceof DeployError)) continue;
    const { code } = result;
    if (code === "TOOL_MISSING" || code === "UNSUPPORTED_TOOL") {
      context.skip(`rendering, since ${result.message}`);
    } else if (OF_DEPENDENCIES.has(code)) {
      yield findingOf("dependencies", result);
    } else if (code === "TOOL_FAILED" && environment.layers.some(({ locked }) => locked)) {
      context.skip(`rendering ${environment.name}, which fails without the secrets`);
    } else if (!TOLD.has(code) && !environment.layers.some(({ path }) => path === result.place?.file)) {
      yield findingOf("render", result, { environment: environment.name });
    }
  }
};
