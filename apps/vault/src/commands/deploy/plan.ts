import { Cluster, makePlan, planMarkdown, planText, writePlan } from "@git-vault/deploy";
import { tellPlan } from "./deployment-summary.ts";
import { interruptible, openCommitted } from "./project.ts";
import { usageError } from "../../cli/errors.ts";
import { writeOutput } from "../../io/output.ts";
import { printableText, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

export function run({ flags, args: [name] }: Invocation): Promise<void> {
  if (name === undefined) throw usageError("expected an environment, such as staging");
  return interruptible(async (signal) => {
    await using project = await openCommitted(flags);
    await using cluster = await Cluster.connect(project, project.environment(name), { signal });
    const plan = await makePlan(project, cluster, { signal });
    // Whoever asks for Markdown puts it where it belongs.
    tellPlan(plan, { summary: flags.markdown !== true });
    if (flags.output !== undefined) {
      const file = Buffer.from(writePlan(project, plan));
      const place = await writeOutput(file, flags, { input: null, secret: false });
      if (place !== null && !flags.quiet) say(`vault: wrote the plan to ${place}`);
      if (place === null) return;
    }
    if (flags.json) writeJson(plan);
    else writeStdout(printableText(flags.markdown ? planMarkdown(plan) : planText(plan)));
  });
}
