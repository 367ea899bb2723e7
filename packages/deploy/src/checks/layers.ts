import { posix } from "node:path";
import type { Environment } from "../project/environment.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Layer } from "../values/layer.ts";
import { attempt, DeployError } from "../errors.ts";
import { findingOfError, found, openLayers, ownerOf } from "./reading.ts";

/** Told by the check strict-yaml, with all of its places. */
const ODD: ReadonlySet<string> = new Set(["DUPLICATE_KEY", "SEVERAL_DOCUMENTS"]);

/** Reports layers that cannot be used: missing, empty, too large, no YAML, damaged, … */
export const layers: Check = async function* layersCheck(context) {
  for (const [layer, release] of openLayers(context)) {
    const error = attempt(() => layer.map());
    if (!(error instanceof DeployError) || ODD.has(error.code)) continue;
    yield findingOfError("layers", error, ownerOf(layer, release));
  }
  yield* strays(context);
};

/** Values files that belong to no environment: commented out, or misspelt. */
function* strays({ project }: CheckContext): Generator<Finding> {
  const used = new Set(
    project.environments.flatMap((one) => [...layersIn(one).map(({ path }) => path), one.kubeconfig]),
  );
  const folders = new Set(
    project.environments
      .flatMap(layersIn)
      .filter(({ role }) => role !== "defaults")
      .map(({ path }) => posix.dirname(path))
      .filter((folder) => folder !== "."),
  );
  for (const { path } of project.files())
    if (/\.ya?ml$/.test(path) && folders.has(posix.dirname(path)) && !used.has(path))
      yield found("layers", "warning", "this file lies beside the layers, and is none of any environment", {
        file: path,
        hint: "declare it as a layer, or move it elsewhere",
      });
}

const layersIn = ({ releases }: Environment): Layer[] => releases.flatMap(({ layers: own }) => own);
