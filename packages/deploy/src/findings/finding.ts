import type { Environment } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import type { Release } from "../project/release.ts";

/** How bad a finding is: an `error` must not be deployed. */
export type Severity = "error" | "warning" | "note";

/** What a check reports. It never holds a secret. */
export interface Finding {
  /** The check's id: lower-case words joined by `-`. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence, lower case, without a full stop. */
  readonly message: string;
  /** From the top folder of the repository. */
  readonly file?: string | undefined;
  /** Begins with 1, as does the column. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** The environment's name, where it is about one. */
  readonly environment?: string | undefined;
  /** The release's name, where it is about one of several. */
  readonly release?: string | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

/** What a check is given. */
export interface CheckContext {
  readonly project: Project;
  /** The environments that are checked: all of the project's, or those that were asked for. */
  readonly environments: readonly Environment[];
  /** Every release of those environments, in the order in which they are deployed. */
  readonly releases: readonly Release[];
  /** Whether all commits are searched, and not the project's alone. */
  readonly history: boolean;
  /** What certificates and tokens are measured by. */
  readonly now: Date;
  /** Stops what takes long. */
  readonly signal: AbortSignal;
  /** Tells that a part of the check could not run, and why: without the key, or without Helm. */
  readonly skip: (reason: string) => void;
}

/** A check: reads, and tells what it finds. Users add their own. */
export type Check = (context: CheckContext) => AsyncIterable<Finding>;
