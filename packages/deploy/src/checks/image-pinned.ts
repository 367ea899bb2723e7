import type { Environment } from "../project/environment.ts";
import type { Check } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Manifest } from "../helm/manifests.ts";
import { formatPath, listAt, textAt } from "../values/value.ts";
import { podSpecsOf } from "../cluster/kubernetes-object.ts";
import { found, foundIn, merged, titleOfManifest, placeOf, rendered } from "./reading.ts";

/** Tags that are put on other images from time to time. */
const MOVING = /^(?:latest|stable|edge|nightly|canary|dev|devel|develop|main|master|head|snapshot|current|rolling)$/i;
const HINT = "name a version that is never published again, or better the digest: image@sha256:…";

/**
 * Tells of container images without a version, in rendered pods and in values for pods that are
 * made later; and of environments in production that run different versions of the same image.
 */
export const imagePinned: Check = async function* imagePinnedCheck(context) {
  const { project } = context;
  const inProduction = new Map<string, { readonly environment: Environment; readonly image: string }>();
  for await (const [release, manifests] of rendered(context)) {
    const { environment } = release;
    for (const { manifest, container, image } of imagesIn(manifests)) {
      const trouble = troubleWith(image);
      const at = `the container ${container} of ${titleOfManifest(manifest)}`;
      if (trouble !== null)
        yield foundIn(project, release, manifest, "image-pinned", trouble.severity, `${at} ${trouble.message}`, HINT);
      if (trouble !== null || environment.tier !== "prod") continue;
      const key = `${release.key}\n${manifest.source}\n${at}`;
      const first = inProduction.get(key);
      if (first === undefined) inProduction.set(key, { environment, image });
      else if (first.image !== image && withoutVersion(first.image) === withoutVersion(image))
        yield foundIn(
          project,
          release,
          manifest,
          "drift",
          "warning",
          `${at} has another version in ${environment.name} than in ${first.environment.name}`,
          "set the version in one layer that they share",
        );
    }
  }
  for await (const [release, values] of merged(context)) {
    for (const { path, settings, state } of values.nodes()) {
      const setting = settings.at(-1);
      if (
        state !== "set" ||
        path.at(-1) !== "tag" ||
        setting === undefined ||
        setting.layer.isSecret(setting.entry.value)
      )
        continue;
      const { value } = setting.entry;
      if (value.kind === "scalar" && MOVING.test(String(value.value)))
        yield found("image-pinned", "warning", `${formatPath(path)} is a tag that moves`, {
          ...placeOf(setting, release),
          hint: HINT,
        });
    }
  }
};

function* imagesIn(
  manifests: readonly Manifest[],
): Generator<{ manifest: Manifest; container: string; image: string }> {
  for (const manifest of manifests)
    for (const pod of podSpecsOf(manifest.object))
      for (const kind of ["initContainers", "containers", "ephemeralContainers"])
        for (const container of listAt(pod, kind))
          // What other controllers make of a pod is theirs to complete.
          if (textAt(container, "image") !== "" || isOfKubernetes(manifest))
            yield {
              manifest,
              container: textAt(container, "name") || "without a name",
              image: textAt(container, "image"),
            };
}

const isOfKubernetes = ({ apiVersion }: Manifest): boolean => /^(?:v1$|apps\/|batch\/|extensions\/)/.test(apiVersion);

/** An image's name without its tag and digest. */
const withoutVersion = (image: string): string => image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");

function troubleWith(image: string): Pick<Finding, "severity" | "message"> | null {
  if (image === "") return { severity: "error", message: "names no image" };
  if (image.includes("@")) {
    return /@sha256:[\da-f]{64}$/.test(image)
      ? null
      : { severity: "error", message: "names its image by a digest that is none" };
  }
  const tag = /:([^/:]*)$/.exec(image)?.[1];
  if (tag === undefined)
    return { severity: "warning", message: "names its image without a version: the latest is taken" };
  if (tag === "") return { severity: "error", message: "names its image with an empty version" };
  return MOVING.test(tag) ? { severity: "warning", message: "names its image by a tag that moves" } : null;
}
