/** What a variable of the environment changes for the tests. */
export interface Switch {
  readonly meaning: string;
  /** What holds where it is not set. */
  readonly otherwise: string;
}

export type SwitchName =
  | "GIT_VAULT_PEERS"
  | "GIT_VAULT_PEERS_REQUIRED"
  | "GIT_VAULT_LONG_TESTS"
  | "GIT_VAULT_SEED"
  | "GIT_VAULT_CLUSTER"
  | "GIT_VAULT_CLUSTER_NAMESPACE";

/** Every variable by which tests are told something. */
export const SWITCHES: Readonly<Record<SwitchName, Switch>> = {
  GIT_VAULT_PEERS: {
    meaning: "folders, as in PATH, where the programs that tests run against are looked for first",
    otherwise: "they are looked for in PATH alone",
  },
  GIT_VAULT_PEERS_REQUIRED: {
    meaning: "1 fails a test whose program is not installed",
    otherwise: "the test is skipped",
  },
  GIT_VAULT_LONG_TESTS: {
    meaning: "1 runs all cases of what is long: more random cases, kills and Helms, and the largest files",
    otherwise: "a small fixed number of them",
  },
  GIT_VAULT_SEED: {
    meaning: "an integer from which random cases are made",
    otherwise: "each test has a seed of its own, which does not change",
  },
  GIT_VAULT_CLUSTER: {
    meaning: "a kubeconfig file: deploys to that real cluster, too",
    otherwise: "those tests are skipped",
  },
  GIT_VAULT_CLUSTER_NAMESPACE: {
    meaning: "the namespace in that cluster, which exists",
    otherwise: "default",
  },
};

/** The value of a switch; undefined where it is not set, or empty. */
export const switchValue = (name: SwitchName): string | undefined => process.env[name] || undefined;

/** Whether all cases of what is long are to run. */
export const isLong = (): boolean => switchValue("GIT_VAULT_LONG_TESTS") === "1";

/** How many cases to run: `few`, or `all` where the long tests are asked for. */
export const cases = (few: number, all: number): number => (isLong() ? all : few);

/**
 * What to try something with that hardly depends on it: the usual one, or the others, too, where
 * the long tests are asked for.
 */
export const variants = <T>(usual: T, ...others: readonly T[]): T[] => (isLong() ? [usual, ...others] : [usual]);

/** What to make random cases from: `usual` where no other seed is asked for. */
export const seed = (usual: number): number => Number(switchValue("GIT_VAULT_SEED") ?? usual);
