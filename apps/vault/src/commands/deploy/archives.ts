import { printable } from "@git-vault/core";
import { checkLock, type FetchedArchive, lockCharts } from "@git-vault/deploy";
import type { Run } from "../../cli/command.ts";
import { progressLine } from "../../io/progress.ts";
import { say, writeJson, writeStdout } from "../../io/streams.ts";
import { guardOutput } from "./ci.ts";
import { interruptible, openCommitted } from "./project.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const fetchArchives: Run<(typeof DEPLOY_COMMANDS)["deploy fetch"]> = (options) =>
  interruptible(async (signal) => {
    await using project = await openCommitted(options, { signal });
    report(await shown(options, (progress) => project.fetch({ signal, progress })), options);
  });

export const lockArchives: Run<(typeof DEPLOY_COMMANDS)["deploy lock"]> = (options) =>
  interruptible(async (signal) => {
    guardOutput();
    if (options.check) return reportDifference(options);
    report(await shown(options, (progress) => lockCharts(process.cwd(), { signal, progress })), options);
  });

/** Does what fetches archives, and shows how far it is. */
async function shown(
  options: { readonly json: boolean; readonly quiet: boolean },
  action: (progress: (done: number, total: number) => void) => Promise<FetchedArchive[]>,
): Promise<FetchedArchive[]> {
  const progress = progressLine({ done: "fetched", unit: "archives" }, options);
  try {
    return await action(progress.step);
  } finally {
    progress.end();
  }
}

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

/** Reports where deploy.lock is not what `lock` would write. */
async function reportDifference({ json, quiet }: { readonly json: boolean; readonly quiet: boolean }): Promise<void> {
  const { missing, unneeded } = await checkLock(process.cwd());
  const isSame = missing.length === 0 && unneeded.length === 0;
  if (!isSame) process.exitCode = 7;
  if (json) return writeJson({ missing, unneeded });
  for (const [what, archives] of [["not locked", missing] as const, ["not needed", unneeded] as const]) {
    for (const { name, version, repository } of archives)
      writeStdout(`${what}: ${printable(name)} ${printable(version)} from ${printable(repository)}\n`);
  }
  if (isSame && !quiet) say("vault: deploy.lock has what deploy.yaml and the charts name");
  if (!isSame) say("vault: hint: run `vault deploy lock`, look at what changed, and commit deploy.lock");
}
