import { Cluster } from "@git-vault/deploy";
import { makePlan, planMarkdown, planText, writePlan } from "@git-vault/deploy/releases";
import { PLAN_WORDS, reportPlan } from "./deployment-summary.ts";
import { interruptible, openToRead } from "./project.ts";
import { writeOutput } from "../../io/output.ts";
import type { Run } from "../../cli/command.ts";
import { printableText, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy plan"]> = (options, [name]) =>
  interruptible(async (signal) => {
    const { markdown, output, key, keyFile, passphraseFile, json, quiet } = options;
    await using project = await openToRead(options);
    await using cluster = await Cluster.connect(project, project.environment(name), { signal });
    const plan = await makePlan(project, cluster, { signal });
    // Whoever asks for Markdown puts it where it belongs.
    reportPlan(plan, { summary: !markdown });
    if (output !== undefined) {
      const file = Buffer.from(writePlan(project, plan));
      const inUse = [key, keyFile, passphraseFile];
      const place = await writeOutput(file, { output }, { input: null, secret: false, inUse });
      if (place !== null && !quiet) say(`vault: wrote the plan to ${place}`);
      if (place === null) return;
    }
    if (json) writeJson(plan);
    else writeStdout(printableText(markdown ? planMarkdown(plan, PLAN_WORDS) : planText(plan, PLAN_WORDS)));
  });
