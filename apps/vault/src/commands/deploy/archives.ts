import type { FetchedArchive } from "@git-vault/deploy";
import { printable, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/** Tells which archives are in their places. */
export function tellArchives(archives: readonly FetchedArchive[], flags: FlagValues): void {
  if (flags.json) return writeJson({ archives });
  for (const { path, sha256, wasThere } of archives)
    writeStdout(`${sha256}  ${printable(path)}${wasThere ? "  (was there)" : ""}\n`);
  if (archives.length === 0 && !flags.quiet) say("vault: no dependency comes as an archive");
}
