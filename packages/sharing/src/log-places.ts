import { join } from "node:path";
import { VAULT_FOLDER, type Repository } from "@git-vault/git-crypt";

/*
 * Where the log lies. The filter asks this, which loads nothing of the code that reads a log.
 */

/** The folder of the members log, from the top folder. */
export const LOG_FOLDER: string = `${VAULT_FOLDER}/members`;

/** The path of an entry's file, from the top folder. */
export const entryPath = (id: string): string => `${LOG_FOLDER}/${id}`;

/** The file of what a clone remembers of the log. */
export const memoryPath = ({ commonDir }: Pick<Repository, "commonDir">): string =>
  join(commonDir, "git-vault", "members-seen");
