import { GitCryptError } from "./errors.ts";
import { printable } from "./file-name.ts";
import { IndexBlobs } from "./index-blobs.ts";
import { type KeyRing, readKeyRing } from "./key-ring.ts";
import { DEFAULT_KEY_NAME } from "./key-name.ts";
import { PacketReader, PacketWriter } from "./packets.ts";
import type { Repository } from "./repository.ts";

/** How a filter is run. */
export interface FilterOptions {
  /** The key that it works with: `default` where left out. */
  readonly keyName?: string;
  /** Takes what is wrong with a file, by its printable name; git then stops, since the filter is required. */
  readonly onError?: (error: unknown, path: string) => void;
}

/** What the filter does with a content: `clean` on its way to the index, `smudge` on its way to the work tree. */
export type FilterAction = "clean" | "smudge";

const isAction = (command: string | undefined): command is FilterAction => command === "clean" || command === "smudge";

const apply = (
  action: FilterAction,
  keys: KeyRing,
  blobs: IndexBlobs,
  content: Uint8Array,
  name?: string,
): Uint8Array => (action === "smudge" ? keys.smudge(content) : keys.clean(content, (blob) => blobs.holds(blob, name)));

/**
 * Cleans or smudges one content, as {@link runFilter} does with many; git does not tell whose it is. The result is the content
 * itself where it is not changed.
 *
 * @throws GitCryptError as readKey does; MALFORMED_BLOB, TAMPERED_BLOB, RETIRED_KEY; RangeError for 4 GiB and more.
 */
export function filterContent(
  repository: Repository,
  action: FilterAction,
  content: Uint8Array,
  keyName: string = DEFAULT_KEY_NAME,
): Uint8Array {
  const keys = readKeyRing(repository, keyName);
  try {
    return apply(action, keys, new IndexBlobs(repository), content);
  } finally {
    keys.wipe();
  }
}

function greet(reader: PacketReader, writer: PacketWriter): boolean {
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

/**
 * Serves as git's long-running filter process ("Long Running Filter Process" in gitattributes, version 2), with clean and
 * smudge, until `input` ends. It reads and writes the two file descriptors synchronously: nothing else runs meanwhile.
 *
 * Each file is read whole before it is answered. A file that fails is answered with an error, and `onError` is told why: where
 * the key is missing, clean fails for every file, so that git stores none in clear.
 *
 * @throws GitCryptError BAD_PROTOCOL; what the file descriptors throw, a broken pipe among it.
 */
export function runFilter(repository: Repository, input: number, output: number, options: FilterOptions = {}): void {
  const { keyName = DEFAULT_KEY_NAME, onError } = options;
  const reader = new PacketReader(input);
  const writer = new PacketWriter(output);
  let keys: KeyRing | undefined;
  const blobs = new IndexBlobs(repository);
  try {
    if (!greet(reader, writer)) return;
    for (let request = reader.lines(); request !== undefined; request = reader.lines()) {
      const content = reader.content();
      let result: Uint8Array | undefined;
      try {
        const action = valueOf(request, "command");
        if (!isAction(action)) throw new GitCryptError("BAD_PROTOCOL", "expected the command clean or smudge");
        keys ??= readKeyRing(repository, keyName);
        result = apply(action, keys, blobs, content, valueOf(request, "pathname"));
      } catch (error) {
        onError?.(error, printable(valueOf(request, "pathname") ?? ""));
      }
      if (result === undefined) writer.lines("status=error").send();
      else writer.lines("status=success").content(result).lines().send();
      result?.fill(0);
      content.fill(0);
    }
  } finally {
    reader.wipe();
    writer.wipe();
    keys?.wipe();
  }
}
