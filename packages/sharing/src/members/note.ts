import { commitFiles } from "@git-vault/git-crypt";
import { openMembers, type Members } from "./membership.ts";
import { LogWriter, type Author } from "./writer.ts";

/**
 * Writes something for people to read into the log, and commits it: to whom a key was sent.
 *
 * @param text 1 to 1000 bytes without control characters
 * @returns the commit's name
 * @throws SharingError `NOT_ADMIN`; what `commitFiles` and signing do
 */
export async function note(members: Members, author: Author, text: string): Promise<string | null> {
  const writer = new LogWriter(members, author);
  await writer.write({ kind: "note", text });
  const commit = commitFiles(members.repository, writer.files, { message: "Note in the members log who has a key" });
  await openMembers(members.repository);
  return commit;
}
