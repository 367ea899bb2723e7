import { printable } from "@git-vault/core";
import type { FetchedArchive } from "@git-vault/deploy";
import type { Run } from "../../cli/command.ts";
import { say, writeJson, writeStdout } from "../../io/streams.ts";
import { interruptible, openProject } from "./project.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const fetchArchives: Run<(typeof DEPLOY_COMMANDS)["deploy fetch"]> = (options) =>
  interruptible(async (signal) => {
    await using project = await openProject(options);
    report(await project.fetch({ signal }), options);
  });

export const lockArchives: Run<(typeof DEPLOY_COMMANDS)["deploy lock"]> = (options) =>
  interruptible(async (signal) => {
    await using project = await openProject(options);
    report(await project.lock({ signal }), options);
  });

/** Reports which archives are in their places. */
function report(
  archives: readonly FetchedArchive[],
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): void {
  if (json) return writeJson({ archives });
  for (const { path, sha256, wasThere } of archives)
    writeStdout(`${sha256}  ${printable(path)}${wasThere ? "  (was there)" : ""}\n`);
  if (archives.length === 0 && !quiet) say("vault: no dependency comes as an archive");
}
