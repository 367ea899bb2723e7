import type { Finding } from "../findings/finding.ts";
import type { Environment, Release } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import type { OnSkip } from "./skips.ts";

/** What a check is given. */
export interface CheckContext {
  readonly project: Project;
  /** The environments that are checked: all of the project's, or those that were asked for. */
  readonly environments: readonly Environment[];
  /** Every release of those environments, in the order in which they are deployed. */
  readonly releases: readonly Release[];
  /** Whether all commits are searched, and not the project's alone. */
  readonly history: boolean;
  /** Whether repositories that the commit names may be asked over the network. */
  readonly online: boolean;
  /** What certificates and tokens are measured by. */
  readonly now: Date;
  /** Stops what takes long. */
  readonly signal: AbortSignal;
  /**
   * Tells that a part of the check could not run, and why: without the key, or without Helm. What
   * is told of several things in one sentence has parts.
   */
  readonly skip: OnSkip;
  /**
   * The same of one release: `reason` makes a sentence of its name, or of the names of all that it
   * is told of.
   */
  readonly skipRelease: (release: Release, reason: (of: string) => string) => void;
}

/** A check: reads, and tells what it finds. Users add their own. */
export type Check = (context: CheckContext) => AsyncIterable<Finding>;
