import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { files, read, ROOT } from "./sources.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

const MANIFESTS = files(/^(?:packages|apps)\/[^/]+\/package\.json$/).map((path) => ({
  folder: path.replace("/package.json", ""),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pnpm has read the same file
  manifest: JSON.parse(read(path)) as Manifest,
}));
const PUBLISHED = MANIFESTS.filter(({ manifest }) => manifest.private !== true);
const isLibrary = (folder: string): boolean => folder.startsWith("packages/");

test("all packages have one version, that of the command", () => {
  expect(PUBLISHED.length).toBe(9);
  expect(new Set(PUBLISHED.map(({ manifest }) => manifest.version)).size).toBe(1);
});

test("npm does not pack a library, which would leave `workspace:` in it", async () => {
  const { status, stderr } = await run("npm", ["pack", "--dry-run"], { cwd: join(ROOT, "packages/core") });
  expect(status).not.toBe(0);
  expect(stderr).toContain("git-vault: error: npm cannot pack this package");
  expect(stderr).toContain("run `pnpm pack`");
});

describe.each(PUBLISHED)("$folder", ({ folder, manifest }) => {
  test("tells what it is, where it is from and on what it runs", () => {
    expect(manifest).toMatchObject({
      description: expect.stringMatching(/^[^.]{20,130}$/),
      keywords: expect.arrayContaining(["git-vault"]),
      homepage: expect.stringMatching(/^https:\/\/github\.com\/git-vault\/git-vault(?:\/tree\/main\/.+)?#readme$/),
      bugs: "https://github.com/git-vault/git-vault/issues",
      repository: { type: "git", url: "git+https://github.com/git-vault/git-vault.git", directory: folder },
      license: "MIT",
      engines: { node: ">=20.19.0" },
      publishConfig: { access: "public", provenance: true },
      type: "module",
      ...(isLibrary(folder) ? { scripts: { prepack: "node ../../scripts/release/only-pnpm.mjs" } } : {}),
    });
    expect(manifest).not.toHaveProperty("funding");
    // The build copies the command's from the root.
    expect(existsSync(join(ROOT, isLibrary(folder) ? folder : "", "README.md"))).toBe(true);
  });

  test("depends at run time on nothing that needs a newer Node, with no override of ours", () => {
    // What it would take is looked up by the rehearsal of a release; here, that none is overridden.
    const overrides = /^overrides:\n((?: {2}.+\n)+)/m.exec(
      readFileSync(join(ROOT, "pnpm-workspace.yaml"), "utf8"),
    )?.[1];
    const overridden = new Set([...(overrides ?? "").matchAll(/^ {2}"?([^":]+)"?: /gm)].map(([, name]) => name));
    expect(Object.keys(manifest.dependencies ?? {}).filter((name) => overridden.has(name))).toEqual(
      folder === "packages/core" ? ["@types/node"] : [],
    );
  });
});
