import { GitCryptError } from "../errors.ts";
import { PktLineReader, PktLineWriter } from "../format/pkt-line.ts";

/** `clean` converts a content for the index, `smudge` for the work tree. */
export type FilterAction = "clean" | "smudge";

const isAction = (command: string | undefined): command is FilterAction => command === "clean" || command === "smudge";

function greet(reader: PktLineReader, writer: PktLineWriter): boolean {
  const greeting = reader.lines();
  if (greeting === undefined) return false;
  if (greeting[0] !== "git-filter-client" || !greeting.includes("version=2")) {
    throw new GitCryptError("BAD_PROTOCOL", "expected git's filter protocol in version 2", {
      hint: "git runs the filter; it is not for a terminal",
    });
  }
  writer.lines("git-filter-server", "version=2").send();
  const offered = reader.lines();
  if (offered === undefined) return false;
  writer.lines(...["capability=clean", "capability=smudge"].filter((line) => offered.includes(line))).send();
  return true;
}

const valueOf = (lines: readonly string[], key: string): string | undefined =>
  lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);

/** What happens to the content of a file, of which `name`'s characters are bytes. */
export type ApplyFilter = (action: FilterAction, content: Uint8Array, name: string) => Uint8Array;

/**
 * Speaks with git as its long-running filter process ("Long Running Filter Process" in
 * gitattributes, version 2), with clean and smudge, until `input` ends. It reads and writes the two
 * file descriptors synchronously: nothing else runs meanwhile. Contents are wiped.
 *
 * @param onError is told of what `apply` throws, with the file's name; git is told that it failed
 * @throws GitCryptError BAD_PROTOCOL; what the file descriptors throw, a broken pipe among it.
 */
export function answerGit(
  input: number,
  output: number,
  apply: ApplyFilter,
  onError: (error: unknown, name: string) => void,
): void {
  const reader = new PktLineReader(input);
  const writer = new PktLineWriter(output);
  try {
    if (!greet(reader, writer)) return;
    for (let request = reader.lines(); request !== undefined; request = reader.lines()) {
      const content = reader.content();
      const name = valueOf(request, "pathname") ?? "";
      let result: Uint8Array | undefined;
      try {
        const action = valueOf(request, "command");
        if (!isAction(action)) throw new GitCryptError("BAD_PROTOCOL", "expected the command clean or smudge");
        result = apply(action, content, name);
      } catch (error) {
        onError(error, name);
      }
      if (result === undefined) writer.lines("status=error").send();
      else writer.lines("status=success").content(result).lines().send();
      result?.fill(0);
      content.fill(0);
    }
  } finally {
    reader.wipe();
    writer.wipe();
  }
}
