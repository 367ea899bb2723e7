import { lstatSync } from "node:fs";
import { basename, isAbsolute, join, relative, sep } from "node:path";
import { filesToCommit } from "@git-vault/git-crypt";
import type { Repository } from "@git-vault/git-crypt";

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
  const inTop = pattern.startsWith(`${topLevel}/`) ? pattern.slice(topLevel.length) : pattern;
  const isGiven = inTop.startsWith("/") || !isAnchored(inTop) || /^(?:!|\[attr\]|\.{1,2}\/)/.test(inTop);
  const folder = isGiven ? "" : hereIn(topLevel);
  const whole = folder === "" ? inTop : `${folder.replaceAll(/[*?[\]\\]/g, "\\$&")}/${inTop}`;
  return isFolder(topLevel, inTop) ? `${whole}/` : whole;
}

/** The current folder, from the top one, with `/` between its parts; empty in the top one. */
function hereIn(topLevel: string): string {
  const path = relative(topLevel, process.cwd());
  return path.startsWith("..") || isAbsolute(path) ? "" : path.split(sep).join("/");
}

/** Where a pattern without wildcards leads to, from the current folder. */
const placeOf = (topLevel: string, pattern: string): string =>
  pattern.startsWith("/") ? join(topLevel, pattern) : join(topLevel, hereIn(topLevel), pattern);

function isFolder(topLevel: string, pattern: string): boolean {
  if (pattern.endsWith("/") || pattern.trim() === "" || WILDCARD.test(pattern)) return false;
  return lstatSync(placeOf(topLevel, pattern), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Whether a pattern without wildcards is the name of nothing that is here. */
export function fitsNothing(pattern: string, repository: Repository): boolean {
  const { topLevel } = repository;
  if (topLevel === null || pattern.endsWith("/") || WILDCARD.test(pattern)) return false;
  const inTop = pattern.startsWith(`${topLevel}/`) ? pattern.slice(topLevel.length) : pattern;
  if (lstatSync(placeOf(topLevel, inTop), { throwIfNoEntry: false }) !== undefined) return false;
  return isAnchored(inTop) || !filesToCommit(repository).some((name) => basename(name) === inTop);
}
