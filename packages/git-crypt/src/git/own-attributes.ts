import { rmSync } from "node:fs";
import { join } from "node:path";
import { type CommonPlace, listOf, tryGit } from "./git.ts";
import { blobsInIndex } from "./index-file.ts";
import { changeInfoAttributes, readInfoAttributes } from "./info-attributes.ts";
import { isBlob } from "./objects.ts";
import { AS_THEY_ARE, OWN_ATTRIBUTES, ownFolders, VAULT_FOLDER } from "./own-folders.ts";

/**
 * Makes git of this clone keep the files of the own folders as they are, whatever attributes anyone
 * commits: by lines in `info/attributes`, which outweigh all `.gitattributes`. What git may have
 * changed before is written again, as the index has it: nobody edits these files. Where the folder
 * cannot be written, all stays as it is.
 */
export function shieldOwnFolders(place: CommonPlace): void {
  const folders = ownFolders(place).filter((folder) => /^[\w./-]+$/.test(folder));
  const lines = folders.map((folder) => `/${folder}/** ${AS_THEY_ARE}\n`);
  // The last line that fits decides.
  if (readInfoAttributes(place).endsWith(lines.join(""))) return;
  const entries = blobsInIndex(place, VAULT_FOLDER);
  const isSpoilt = foreignAmong(entries).length > 0 || (entries.size > 0 && !entries.has(OWN_ATTRIBUTES[0]));
  const isShielded = changeInfoAttributes(place, (text) => {
    const kept = text.split(/(?<=\n)/).filter((line) => !lines.includes(line));
    const separator = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${kept.join("")}${separator}${lines.join("")}`;
  });
  if (!isShielded) return;
  if (!isSpoilt || place.topLevel === null) return;
  const written = [...entries.keys()];
  // git writes no file again whose time and size it knows.
  for (const name of written) rmSync(join(place.topLevel, Buffer.from(name, "latin1").toString()), { force: true });
  tryGit(place, ["checkout-index", "-f", "-u", "-q", "-z", "--stdin"], listOf(written));
}

/**
 * The files in the own folder of the index that say how git treats files there, and are not what
 * this program commits: they change files in clones that `shieldOwnFolders` has not seen.
 */
export const foreignAttributes = (place: CommonPlace): string[] => foreignAmong(blobsInIndex(place, VAULT_FOLDER));

function foreignAmong(entries: ReadonlyMap<string, string>): string[] {
  const [ownPath, own] = OWN_ATTRIBUTES;
  return [...entries].flatMap(([path, oid]) =>
    path.endsWith("/.gitattributes") && (path !== ownPath || !isBlob(oid, own)) ? [path] : [],
  );
}
