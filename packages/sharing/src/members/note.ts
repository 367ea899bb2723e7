import { commitFiles } from "@git-vault/git-crypt";
import { openMembers, type Members } from "./membership.ts";
import { LogWriter, type Author } from "./writer.ts";

/** So many bytes of names one note has; it may have 1000 bytes in all. */
const MOST_BYTES = 750;

/**
 * Writes into the log for people to read that a key was sent to somebody, and commits it. Many
 * names take several entries.
 *
 * @param keyName the key's
 * @param names the names of the people who were sent it, at least one
 * @returns the commit's name
 * @throws SharingError `NOT_ADMIN`; what `commitFiles` and signing do
 */
export async function note(
  members: Members,
  author: Author,
  keyName: string,
  names: readonly string[],
): Promise<string | null> {
  const writer = new LogWriter(members, author);
  for (const group of groupsOf(names))
    await writer.write({ kind: "note", text: `the key ${keyName} was sent to ${group.join(", ")}` });
  const commit = commitFiles(members.repository, writer.files, { message: "Note in the members log who has a key" });
  await openMembers(members.repository);
  return commit;
}

function groupsOf(names: readonly string[]): string[][] {
  const groups: string[][] = [];
  let left = 0;
  for (const name of names) {
    const bytes = Buffer.byteLength(name) + 2;
    const group = groups.at(-1);
    if (group !== undefined && bytes <= left) group.push(name);
    else {
      groups.push([name]);
      left = MOST_BYTES;
    }
    left -= bytes;
  }
  return groups;
}
