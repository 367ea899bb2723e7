import { interruptible, openProject } from "../deploy-project.ts";
import { tellArchives } from "../fetched-archives.ts";
import type { Invocation } from "../table.ts";

export function run({ flags }: Invocation): Promise<void> {
  return interruptible(async (signal) => {
    await using project = await openProject(flags);
    tellArchives(await project.lock({ signal }), flags);
  });
}
