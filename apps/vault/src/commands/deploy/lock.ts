import { interruptible, openProject } from "./project.ts";
import { reportArchives } from "./archives.ts";
import type { Run } from "../../cli/command.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy lock"]> = (options) =>
  interruptible(async (signal) => {
    await using project = await openProject(options);
    reportArchives(await project.lock({ signal }), options);
  });
