import { usageError } from "../argv.ts";
import { CliError } from "../errors.ts";
import { readStandardInput } from "../input.ts";
import { leadsTo } from "../streams.ts";
import type { Invocation } from "../table.ts";
import { shareWith } from "./share.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  if (flags.user === undefined) throw usageError("expected a GitHub user to seal to: -u USER");
  if (leadsTo(0) !== "data") {
    throw new CliError("INPUT_UNREADABLE", "expected the secret on standard input", {
      hint: "pipe it in: `echo secret | vault -u alice create`",
    });
  }
  const input = readStandardInput();
  const [vault] = args;
  try {
    await shareWith(
      [flags.user],
      { kind: "stdin", name: null, data: input.data, input },
      { ...flags, ...(vault === undefined ? {} : { output: vault }) },
      { format: "ssh-vault" },
    );
  } finally {
    input.data.fill(0);
  }
}
