import { systemCode } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { runProgram } from "../programs.ts";
import type { Answers, GitOutput } from "../answers.ts";

/** Where git runs. */
export interface GitPlace {
  /** The work tree's top folder; null where there is no work tree. */
  readonly topLevel: string | null;
  /** The repository's own folder, where git runs then. */
  readonly gitDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether git may go to the network. */
  readonly isOnline?: boolean | undefined;
  /** What git answered so far, where that is remembered. */
  readonly answers?: Answers | undefined;
}

/** The place of a repository, with the folder that its work trees share. */
export interface CommonPlace extends GitPlace {
  readonly commonDir: string;
}

const OUR_ENVIRONMENT = {
  // Messages are recognised, so they must be git's own.
  LC_ALL: "C",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  // What is stored, and pushed, counts: not what this clone takes in its place.
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_GRAFT_FILE: "",
};

/** What a user may have set, and what changes the output that is read, or what it is about. */
const OUR_SETTINGS = [
  "core.fsmonitor=false",
  "log.follow=false",
  "log.showSignature=false",
  "log.mailmap=false",
  "log.diffMerges=separate",
  "i18n.logOutputEncoding=UTF-8",
].flatMap((setting) => ["-c", setting]);

/** git hands these on to the hook that it runs: they change what a path of ours means. */
const PATHSPECS = ["GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"];
const OUR_PATHSPECS = Object.fromEntries(PATHSPECS.map((name) => [name, undefined]));

/**
 * A partial clone must not go to the network for what it lacks: newer gits know the first, all know
 * the second.
 */
const OFFLINE = { GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };

/** Commands of git that change nothing: their answers are remembered. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "cat-file",
  "check-attr",
  "check-ignore",
  "diff-index",
  "diff-tree",
  "for-each-ref",
  "grep",
  "log",
  "ls-files",
  "ls-tree",
  "merge-base",
  "rev-list",
  "rev-parse",
  "symbolic-ref",
]);

function isQuestion(command: string, args: readonly string[]): boolean {
  if (command === "config") return args.some((word) => /^--(?:get|get-regexp|list)$/.test(word));
  return QUESTIONS.has(command) || (command === "hash-object" && !args.includes("-w"));
}

/** The command among git's arguments, of which settings and options may come first. */
const commandIn = (args: readonly string[]): string =>
  args.find((word, at) => !word.startsWith("-") && args[at - 1] !== "-c") ?? "";

/** Longer answers, in bytes, are not kept: contents of files are asked for in turn. */
const mostKept = (command: string): number => (command === "cat-file" ? 64 * 1024 : 32 * 1024 * 1024);

/**
 * Runs git at the top of a repository without a shell or a terminal, without a network but where
 * the place is online, and takes no program's name from the repository's configuration, nor what
 * would change what it prints. It may fail. It is stopped once it has printed `enough` bytes.
 * Where answers are remembered, a question is asked once.
 *
 * @throws GitCryptError GIT_MISSING where there is no git, GIT_FAILED where it could not be run to
 * its end.
 */
export function tryGit(place: GitPlace, args: readonly string[], input?: Uint8Array, enough?: number): GitOutput {
  const command = commandIn(args);
  // A git that may go to the network fetches what is missing.
  if (place.isOnline === true || !isQuestion(command, args)) {
    place.answers?.forget();
    return startGit(place, args, { input, enough });
  }
  const ask = (): GitOutput => startGit(place, args, { input, enough, changesNothing: true });
  const known = place.answers?.of(place.env);
  if (known === undefined) return ask();
  const words = [place.topLevel, place.gitDir, enough, ...args];
  const question = `${JSON.stringify(words)}${Buffer.from(input ?? []).toString("latin1")}`;
  const answer = known.get(question) ?? ask();
  if (answer.stdout.length > mostKept(command)) return answer;
  known.set(question, answer);
  // Anyone who has read a secret may overwrite it.
  return { ...answer, stdout: Buffer.from(answer.stdout) };
}

function startGit(
  { topLevel, gitDir, env, isOnline = false }: GitPlace,
  args: readonly string[],
  {
    input,
    enough = Infinity,
    changesNothing,
  }: { readonly input?: Uint8Array | undefined; readonly enough?: number | undefined; readonly changesNothing?: true },
): GitOutput {
  const { error, status, stdout, stderr } = runProgram("git", [...OUR_SETTINGS, ...args], {
    cwd: topLevel ?? gitDir,
    env: { ...env, ...OUR_PATHSPECS, ...OUR_ENVIRONMENT, ...(isOnline ? {} : OFFLINE) },
    // A helper that answers for the remote, such as gh, may have no other credential.
    tokens: isOnline,
    changesNothing,
    input,
    maxBuffer: enough,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  // A git that ends before it has read its input may close the pipe on us: what it said tells more
  // than that.
  const code = systemCode(error);
  if (error === undefined || code === "ENOBUFS" || code === "EPIPE") {
    // A git that wrote more than is enough may have ended well before it could be stopped.
    return { status: code === "ENOBUFS" ? null : status, stdout, stderr: stderr.toString() };
  }
  if (code === "ENOENT") {
    throw new GitCryptError("GIT_MISSING", "git is not installed, or not on PATH", {
      hint: "install git",
      cause: error,
    });
  }
  throw new GitCryptError("GIT_FAILED", "git did not run to its end", { cause: error });
}

/** What git said when it failed, in one line that is safe to print. */
export function reasonOf({ stderr }: { readonly stderr: string }): string {
  const said = /^(?:fatal|error): (.*)$/m.exec(stderr)?.[1] ?? "it did not say why";
  return said.replaceAll(/\p{Cc}/gu, " ");
}

/**
 * Runs git as {@link tryGit} does and gives what it prints.
 *
 * @throws GitCryptError GIT_MISSING; GIT_FAILED with git's reason where it ends otherwise than with
 * 0.
 */
export function runGit(place: GitPlace, args: readonly string[], input?: Uint8Array): Buffer {
  const output = tryGit(place, args, input);
  if (output.status === 0) return output.stdout;
  throw gitFailed(args, output);
}

/** The error of a git command that ended otherwise than with 0. */
export function gitFailed(args: readonly string[], output: GitOutput): GitCryptError {
  const isFull = /No space left on device|Out of diskspace/.test(output.stderr);
  return new GitCryptError("GIT_FAILED", `git ${commandIn(args)} failed: ${reasonOf(output)}`, {
    hint: isFull ? "free some space on the disk, then run the command again" : undefined,
  });
}

/** Whether git ends a command with 0. */
export const gitSucceeds = (place: GitPlace, ...args: readonly string[]): boolean => tryGit(place, args).status === 0;

/** A setting as git writes its name, and its value: null where only the name is written. */
export type GitSetting = readonly [name: string, value: string | null];

/** The settings that `git config -z` gives for these words, in order; none where it fails. */
export function settingsBy(place: GitPlace, ...words: readonly string[]): GitSetting[] {
  const { status, stdout } = tryGit(place, ["config", ...words]);
  if (status !== 0) return [];
  return stdout
    .toString()
    .split("\0")
    .slice(0, -1)
    .map((record) => {
      const end = record.indexOf("\n");
      return end < 0 ? [record, null] : [record.slice(0, end), record.slice(end + 1)];
    });
}

/** All settings of git's that hold here. */
const settingsOf = (place: GitPlace): GitSetting[] => settingsBy(place, "-z", "--list");

const lastSetting = (place: GitPlace, name: string): GitSetting | undefined => lastOf(settingsOf(place), name);

/** The setting of a name that holds: the last one. */
function lastOf(settings: readonly GitSetting[], name: string): GitSetting | undefined {
  // Section and variable in small letters, as git writes them; what lies between is as it is.
  const wanted = name.replace(/^[^.]+|[^.]+$/g, (part) => part.toLowerCase());
  return settings.findLast(([known]) => known === wanted);
}

/**
 * A setting of git's, here or in the user's own; undefined where it is not set, or is empty.
 *
 * @throws GitCryptError GIT_MISSING, GIT_FAILED.
 */
export const gitSetting = (place: GitPlace, name: string): string | undefined =>
  lastSetting(place, name)?.[1] || undefined;

/** A setting as git reads it: a truth, `true` or `false`, or a path, of which `~` is the home. */
export function typedSetting(place: GitPlace, name: string, type: "bool" | "path"): string | undefined {
  const found = lastSetting(place, name);
  if (found === undefined) return undefined;
  // Most are written so that git need not be asked what they mean.
  const plain = type === "path" ? /^[\w/.][^\0]*$/ : /^(?:true|false)$/;
  if (found[1] !== null && plain.test(found[1])) return found[1];
  return valueOf(tryGit(place, ["config", `--type=${type}`, "--get", name]));
}

/** All settings of this repository alone. */
export const localSettings = (place: GitPlace): GitSetting[] => settingsBy(place, "--local", "-z", "--list");

/** A setting of this repository alone. */
export const localSetting = (place: GitPlace, name: string): string | undefined =>
  lastOf(localSettings(place), name)?.[1] || undefined;

function valueOf({ status, stdout }: GitOutput): string | undefined {
  const value = status === 0 ? stdout.toString().replace(/\n$/, "") : "";
  return value === "" ? undefined : value;
}

/** The addresses of the remotes, or of those with some names, as they are written. */
export const remoteUrls = (place: GitPlace, names?: readonly string[]): string[] =>
  settingsOf(place).flatMap(([name, value]) => {
    const remote = /^remote\.(.*)\.url$/s.exec(name)?.[1];
    return remote !== undefined && value && (names === undefined || names.includes(remote)) ? value : [];
  });

/** The names of the remotes that have an address. */
export const remoteNames = (place: GitPlace): string[] => [
  ...new Set(settingsOf(place).flatMap(([name]) => /^remote\.(.*)\.url$/s.exec(name)?.[1] ?? [])),
];

/** Whether any setting's name begins so. */
export const hasSettings = (place: GitPlace, start: string): boolean =>
  settingsOf(place).some(([name]) => name.startsWith(start));

/** The name of the commit that a revision is; null where it is none that is here. */
export function commitOf(place: GitPlace, revision: string): string | null {
  if (revision.startsWith("-")) return null; // It would be an option.
  const { status, stdout } = tryGit(place, ["rev-parse", "--verify", "--quiet", `${revision}^{commit}`]);
  return status === 0 ? stdout.toString().trim() : null;
}

/**
 * The same of several revisions, which are no options, have no line breaks, and whose characters
 * are bytes, at once: git's names of their commits, in order.
 */
export function commitsOf(place: GitPlace, revisions: readonly string[]): (string | null)[] {
  const asked = revisions.map((revision) => `${revision}^{commit}\n`).join("");
  const answers = tryGit(
    place,
    ["cat-file", "--batch-check", "--buffer"],
    Buffer.from(asked, "latin1"),
  ).stdout.toString("latin1");
  const lines = answers.split("\n");
  return revisions.map((_, at) => /^([0-9a-f]{40,64}) commit \d+$/.exec(lines[at] ?? "")?.[1] ?? null);
}

/** The records of a list that NUL bytes end. Each character is a byte: names have no encoding. */
export const recordsOf = (output: Buffer): string[] =>
  output.length === 0 ? [] : output.toString("latin1", 0, output.length - 1).split("\0");

/**
 * The full name of the reference that a symbolic one leads to, such as HEAD to a branch; null where
 * it leads to none. Its characters are bytes.
 */
export function symbolicOf(place: GitPlace, reference: string): string | null {
  const { status, stdout } = tryGit(place, ["symbolic-ref", "--quiet", reference]);
  return (status === 0 && stdout.toString("latin1").replace(/\n$/, "")) || null;
}

/** A text as a name of git's whose characters are bytes. */
export const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

/** What such a name says, for people to read. */
export const textOf = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

/**
 * Whether names whose characters are bytes can be words of a command line, which has an end, and
 * which Node writes as UTF-8.
 */
export const areWords = (names: readonly string[]): boolean =>
  names.length <= 500 && names.every((name) => /^[ -~]*$/.test(name));

/** A list as git reads it with `-z`, of records whose characters are bytes. */
export const listOf = (records: readonly string[]): Buffer =>
  records.length === 0 ? Buffer.alloc(0) : Buffer.from(`${records.join("\0")}\0`, "latin1");
