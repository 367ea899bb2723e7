import { Cluster, rollBack } from "@git-vault/deploy";
import { followEvents, timeoutOf } from "../deploy-events.ts";
import { interruptible, openProject } from "../deploy-project.ts";
import { usageError } from "../errors.ts";
import type { Invocation } from "../table.ts";

export function run({ flags, args: [name, revision] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as staging");
  if (revision !== undefined && !/^[1-9]\d{0,8}$/.test(revision))
    throw usageError("expected the number of a revision, such as 12");
  const options = {
    ...timeoutOf(flags),
    repair: flags.repair === true,
    ...(flags.release === undefined ? {} : { release: flags.release }),
  };
  return interruptible(async (signal, cleanUp) => {
    await using project = await openProject(flags);
    await using cluster = await Cluster.connectToChange(project, project.environment(name), { signal });
    const to = revision === undefined ? undefined : Number(revision);
    await followEvents(rollBack(project, cluster, to, { ...options, signal }), flags, cleanUp);
  });
}
