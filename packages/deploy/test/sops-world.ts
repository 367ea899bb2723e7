import { join } from "node:path";
import { peer, type Repository, runOk, temporaryFolder, throwawayRepository } from "@git-vault/testkit";
import { generateIdentity } from "@git-vault/sealing";
import { Project, type ProjectOptions } from "../src/index.ts";

/** An age key, and the environment in which sops and we find it. */
export interface SopsWorld extends AsyncDisposable {
  readonly repository: Repository;
  readonly identity: string;
  readonly recipient: string;
  /** Encrypts a text with the real sops, to the key unless the words say otherwise. */
  encrypt(path: string, text: string, ...words: readonly string[]): Promise<string>;
  /** What the real sops decrypts it to. */
  decrypt(path: string, text: string, env?: NodeJS.ProcessEnv): Promise<string>;
  open(options?: Partial<ProjectOptions>): Promise<Project>;
}

export const SOPS = peer("sops");

/** A repository with a chart, and an age key that is nowhere but in `$SOPS_AGE_KEY`. */
export async function sopsWorld(): Promise<SopsWorld> {
  const repository = await throwawayRepository();
  const folder = temporaryFolder();
  const { identity, recipient } = await generateIdentity();
  const env = { ...repository.env, XDG_CONFIG_HOME: folder.path, SOPS_AGE_KEY: identity };
  repository.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  const run = (words: readonly string[], path: string, input: string, its: NodeJS.ProcessEnv): Promise<Buffer> =>
    runOk(SOPS.path, [...words, "--filename-override", path], { env: its, input, cwd: folder.path });
  return {
    repository,
    identity,
    recipient,
    async encrypt(path, text, ...words) {
      const to = words.some((word) => /^--(?:age|pgp|hc-vault-transit)$|^--shamir/.test(word))
        ? []
        : ["--age", recipient];
      // What stands before the word `encrypt` is for sops as a whole.
      const at = words.indexOf("encrypt") + 1;
      const [before, after] = [
        at === 0 ? ["encrypt"] : words.slice(0, at),
        [...(at > 0 ? [] : to), ...words.slice(at)],
      ];
      return String(await run([...before, ...after], path, text, env));
    },
    async decrypt(path, text, its = env) {
      return String(await run(["decrypt"], path, text, its));
    },
    open: (options = {}) => Project.open({ root: join(repository.path), key: null, env, ...options }),
    async [Symbol.asyncDispose]() {
      folder.remove();
      repository.remove();
    },
  };
}
