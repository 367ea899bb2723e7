import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "@git-vault/core";
import { draftSettings } from "@git-vault/deploy/init";
import { CliError } from "../../errors.ts";
import { guardOutput } from "./ci.ts";
import type { Run } from "../../cli/command.ts";
import { printableText, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

const FILE = "deploy.yaml";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy init"]> = async (options) => {
  guardOutput();
  const { dryRun, revision, json, quiet } = options;
  const draft = await draftSettings(process.cwd(), revision === undefined ? {} : { revision });
  const { settings, text, taken, undecided, topLevel } = draft;
  const output = dryRun || topLevel === null ? null : join(topLevel, FILE);
  if (output !== null) writeNew(output, text);
  if (!quiet) {
    for (const line of taken) say(`vault: took ${line}`);
    for (const line of undecided) say(`vault: to be decided: ${line}`);
    if (output !== null) say(`vault: wrote ${FILE}; look at it, commit it, and run \`vault deploy check\``);
  }
  if (json) writeJson({ output, settings, taken, undecided });
  else if (output === null) writeStdout(printableText(text));
};

/** Never over one that is there. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o644 });
  } catch (error) {
    const isThere = systemCode(error) === "EEXIST";
    const message = isThere ? `${FILE} is there already, and is not changed` : `${FILE} cannot be written`;
    throw new CliError("OUTPUT_UNWRITABLE", message, {
      hint: "see what would be written with `vault deploy init --dry-run`",
      cause: error,
    });
  }
}
