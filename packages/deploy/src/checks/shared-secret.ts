import type { Environment } from "../project/environment.ts";
import type { Check } from "./check.ts";
import type { Tier } from "../project/settings.ts";
import { found } from "./reading.ts";
import { type StoredSecret, secretsIn, whereKept } from "./secret-files.ts";
import { hiddenPart } from "../secrets/sensitive.ts";

const HINT = "give each its own: who has staging's must not have production's";

/** Reports secrets that staging and production share; without the key, equal ciphertexts. */
export const sharedSecret: Check = async function* sharedSecretCheck(context) {
  const { project } = context;
  const [tierOf, both] = tiersOf(project.environments);
  for (const path of both)
    if (project.file(path)?.secret === true)
      yield found("shared-secret", "error", "staging and production both have this file as their own", {
        file: path,
        hint: HINT,
      });
  const blobs = new Map<string, { tier: Tier; path: string }>();
  for (const [path, tier] of tierOf) {
    const file = project.file(path);
    if (file === undefined || !file.secret || file.bytes === 0) continue;
    const other = blobs.get(file.blobId);
    if (other === undefined) blobs.set(file.blobId, { tier, path });
    else if (other.tier !== tier)
      yield found("shared-secret", "error", `this file is the same as ${other.path}`, { file: path, hint: HINT });
  }
  // The whole of a file that is there twice is told once.
  const distinct = new Set([...blobs.values()].map(({ path }) => path));
  const first = new Map<string, { tier: Tier; secret: StoredSecret }>();
  for (const secret of secretsIn(context)) {
    const tier = tierOf.get(secret.file);
    const hidden = tier !== undefined && distinct.has(secret.file) ? hiddenPart(secret) : null;
    if (tier === undefined || hidden === null) continue;
    const other = first.get(hidden);
    if (other === undefined) first.set(hidden, { tier, secret });
    else if (other.tier !== tier) {
      const { position, file, path } = secret;
      const what = path.length === 0 ? "this line" : "this secret";
      yield found("shared-secret", "error", `${what} is the same as ${whereKept(other.secret)}`, {
        file,
        ...position,
        hint: HINT,
      });
    }
  }
};

/** The tier of each file used by environments of one tier, and the files that both use. */
function tiersOf(environments: readonly Environment[]): [one: Map<string, Tier>, both: Set<string>] {
  const tiers = new Map<string, Tier>();
  const both = new Set<string>();
  for (const { tier, releases, kubeconfig } of environments) {
    if (tier === "other") continue;
    const layers = releases.flatMap((release) => release.layers).filter(({ role }) => role === "environment");
    for (const path of [...layers.map((layer) => layer.path), ...(kubeconfig === null ? [] : [kubeconfig])]) {
      if ((tiers.get(path) ?? tier) !== tier) both.add(path);
      tiers.set(path, tier);
    }
  }
  for (const path of both) tiers.delete(path);
  return [tiers, both];
}
