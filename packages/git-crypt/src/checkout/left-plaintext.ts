import { isEncryptedBlob } from "../format/blob.ts";
import { startOfFile } from "../git/file-start.ts";
import { recordsOf, runGit } from "../git/git.ts";
import { withKeyNames, type WorkTreePlace } from "../git/protected-files.ts";

/** What editors and merge programs call the copies of a file that they leave beside it. */
const BACKUPS: readonly RegExp[] = [
  /^(.+)~\d*$/, // most editors; `patch` and GNU tools number them
  /^(.+)\.~\d+~$/,
  /^#(.+)#$/, // Emacs
  /^\.(.+)\.(?:sw[a-p]|un~|kate-swp)$/, // vim, Kate
  /^(.+)\.(?:orig|rej|bak|backup|old|save(?:\.\d+)?|tmp|temp)$/i,
  /^(.+?)[._](?:BACKUP|BASE|LOCAL|REMOTE)[._]\d+(\.[^.]*)?$/, // git mergetool
];

/** The names that a file may be a copy of. */
function originalsOf(name: string): string[] {
  const at = name.lastIndexOf("/") + 1;
  const found = BACKUPS.map((pattern) => pattern.exec(name.slice(at)));
  return found.flatMap((match) => (match === null ? [] : `${name.slice(0, at)}${match[1]}${match[2] ?? ""}`));
}

/** Whether a file has content that is not encrypted. What cannot be opened is no file to name. */
function isClear(topLevel: string, name: string): boolean {
  const found = startOfFile(topLevel, name);
  return found !== null && found.start.length > 0 && !isEncryptedBlob(found.start);
}

/**
 * The files of a work tree that git does not track, ignored ones too, that lie on paths which keys
 * protect or are copies of such files, and that hold plaintext.
 *
 * @returns names, whose characters are bytes
 * @throws GitCryptError GIT_FAILED
 */
export function leftPlaintext(place: WorkTreePlace, keyNames: readonly string[]): string[] {
  const untracked = recordsOf(runGit(place, ["ls-files", "-z", "--others"])).filter((name) => !name.endsWith("/"));
  const asked = untracked.flatMap((file) => [file, ...originalsOf(file)].map((name) => ({ file, name })));
  const found = withKeyNames(place, asked).filter(({ keyName }) => keyNames.includes(keyName));
  return [...new Set(found.map(({ file }) => file))].filter((file) => isClear(place.topLevel, file));
}
