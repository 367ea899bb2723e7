// The list of all that is in a release (CycloneDX): what pnpm tells of the lockfile, without what
// only builds and tests.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FOLDERS, manifestOf, NODE, REPOSITORY, root, run, sourceDate, VERSION } from "./common.mjs";

const purlOf = ({ name, version }) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

/** An object to be written as JSON. The command was built before. */
export function sbom() {
  const bundled = JSON.parse(readFileSync(join(root, "apps/vault/standalone/bundled.json"), "utf8"));
  const libraries = FOLDERS.filter((folder) => folder.startsWith("packages/")).map((folder) => manifestOf(folder).name);
  const filters = libraries.flatMap((name) => ["--filter", name]);
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-spec-version", "1.6"];
  const installed = JSON.parse(run("pnpm", [...filters, ...args, "--prod"])).components;
  const all = JSON.parse(run("pnpm", args)).components;
  const wanted = new Set([...installed.map(({ purl }) => purl), ...bundled.map(purlOf)]);
  // pnpm lists them in an order that changes from run to run.
  const components = all
    .filter(({ purl }) => wanted.delete(purl))
    .toSorted((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1));
  if (wanted.size > 0) throw new Error(`pnpm does not list ${[...wanted].join(", ")}`);
  const own = purlOf({ name: "git-vault", version: VERSION });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(sourceDate() * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": own,
        name: "git-vault",
        version: VERSION,
        purl: own,
        licenses: [{ license: { id: "MIT" } }],
        externalReferences: [{ type: "vcs", url: REPOSITORY }],
      },
    },
    components: [
      ...components,
      ...[NODE.version, NODE.musl.version].map((version) => ({
        type: "platform",
        "bom-ref": `node@${version}`,
        name: "node",
        version,
        description: `in standalone programs${version === NODE.musl.version ? " for musl" : ""}`,
        purl: `pkg:generic/node@${version}`,
      })),
    ],
  };
}
