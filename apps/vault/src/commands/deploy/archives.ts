import { printable } from "@git-vault/core";
import type { FetchedArchive } from "@git-vault/deploy";
import { say, writeJson, writeStdout } from "../../io/streams.ts";

/** Reports which archives are in their places. */
export function reportArchives(
  archives: readonly FetchedArchive[],
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): void {
  if (json) return writeJson({ archives });
  for (const { path, sha256, wasThere } of archives)
    writeStdout(`${sha256}  ${printable(path)}${wasThere ? "  (was there)" : ""}\n`);
  if (archives.length === 0 && !quiet) say("vault: no dependency comes as an archive");
}
