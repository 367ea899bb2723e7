import { type GitPlace, gitSetting } from "./git.ts";

/** The folder of what this program commits, from the top folder. */
export const VAULT_FOLDER = ".git-vault";

/** Where git-crypt keeps its grants, unless told otherwise. */
export const GRANT_FOLDER = ".git-crypt";

/** The folder of git-crypt's own grants, from the top folder. */
export const grantFolderOf = (place: GitPlace): string => gitSetting(place, "git-crypt.repoStateDir") ?? GRANT_FOLDER;

/** The folders whose files are committed as they are, from the top folder. */
export const ownFolders = (place: GitPlace): string[] => [VAULT_FOLDER, grantFolderOf(place)];

/** Whether a path lies in one of some folders. */
export const isWithin = (folders: readonly string[], path: string): boolean =>
  folders.some((folder) => path.startsWith(`${folder}/`));

/** All by which git would change a file on its way, or treat it as something else. */
export const AS_THEY_ARE = "-text !eol !filter !diff !merge -ident !working-tree-encoding";

/**
 * The `.gitattributes` of the own folder. Whatever the attributes above say: what lies there is
 * encrypted already, and may not change by a byte. They outweigh those that a user has for all
 * repositories, by `core.attributesFile`.
 */
export const OWN_ATTRIBUTES: readonly [path: string, content: Buffer] = [
  `${VAULT_FOLDER}/.gitattributes`,
  Buffer.from(`* ${AS_THEY_ARE}\n`),
];

/** What git itself reads, in any folder, and so before anybody has a key. */
export const GIT_FILES: readonly string[] = [".gitattributes", ".gitignore", ".gitmodules"];

/** Gives whether a path is read without a key, so that it is never to be encrypted. */
export function findsReadable(place: GitPlace): (path: string) => boolean {
  const folders = ownFolders(place).map((folder) => `${folder}/`);
  return (path) =>
    folders.some((folder) => path.startsWith(folder)) || GIT_FILES.includes(path.slice(path.lastIndexOf("/") + 1));
}
