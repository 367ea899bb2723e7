import { join } from "node:path";
import { VAULT_FOLDER, type Repository } from "@git-vault/git-crypt";
import { readText } from "./trust/locked-file.ts";

/*
 * Where the log lies. The filter asks this, which loads nothing of the code that reads a log.
 */

/** The folder of the members log, from the top folder. */
export const LOG_FOLDER: string = `${VAULT_FOLDER}/members`;

/** The path of an entry's file, from the top folder. */
export const entryPath = (id: string): string => `${LOG_FOLDER}/${id}`;

/** The commits below which a shallow clone has none, one a line; empty for a whole one. */
export const shallowText = ({ commonDir }: Pick<Repository, "commonDir">): string =>
  readText(join(commonDir, "shallow"));

/** The file of which signatures a clone verified. */
export const heldPath = ({ commonDir }: Pick<Repository, "commonDir">): string =>
  join(commonDir, "git-vault", "members-verified");

/**
 * The file of what a reference was before, whose name's characters are bytes: such a path need be
 * no text.
 */
export const reflogPath = ({ commonDir }: Pick<Repository, "commonDir">, reference: string): Buffer =>
  Buffer.concat([Buffer.from(join(commonDir, "logs/")), Buffer.from(reference, "latin1")]);

/** The file of what a clone remembers of the log. */
export const memoryPath = ({ commonDir }: Pick<Repository, "commonDir">): string =>
  join(commonDir, "git-vault", "members-seen");
