import { interruptible, openProject } from "./project.ts";
import { tellArchives } from "./archives.ts";
import type { Invocation } from "../../cli/command-table.ts";

export function run({ flags }: Invocation): Promise<void> {
  return interruptible(async (signal) => {
    await using project = await openProject(flags);
    tellArchives(await project.lock({ signal }), flags);
  });
}
