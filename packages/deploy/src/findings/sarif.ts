import { createHash } from "node:crypto";
import { RULES, type Rule } from "./rules.ts";
import type { Finding, FindingPlace } from "./finding.ts";
import { type CheckReport, scopeOf, sentencesOf } from "./report.ts";
import { environmentsOf } from "./same-findings.ts";

/**
 * The report in SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format), which code hosts
 * show beside the code. Paths are relative to the top folder of the repository.
 *
 * @param version of the program that is shown as the tool
 * @param pages what code hosts show as the help on a rule, in Markdown, by the rule's id
 */
export function toSarif(
  { commit, environments, findings, skipped }: CheckReport,
  version: string,
  pages: Readonly<Record<string, string>> = {},
): object {
  const ids = [...new Set([...Object.keys(RULES), ...findings.map(({ id }) => id)])];
  const indexes = new Map(ids.map((id, at) => [id, at]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "git-vault",
            version,
            rules: ids.map((id) => ruleOf(id, pages)),
          },
        },
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: skipped.map((text) => ({
              level: "note",
              message: { text: `skipped: ${text}` },
            })),
          },
        ],
        properties: { commit, environments },
        results: findings.map((finding) => resultOf(finding, indexes.get(finding.id) ?? -1)),
      },
    ],
  };
}

const ruleOf = (id: string, pages: Readonly<Record<string, string>>): object => {
  const rule: Rule | undefined = new Map<string, Rule>(Object.entries(RULES)).get(id);
  if (rule === undefined) return { id };
  return {
    id,
    shortDescription: { text: rule.title },
    help: helpOf(id, pages),
    defaultConfiguration: { level: rule.severity },
  };
};

/** Code hosts show the Markdown, and programs that know none the text. */
function helpOf(id: string, pages: Readonly<Record<string, string>>): object {
  const page = Object.hasOwn(pages, id) ? pages[id] : undefined;
  if (page === undefined) return { text: `See the section ${id} of git-vault's docs/checks.md.` };
  // Links lead to other sections, which are not there.
  const markdown = page.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1");
  return { text: markdown, markdown };
}

function resultOf(finding: Finding, ruleIndex: number): object {
  const { id, severity, file, line, column, release, places = [] } = finding;
  const environments = environmentsOf(finding);
  const [said, ...rest] = sentencesOf(finding);
  return {
    ruleId: id,
    ruleIndex,
    level: severity,
    message: { text: [said + listOf(environments), ...rest].join("\n") },
    ...(file === undefined ? {} : { locations: [locationOf({ file, line, column })] }),
    ...(places.length < 2 ? {} : { relatedLocations: places.slice(1).map(locationOf) }),
    // Without the line: what is known stays known where the file grows above it.
    partialFingerprints: { "gitVaultFinding/v1": fingerprintOf(finding) },
    ...(scopeOf(finding) === undefined ? {} : { properties: { environments, release } }),
  };
}

function locationOf({ file, line, column }: FindingPlace): object {
  const region =
    line === undefined ? {} : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } };
  return { physicalLocation: { artifactLocation: { uri: uriOf(file), uriBaseId: "%SRCROOT%" }, ...region } };
}

/** Code hosts show no more of a finding than its message. */
const listOf = (environments: readonly string[]): string =>
  environments.length < 2 ? "" : ` (in ${environments.join(", ")})`;

const uriOf = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

/** Without the environments: where one more has it, it is the same finding. */
const fingerprintOf = ({ id, file = "", message, release = "" }: Finding): string =>
  createHash("sha256")
    .update(JSON.stringify([id, file, release, message]))
    .digest("hex")
    .slice(0, 32);
