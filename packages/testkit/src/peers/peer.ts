import { execFileSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { switchValue } from "../switches.ts";

/** A program of somebody else's that tests run for real. */
export interface Peer {
  /** Its absolute path; the bare name where it is missing. */
  readonly path: string;
  /** Whether it is not installed here: pass it to `describe.skipIf`. */
  readonly missing: boolean;
  /** For the test's title: the name, and that it is missing where it is. */
  readonly label: string;
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/**
 * Looks for the program `name` in the folders of `$GIT_VAULT_PEERS`, then in those of `$PATH`.
 *
 * Where `$GIT_VAULT_PEERS_REQUIRED` is `1`, as in CI, a missing program throws instead of being
 * reported as missing, so that no test can be skipped unseen. Pass `in: "path"` to pass over
 * `$GIT_VAULT_PEERS`: the distribution's `age` beside the newest one.
 */
export function peer(name: string, options: { readonly in?: "path" } = {}): Peer {
  const extra = options.in === "path" ? "" : (switchValue("GIT_VAULT_PEERS") ?? "");
  const folders = [extra, process.env["PATH"] ?? ""].join(delimiter).split(delimiter).filter(Boolean);
  const path = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (path !== undefined) return { path, missing: false, label: name };
  if (switchValue("GIT_VAULT_PEERS_REQUIRED") === "1")
    throw new Error(`the peer ${name} is not installed and CI requires it`);
  return { path: name, missing: true, label: `${name} (skipped: ${name} is not installed)` };
}

/**
 * Looks, as {@link peer} does, for an age program that knows hybrid keys: those came with age
 * 1.3. An older one counts as missing.
 */
export function hybridPeer(name: "age" | "age-keygen"): Peer {
  const program = peer(name);
  if (program.missing || !/^v?1\.[0-2]\./.test(execFileSync(program.path, ["--version"], { encoding: "utf8" }))) {
    return program;
  }
  if (switchValue("GIT_VAULT_PEERS_REQUIRED") === "1") {
    throw new Error(`the peer ${name} is older than 1.3 and CI requires that`);
  }
  return { ...program, missing: true, label: `${name} (skipped: ${name} is older than 1.3)` };
}
