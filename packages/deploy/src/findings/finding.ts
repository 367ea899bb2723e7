import type { Finding as CoreFinding, Severity } from "@git-vault/core";
import type { Remedy } from "../errors.ts";

/** What a check, or a look at a cluster, reports. An `error` must not be deployed. */
export interface Finding extends CoreFinding {
  /** The environment's name, where it is about one. */
  readonly environment?: string | undefined;
  /** Their names, where it is about several at once. */
  readonly environments?: readonly string[] | undefined;
  /** The release's name, where it is about one of several. */
  readonly release?: string | undefined;
  /** What can be done about it; the hint says it in general words. */
  readonly remedy?: Remedy | undefined;
  /** What that is done with, such as a node's name. */
  readonly subject?: string | undefined;
  /** Where it stands, if that is at several places: the first is the finding's own, too. */
  readonly places?: readonly FindingPlace[] | undefined;
  /**
   * What is said of several environments at once, by which the finding is the same in all of them,
   * wherever it stands. Without it, what stands elsewhere is another finding.
   */
  readonly messageOfSeveral?: string | undefined;
}

/** Where a finding of several environments stands in one of them. */
export interface FindingPlace {
  readonly file: string;
  /** Begins with 1, as the column does. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly environment?: string | undefined;
}

/** What a finding may tell beside its id, severity and message. */
export type FindingDetails = Omit<Finding, "id" | "severity" | "message">;

/** A finding with the details that are there. */
export const finding = (id: string, severity: Severity, message: string, details: FindingDetails = {}): Finding => ({
  id,
  severity,
  message,
  ...details,
});
