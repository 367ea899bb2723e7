import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deployWorld, makeSshKey, runOk, type DeployWorld } from "@git-vault/testkit";
import { VAULT } from "./program.ts";

/** A clone in which there is a name of each kind to be completed. */
export interface CompletionWorld extends AsyncDisposable {
  readonly world: DeployWorld;
  readonly folder: string;
  /** Its PATH has a `git-vault` that completes, and shows its words for anything else. */
  readonly env: Record<string, string>;
}

/** What the last word of a command shows. */
const SHOWS = `#!/bin/sh
if [ "$1" = complete ]; then exec "${VAULT}" "$@"; fi
printf got; printf ' <%s>' "$@"; echo
`;

/** Makes the clone: unlocked, with a members log, and with a recipient who was seen. */
export async function completionWorld(): Promise<CompletionWorld> {
  const world = await deployWorld();
  const { repository, kubernetes } = world;
  const home = repository.env["HOME"] ?? "";
  const bin = join(repository.folder, "bin");
  mkdirSync(join(home, ".ssh"));
  mkdirSync(bin);
  for (const name of ["vault", "git-vault"]) writeFileSync(join(bin, name), SHOWS, { mode: 0o755 });
  await makeSshKey({ type: "ed25519", folder: join(home, ".ssh") });
  const settings = JSON.parse(world.settings(kubernetes.identity)) as {
    environments: Record<string, object>;
  };
  const { prod } = settings.environments;
  const releases = { "cert-manager": { chart: "app", environments: ["prod"] } };
  repository.write(
    "deploy.yaml",
    JSON.stringify({
      ...settings,
      releases,
      environments: { staging: { layers: [] }, prod: { ...prod, release: "hub" } },
    }),
  );
  repository.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
  await repository.commit("two environments");
  const vault = { cwd: repository.path, env: { ...repository.env, GIT_CRYPT_KEY: world.key } };
  await runOk(VAULT, ["unlock"], vault);
  await runOk(VAULT, ["init", "--yes", "--key-name", "ops", "ops/**"], vault);
  const known = join(home, ".config/git-vault");
  mkdirSync(known, { recursive: true });
  writeFileSync(
    join(known, "known-recipients"),
    "https://api.github.com/users/choldgraf/keys SHA256:a\nhttps://gitlab.com/alice.keys SHA256:b\nhttps://host/$(id).keys SHA256:c\n",
  );
  repository.write("my secret.age", "");
  repository.write("nest/file", "");
  repository.write("nest.txt", "");
  const env = {
    ...repository.env,
    PATH: `${bin}:${process.env["PATH"]}`,
    TERM: "xterm",
    // What a busy machine takes longer for is to be seen all the same.
    GIT_VAULT_COMPLETION_MS: "60000",
  };
  return { world, folder: repository.path, env, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}
