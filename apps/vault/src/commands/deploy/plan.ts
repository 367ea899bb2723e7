import { Cluster } from "@git-vault/deploy";
import { makePlan, planMarkdown, planPage, writePlan } from "@git-vault/deploy/releases";
import { PLAN_WORDS, reportPlan } from "./deployment-summary.ts";
import { shownPlan } from "./shown-plan.ts";
import { interruptible, openToRead } from "./project.ts";
import { usageError } from "../../errors.ts";
import { writeOutput } from "../../io/output.ts";
import type { Run } from "../../cli/command.ts";
import { printableText, say, writeJson, writeLong, writeStdout } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy plan"]> = (options, [name]) =>
  interruptible(async (signal) => {
    const { markdown, output, html, key, keyFile, kubeconfig, passphraseFile, json, quiet } = options;
    if (output === "-" && html === "-") throw usageError("-o - and --html - were both given: only one is printed");
    await using project = await openToRead(options, { environments: [name], needsHelm: true, signal });
    await using cluster = await Cluster.connect(project, project.environment(name), { signal });
    const plan = await makePlan(project, cluster, { signal });
    // The one who asks for Markdown puts it where it belongs.
    reportPlan(plan, { summary: !markdown });
    const files = [
      { title: "plan", path: output, text: (): string => writePlan(project, plan) },
      { title: "page of the plan", path: html, text: (): string => printableText(planPage(plan, PLAN_WORDS)) },
    ];
    for (const { title, path, text } of files) {
      if (path === undefined) continue;
      const inUse = [key, ...(keyFile ?? []), kubeconfig, passphraseFile, ...(path === output ? [] : [output])];
      const place = await writeOutput(Buffer.from(text()), { output: path }, { input: null, secret: false, inUse });
      if (place !== null && !quiet) say(`vault: wrote the ${title} to ${place}`);
    }
    if (output === "-" || html === "-") return;
    if (json) writeJson(plan);
    else if (markdown) writeStdout(printableText(planMarkdown(plan, PLAN_WORDS)));
    else writeLong(`${shownPlan(plan, 1).join("\n")}\n`);
  });
