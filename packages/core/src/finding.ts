/** How bad a finding is: an `error` must be mended first, a `note` is worth knowing. */
export type Severity = "error" | "warning" | "note";

/** What a check found. It never holds a secret. */
export interface Finding {
  /** Which check, or which problem: lower-case words joined by `-`, stable across versions. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence, lower case, without a full stop. */
  readonly message: string;
  /** From the top folder of the repository, as `printable` gives it. */
  readonly file?: string | undefined;
  /** Begins with 1, as does the column. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
}
