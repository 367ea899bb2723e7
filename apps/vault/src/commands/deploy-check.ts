import { runChecks, type Finding } from "@git-vault/deploy";
import { interruptible, openProject } from "../deploy-project.ts";
import { printable, say, writeJson, writeStdout } from "../streams.ts";
import type { Invocation } from "../table.ts";

export function run({ flags, args }: Invocation): Promise<void> {
  return interruptible(async (signal) => {
    await using project = await openProject(flags);
    const environments = args.length === 0 ? project.environments : args.map((name) => project.environment(name));
    const skipped: string[] = [];
    const findings: Finding[] = [];
    const onSkip = (reason: string): void => {
      skipped.push(reason);
    };
    for await (const finding of runChecks(project, { environments, signal, onSkip })) findings.push(finding);
    if (flags.json) {
      writeJson({ commit: project.commit, environments: environments.map(({ name }) => name), findings, skipped });
    } else {
      writeStdout(findings.map(report).join(""));
      if (!flags.quiet) for (const reason of skipped) say(`vault: skipped: ${printable(reason)}`);
      if (!flags.quiet && findings.length === 0) say(`vault: nothing found in ${project.commit.slice(0, 12)}`);
    }
    if (findings.some(({ severity }) => severity === "error")) process.exitCode = 7;
  });
}

function report({ id, severity, message, file, line, environment, hint }: Finding): string {
  const place = file === undefined ? "" : `${printable(file)}${line === undefined ? "" : `:${line}`}: `;
  const said = place !== "" && message.startsWith(place.slice(0, -2)) ? message : `${place}${message}`;
  const where = environment === undefined ? "" : ` [${environment}]`;
  return `${severity}: ${printable(said)} (${id})${where}\n${hint === undefined ? "" : `  ${printable(hint)}\n`}`;
}
