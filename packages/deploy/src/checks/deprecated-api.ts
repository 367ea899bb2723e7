import type { Check } from "./check.ts";
import { listAt, textAt, type ValueMap } from "../values/value.ts";
import { APIS, minorOf } from "../helm/api-versions.ts";
import { foundIn, rendered } from "./reading.ts";

/**
 * Tells of objects in an API that the Kubernetes of their environment does not have any more, or
 * that is about to go. Where its version is not known, what any version removed is gone.
 */
export const deprecatedApi: Check = async function* deprecatedApiCheck(context) {
  for await (const [release, manifests] of rendered(context)) {
    const { kubeVersion } = release.environment;
    for (const manifest of manifests) {
      for (const object of objectsIn(manifest.object)) {
        const [version, kind] = [textAt(object, "apiVersion"), textAt(object, "kind")];
        const api = APIS.find((one) => one.removed !== null && one.api === version && one.kinds.includes(kind));
        if (api === undefined || api.removed === null) continue;
        const { removed, instead } = api;
        const isDeprecated = removed === Infinity;
        const isGone = !isDeprecated && (kubeVersion === null || minorOf(kubeVersion) >= removed);
        const what = isDeprecated ? "is deprecated" : `${isGone ? "was" : "is"} removed in Kubernetes 1.${removed}`;
        const message = `${version} ${kind} ${what}`;
        const isCompared = kubeVersion !== null && !isDeprecated;
        const told = foundIn(
          context.project,
          release,
          manifest,
          "deprecated-api",
          isGone ? "error" : "warning",
          isCompared ? `${message}, and ${release.environment.name} runs ${kubeVersion}` : message,
          instead === null ? "there is nothing in its place" : `use ${instead}`,
        );
        yield isCompared ? { ...told, messageOfSeveral: `${message}, and they run ${kubeVersion}` } : told;
      }
    }
  }
};

const objectsIn = (object: ValueMap): unknown[] =>
  object["kind"] === "List" ? [object, ...listAt(object, "items")] : [object];
