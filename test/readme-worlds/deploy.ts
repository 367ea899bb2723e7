import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { throwawayRepository } from "@git-vault/testkit";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../sources.ts";
import type { World } from "./world.ts";

const vectors = join(ROOT, "packages/git-crypt/test/vectors");

/** A key file, and a locked clone with a chart and the layers of two environments. */
export default async function makeWorld(folder: string): Promise<World> {
  copyFileSync(join(vectors, "default.key"), join(folder, "key"));
  const key = parseKeyFile(readFileSync(join(folder, "key")));
  using source = await throwawayRepository();
  source.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
  source.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  source.write("app/values.yaml", 'replicas: 1\npassword: ""\n');
  source.write("app/templates/app.yaml", "# {{ .Values.replicas }} {{ .Values.password }}\n");
  source.write("config/staging.yaml", "replcias: 2\n");
  source.write("config/prod.yaml", "# more than staging\nreplicas: 3\n");
  for (const name of ["staging", "prod"])
    source.write(`secrets/config/${name}.yaml`, encryptBlob(key, Buffer.from(`password: of-${name}-4711\n`)));
  await source.commit("Begin");
  await source.git("clone", "--quiet", source.path, join(folder, "clone"));
  return {};
}
