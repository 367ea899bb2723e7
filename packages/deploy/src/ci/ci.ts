import { randomUUID } from "node:crypto";
import { appendFileSync, statSync } from "node:fs";
import type { Severity } from "@git-vault/core";
import type { Finding } from "../findings/finding.ts";
import { scopeOf, sentencesOf } from "../findings/report.ts";

/**
 * What a job in CI says of itself, beside its log. Where there is no more than a log, nothing of it
 * is written.
 */
export interface Ci {
  /** `github` speaks workflow commands; `log` is a terminal or a plain CI log. */
  readonly kind: "github" | "log";
  /**
   * Keeps lines out of the log of this step and of the later ones, whichever program writes them.
   */
  mask(lines: Iterable<string>): void;
  /**
   * From here on, no line of the log is a workflow command, but for what this object writes: the
   * runner obeys none until it is told a word that nobody can guess. Call `listen` in the end.
   */
  deafen(): void;
  /** Ends what `deafen` began. */
  listen(): void;
  /** The text, in which nothing is a workflow command to any runner, and that reads the same. */
  inert(text: string): string;
  /** Shows findings beside the files that they are about. */
  annotate(findings: readonly Finding[]): void;
  /** Adds Markdown to the job's summary; what exceeds GitHub's limit is left out, and said. */
  summary(markdown: string): void;
  /** Sets an output of the step. GitHub drops one that holds a masked secret. */
  output(name: string, value: string): void;
}

/** Where the lines of a {@link Ci} go. */
export interface CiOptions {
  /** The environment variables; this process's own where left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Writes to the log: stdout or stderr, GitHub reads commands in both. */
  readonly write: (text: string) => void;
}

/**
 * The CI that this process runs in.
 *
 * It is taken for GitHub Actions only where the files that a runner makes for each step are there:
 * masks are secrets in the clear, until a runner has read them.
 */
export function detectCi({ env = process.env, write }: CiOptions): Ci {
  const { GITHUB_ACTIONS: actions, GITHUB_STEP_SUMMARY: summary = "", GITHUB_OUTPUT: output = "" } = env;
  if (actions !== "true" || sizeOf(summary) === null || sizeOf(output) === null) return LOG;
  return githubActions({ summary, output }, write);
}

/** What starts a job in GitHub Actions for a commit of the repository's own, once it is there. */
const OWN_EVENTS = new Set(["push", "schedule", "workflow_dispatch", "repository_dispatch", "release", "deployment"]);

/**
 * Whether this process runs in a job of CI that may be for a commit which nobody has taken in yet:
 * a pull request's, or whatever else somebody outside can start.
 *
 * @param env the environment variables, which the CI sets; this process's own where left out
 */
export function isOfPullRequest(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env["GITHUB_ACTIONS"] === "true") return !OWN_EVENTS.has(env["GITHUB_EVENT_NAME"] ?? "");
  return PULL_REQUESTS.some((name) => (env[name] ?? "") !== "" && env[name] !== "false");
}

/**
 * GitLab, Travis, Buildkite, Jenkins and its older plugin, Azure, CircleCI, Woodpecker, Bitbucket,
 * Drone, Cirrus, AppVeyor, Prow and Semaphore: each says it by one.
 */
const PULL_REQUESTS = [
  "CI_MERGE_REQUEST_IID",
  "CI_EXTERNAL_PULL_REQUEST_IID",
  "TRAVIS_PULL_REQUEST",
  "BUILDKITE_PULL_REQUEST",
  "CHANGE_ID",
  "SYSTEM_PULLREQUEST_PULLREQUESTID",
  "CIRCLE_PULL_REQUEST",
  "CI_COMMIT_PULL_REQUEST",
  "ghprbPullId",
  "BITBUCKET_PR_ID",
  "DRONE_PULL_REQUEST",
  "CIRRUS_PR",
  "APPVEYOR_PULL_REQUEST_NUMBER",
  "PULL_NUMBER",
  "SEMAPHORE_GIT_PR_NUMBER",
];

const LOG: Ci = {
  kind: "log",
  mask() {},
  deafen() {},
  listen() {},
  inert: (text) => text,
  annotate() {},
  summary() {},
  output() {},
};

function sizeOf(path: string): number | null {
  const file = path === "" ? undefined : statSync(path, { throwIfNoEntry: false });
  return file?.isFile() === true ? file.size : null;
}

/** GitHub shows no more annotations of one kind for a step, and drops the rest without a word. */
const MOST_ANNOTATIONS = 10;
/** In bytes: with more, GitHub drops the whole summary of the step. */
const LONGEST_SUMMARY = 1024 * 1024;
const SHORTENED = "\n\n_The rest is left out, since GitHub takes no more than 1 MiB: see the log._\n";
const COMMANDS: Readonly<Record<Severity, string>> = { error: "error", warning: "warning", note: "notice" };

function githubActions(files: { summary: string; output: string }, write: (text: string) => void): Ci {
  let word: string | null = null;
  const listen = (): void => {
    if (word !== null) write(`::${word}::\n`);
    word = null;
  };
  const deafen = (): void => {
    if (word !== null) return;
    // One that was used can be in the log.
    word = `stopped-${randomUUID()}`;
    write(`::stop-commands::${word}\n`);
  };
  /** Says something to the runner, and lets it hear nothing else. */
  const command = (say: () => void): void => {
    const wasDeaf = word !== null;
    listen();
    say();
    if (wasDeaf) deafen();
  };
  return {
    kind: "github",
    deafen,
    listen,
    inert: withoutCommands,
    mask(lines) {
      command(() => {
        for (const line of lines) write(`::add-mask::${escapeValue(line)}\n`);
      });
    },
    annotate(findings) {
      const left: Record<Severity, number> = {
        error: MOST_ANNOTATIONS,
        warning: MOST_ANNOTATIONS,
        note: MOST_ANNOTATIONS,
      };
      command(() => {
        for (const finding of findings) if (left[finding.severity]-- > 0) write(annotation(finding));
      });
    },
    summary(markdown) {
      const room = LONGEST_SUMMARY - (sizeOf(files.summary) ?? 0);
      appendFileSync(files.summary, shorten(`${markdown.trimEnd()}\n\n`, room));
    },
    output(name, value) {
      // Nobody can guess the line that ends the value.
      const end = `end-${randomUUID()}`;
      appendFileSync(files.output, `${name}<<${end}\n${value}\n${end}\n`);
    },
  };
}

/**
 * Lines that begin with `::`, after blanks too, are workflow commands; and so is `##[`, the older
 * form, wherever it stands. The runner reads standard output and standard error at the same time,
 * so that what it is told on one may come late for the other.
 */
const withoutCommands = (text: string): string =>
  text.replaceAll("##[", "#\u200b#[").replaceAll(/^([^\S\n]*):(?=:)/gm, "$1:\u200b");

/** A finding as a workflow command. */
function annotation(finding: Finding): string {
  const { severity, id, file, line, column } = finding;
  const scope = scopeOf(finding);
  const properties = Object.entries({
    file,
    line,
    col: column,
    title: scope === undefined ? id : `${id} (${scope})`,
  })
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`]))
    .join(",");
  return `::${COMMANDS[severity]} ${properties}::${escapeData(sentencesOf(finding).join("\n"))}\n`;
}

const escapeValue = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const escapeData = (text: string): string => escapeValue(withoutCommands(text));

const escapeProperty = (text: string): string => escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** The text in at most so many bytes: cut at the end of a line, and saying so. */
function shorten(text: string, room: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= room) return text;
  const length = room - SHORTENED.length;
  // From a negative place on, Node would search from the end.
  const end = length < 1 ? -1 : bytes.lastIndexOf(0x0a, length - 1);
  if (end > 0) return bytes.subarray(0, end).toString() + SHORTENED;
  return room >= SHORTENED.length ? SHORTENED : "";
}
