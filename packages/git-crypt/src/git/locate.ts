import { accessSync, constants, lstatSync, readFileSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { CommonPlace } from "./git.ts";

/*
 * Where a repository lies is what git's filter needs first, and starting git takes longer than all
 * that follows. Its files say it (gitrepository-layout), in all but rare cases: what is read here
 * is only what is plain, and for anything else git is asked.
 */

/** Where a repository lies. */
export type Location = Pick<CommonPlace, "topLevel" | "gitDir" | "commonDir">;

/** What changes how git looks for a repository, and is rare. */
const RARE = [
  "GIT_CEILING_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_DISCOVERY_ACROSS_FILESYSTEM",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_TEST_ASSUME_DIFFERENT_OWNER",
];

/** Extensions that do not change where a repository's parts are, by the version of its format. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  "0": ["noop", "partialclone", "preciousobjects", "worktreeconfig"],
  "1": ["noop", "partialclone", "preciousobjects", "worktreeconfig", "objectformat"],
};

/** A value that is what it looks like: no quotes, escapes and comments. */
const PLAIN = /^[^"\\#;]+$/;

/**
 * Where git finds the repository that `cwd` stands in; null where only git can tell, be it that
 * there is none.
 *
 * @param cwd without symbolic links
 */
export function locateRepository(cwd: string, env: NodeJS.ProcessEnv): Location | null {
  const uid = process.geteuid?.();
  if (uid === undefined || RARE.some((name) => env[name] !== undefined)) return null;
  if (/worktree|bare/i.test(env["GIT_CONFIG_PARAMETERS"] ?? "")) return null;
  try {
    const { GIT_DIR: named, GIT_WORK_TREE: workTree } = env;
    const found = named === undefined ? discover(cwd, uid, workTree) : explicit(cwd, named, workTree);
    return found === null || Object.values(found).some((path) => path?.includes("\n")) ? null : found;
  } catch {
    return null; // git says what is wrong.
  }
}

/** By GIT_DIR: git does not look further, and where no work tree is named it is `cwd`. */
function explicit(cwd: string, named: string, workTree: string | undefined): Location | null {
  const gitDir = resolve(cwd, named);
  if (named === "" || workTree === "" || realpathSync(gitDir) !== gitDir) return null;
  const layout = readLayout(gitDir);
  if (layout === null) return null;
  const configured = layout.workTree === null ? cwd : folderAt(gitDir, layout.workTree);
  const topLevel = workTree === undefined ? configured : folderAt(cwd, workTree);
  return topLevel === null ? null : { topLevel, gitDir, commonDir: layout.commonDir };
}

/** By the first `.git` above; git takes only what belongs to the user, or is said to be safe. */
function discover(cwd: string, uid: number, workTree: string | undefined): Location | null {
  if (workTree !== undefined) return null;
  const topLevel = topOf(cwd);
  if (topLevel === null) return null;
  const path = join(topLevel, ".git");
  const entry = lstatSync(path);
  const gitDir = entry.isFile() ? linkedFolder(topLevel, readFileSync(path, "utf8")) : path;
  if (gitDir === null || !(entry.isFile() || entry.isDirectory())) return null;
  if ([entry, lstatSync(topLevel), lstatSync(gitDir)].some((stat: Stats) => stat.uid !== uid)) return null;
  const layout = readLayout(gitDir);
  if (layout === null) return null;
  const { commonDir } = layout;
  if (layout.workTree === null) return { topLevel, gitDir, commonDir };
  const elsewhere = entry.isFile() ? folderAt(gitDir, layout.workTree) : null;
  return elsewhere === null ? null : { topLevel: elsewhere, gitDir, commonDir };
}

/** The nearest folder with a `.git`, where nothing on the way to it may be a repository itself. */
function topOf(cwd: string): string | null {
  const { dev } = statSync(cwd);
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (statSync(folder).dev !== dev) return null;
    if (lstatSync(join(folder, ".git"), { throwIfNoEntry: false }) !== undefined) return folder;
    const isPerhapsBare = lstatSync(join(folder, "HEAD"), { throwIfNoEntry: false }) !== undefined;
    if (isPerhapsBare || folder === dirname(folder)) return null;
  }
}

/** The folder that a `.git` file names. */
function linkedFolder(topLevel: string, text: string): string | null {
  const [, path] = /^gitdir: ([^\r\n]+)[\r\n]*$/.exec(text) ?? [];
  return path === undefined ? null : realpathSync(resolve(topLevel, path));
}

function folderAt(base: string, path: string): string | null {
  const folder = realpathSync(resolve(base, path));
  return statSync(folder).isDirectory() ? folder : null;
}

interface Layout {
  readonly commonDir: string;
  /** The work tree that is configured, from the repository's folder; null where it is none. */
  readonly workTree: string | null;
}

/** What a repository's folder says; null where it is none, or bare, or out of the ordinary. */
function readLayout(gitDir: string): Layout | null {
  const head = join(gitDir, "HEAD");
  if (!lstatSync(head).isFile() || !/^(?:ref:\s*refs\/|[0-9a-f]{40})/.test(readFileSync(head, "latin1"))) return null;
  const linked = readIfAny(join(gitDir, "commondir"));
  const commonDir = linked === null ? gitDir : realpathSync(resolve(gitDir, linked.replace(/[\r\n]+$/, "")));
  for (const part of ["objects", "refs"]) accessSync(join(commonDir, part), constants.X_OK);
  const common = plainSettings(readFileSync(join(commonDir, "config"), "utf8"));
  if (common === null) return null;
  const ofWorkTree = common.get("extensions.worktreeconfig");
  if (ofWorkTree !== undefined && ofWorkTree !== "true") return null;
  // Of a linked work tree, the configuration that all share says neither.
  const own =
    ofWorkTree === undefined
      ? new Map<string, string>()
      : plainSettings(readIfAny(join(gitDir, "config.worktree")) ?? "");
  if (own === null) return null;
  const shared = linked === null || ofWorkTree !== undefined ? common : new Map<string, string>();
  const of = (name: string): string | undefined => own.get(name) ?? shared.get(name);
  const workTree = of("core.worktree") ?? null;
  if ((of("core.bare") ?? "false") !== "false" || (workTree !== null && !PLAIN.test(workTree))) return null;
  return { commonDir, workTree };
}

function readIfAny(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : readFileSync(path, "utf8");
}

/**
 * The settings of a configuration file that is written plainly and says nothing that only a newer
 * git understands; else null.
 */
export function plainSettings(text: string): Map<string, string> | null {
  const settings = new Map<string, string>();
  let section = "";
  for (const line of text.split("\n")) {
    const words = line.trim();
    const [, name, subsection] = /^\[([\w.-]+)(\s+"[^"\\]*")?\]$/.exec(words) ?? [];
    const [, key = "", value = "true"] = /^([a-z][\w-]*)\s*(?:=\s*(.*))?$/i.exec(words) ?? [];
    if (name !== undefined) section = `${name.toLowerCase()}${subsection ?? ""}`;
    else if (key !== "" && !line.endsWith("\\")) settings.set(`${section}.${key.toLowerCase()}`, value);
    else if (!/^(?:[#;].*)?$/.test(words)) return null;
  }
  const harmless = HARMLESS[settings.get("core.repositoryformatversion") ?? "0"];
  const extensions = [...settings.keys()].filter((name) => name.startsWith("extensions."));
  if (harmless === undefined) return null;
  return extensions.every((name) => harmless.includes(name.slice("extensions.".length))) ? settings : null;
}
