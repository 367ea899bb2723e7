import { encodeKeyFile, encryptBlob, generateKeyFile, type KeyFile } from "@git-vault/git-crypt";
import { type Repository, throwawayRepository } from "@git-vault/testkit";
import { Project, type ProjectOptions } from "../src/index.ts";

/** A repository to deploy from. */
export interface World extends AsyncDisposable {
  readonly repository: Repository;
  readonly key: KeyFile;
  /** Opens its project, with its key unless told otherwise. */
  open(options?: Partial<ProjectOptions>): Promise<Project>;
}

/** The least that is a chart. */
export const CHART = "apiVersion: v2\nname: mybinder\nversion: 1.0.0\n";

/** Commits `files`, those in `secrets/` encrypted, beside a chart that does nothing. */
export async function world(files: Readonly<Record<string, string | Buffer>>): Promise<World> {
  const repository = await throwawayRepository();
  const key = generateKeyFile();
  for (const [path, content] of Object.entries({ "mybinder/Chart.yaml": CHART, ...files })) {
    const bytes = Buffer.from(content);
    repository.write(path, path.startsWith("secrets/") ? encryptBlob(key, bytes) : bytes);
  }
  await repository.commit("all");
  const bytes = encodeKeyFile(key);
  return {
    repository,
    key,
    open: (options = {}) => Project.open({ root: repository.path, key: { bytes }, env: repository.env, ...options }),
    [Symbol.asyncDispose]: async () => repository.remove(),
  };
}

/** The error that `job` fails with. */
export async function errorOf(job: () => unknown): Promise<Error & { code?: string; hint?: string }> {
  try {
    await job();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("expected it to fail");
}
