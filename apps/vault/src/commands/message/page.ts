import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { writeOutput } from "../../io/output.ts";
import { say, writeStdout } from "../../io/streams.ts";
import type { MESSAGE_COMMANDS } from "./specs.ts";

/** The build puts it beside the program. */
const PAGE = new URL("./seal.html", import.meta.url);

export const run: Run<typeof MESSAGE_COMMANDS.page> = async ({ output, digest }) => {
  if (output !== undefined && digest) throw usageError("expected --output or --digest, got both");
  if (output === undefined && !digest) return writeStdout(`${PAGE.href}\n`);
  const page = readFileSync(PAGE);
  if (digest) return writeStdout(`${createHash("sha256").update(page).digest("hex")}  seal.html\n`);
  const file = await writeOutput(page, { output }, { input: null, secret: false, mode: 0o644 });
  if (file !== null) say(`the page is in ${file}`);
};
