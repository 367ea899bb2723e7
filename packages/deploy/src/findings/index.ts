/* What checks and looks at a cluster find, and how it is reported. */
export type { Finding, FindingPlace } from "./finding.ts";
export { blockInMarkdown, findingsInMarkdown, tableInMarkdown } from "./report.ts";
export { alsoAt, type CheckReport, scopeOf, summaryOf, worstFirst } from "./report.ts";
export { type Rule, RULES } from "./rules.ts";
export { toSarif } from "./sarif.ts";
