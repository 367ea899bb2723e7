/*
 * The names that completions offer. No forge is asked, and nothing runs that a kubeconfig names.
 */
import { openRepository } from "@git-vault/git-crypt";

type Finder = (environment: string | undefined, ms: number) => Promise<readonly string[]>;

const FINDERS: Readonly<Record<string, Finder>> = {
  "key-name": async () => openRepository(process.cwd()).keyNames(),
  async recipient() {
    const { defaultPinFile, Pins } = await import("@git-vault/sharing");
    return new Pins(defaultPinFile()).names();
  },
  async member() {
    const { nameOfMember, openMembers } = await import("@git-vault/sharing/members");
    const { branch } = await openMembers(openRepository(process.cwd()));
    return branch.members.map(nameOfMember);
  },
  async environment() {
    const { outlineOf } = await import("@git-vault/deploy");
    return (await outlineOf(process.cwd())).map(({ name }) => name);
  },
  async release(environment) {
    const { outlineOf } = await import("@git-vault/deploy");
    const all = await outlineOf(process.cwd());
    return all
      .filter(({ name }) => environment === undefined || name === environment)
      .flatMap(({ releases }) => releases);
  },
  async node(environment = "", ms) {
    const { listNodeNames } = await import("@git-vault/deploy/nodes");
    // Some of the time is left for closing the connection.
    return listNodeNames({ root: process.cwd(), environment, signal: AbortSignal.timeout(Math.floor(ms * 0.6)) });
  },
};

/**
 * The names of a kind that are known here.
 *
 * @param ms how long there is for it
 * @throws whatever goes wrong
 */
export const knownNames = (kind: string, ms: number, environment?: string): Promise<readonly string[]> =>
  (FINDERS[kind] ?? (async () => []))(environment, ms);
