import { lstatSync, type Stats } from "node:fs";
import { basename, isAbsolute, join, relative, sep } from "node:path";
import { filesToCommit, type Repository } from "@git-vault/git-crypt";

const WILDCARD = /[*?[\]\\]/;

/** Whether a pattern counts from the folder that it is written in, as git reads it. */
const isAnchored = (pattern: string): boolean => pattern.slice(0, -1).includes("/");

/**
 * A pattern that was given in the current folder, as one for the `.gitattributes` of the top
 * folder: a path of this machine, or one that counts from here, as in a `.gitignore`. One that
 * names a folder takes in all that is in it.
 */
export function asMeant(pattern: string, { topLevel }: Repository): string {
  if (topLevel === null) return pattern;
  const inTop = fromTop(pattern, topLevel);
  const isGiven = inTop.startsWith("/") || !isAnchored(inTop) || /^(?:!|\[attr\]|\.{1,2}\/)/.test(inTop);
  const folder = isGiven ? "" : hereIn(topLevel);
  const whole = folder === "" ? inTop : `${folder.replaceAll(new RegExp(WILDCARD, "g"), "\\$&")}/${inTop}`;
  return isFolder(inTop, topLevel) ? `${whole}/` : whole;
}

/** What is written as a path of this machine, as a pattern from the repository's top folder. */
const fromTop = (pattern: string, topLevel: string): string =>
  pattern.startsWith(`${topLevel}/`) ? pattern.slice(topLevel.length) : pattern;

/** The current folder, from the top one, with `/` between its parts; empty in the top one. */
function hereIn(topLevel: string): string {
  const path = relative(topLevel, process.cwd());
  return path.startsWith("..") || isAbsolute(path) ? "" : path.split(sep).join("/");
}

/** What is where a pattern without wildcards leads to, from the current folder. */
const foundBy = (pattern: string, topLevel: string): Stats | undefined =>
  lstatSync(join(topLevel, pattern.startsWith("/") ? "" : hereIn(topLevel), pattern), { throwIfNoEntry: false });

function isFolder(pattern: string, topLevel: string): boolean {
  if (pattern.endsWith("/") || pattern.trim() === "" || WILDCARD.test(pattern)) return false;
  return foundBy(pattern, topLevel)?.isDirectory() === true;
}

/** Whether a pattern without wildcards is the name of nothing that is here. */
export function fitsNothing(pattern: string, repository: Repository): boolean {
  const { topLevel } = repository;
  if (topLevel === null || pattern.endsWith("/") || WILDCARD.test(pattern)) return false;
  const inTop = fromTop(pattern, topLevel);
  if (foundBy(inTop, topLevel) !== undefined) return false;
  return isAnchored(inTop) || !filesToCommit(repository).some((name) => basename(name) === inTop);
}
