import { type Rule, RULES } from "@git-vault/deploy/findings";
import { columns, paragraph } from "./help.ts";

/** The sections of docs/checks.md; the bundler puts them in. */
declare const CHECK_PAGES: Readonly<Record<string, string>>;

/** What docs/checks.md tells of each check, in Markdown, by its id. */
export const checkPages: Readonly<Record<string, string>> = CHECK_PAGES;

/** What `vault help checks` or `vault help CHECK` shows; undefined for anything else. */
export function helpOnChecks(name: string, width: number): string | undefined {
  if (name === "checks") return listOfChecks(width);
  const rule = new Map<string, Rule>(Object.entries(RULES)).get(name);
  const page = Object.hasOwn(checkPages, name) ? checkPages[name] : undefined;
  if (rule === undefined || page === undefined) return undefined;
  return [
    `${name}: ${rule.title}`,
    plain(page, width),
    paragraph("To accept a finding, silence it in deploy.yaml: where it is, and why.", width),
    `  silence:\n    - { check: ${name}, environment: …, file: …, reason: … }`,
  ].join("\n\n");
}

const listOfChecks = (width: number): string =>
  [
    "What `vault deploy check` looks for, and the worst that a finding of it is:",
    columns(
      Object.entries(RULES).map(([id, { severity, title }]) => [id, `${severity}: ${title}`] as const),
      width,
    ),
    "`vault help` and the id of a check tells more of it.",
  ].join("\n\n");

/** A section of Markdown for a terminal: links and emphasis become plain words. */
const plain = (page: string, width: number): string =>
  page
    .split(/\n{2,}/)
    .map((block) =>
      paragraph(
        block
          .replaceAll(/\s+/g, " ")
          .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1")
          .replace(/^_([^_]+)_/, "$1"),
        width,
      ),
    )
    .join("\n\n");
