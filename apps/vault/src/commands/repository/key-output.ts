import type { Input } from "../../io/input.ts";
import { writeOutput } from "../../io/output.ts";
import { say, writeJson } from "../../io/streams.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/** Writes a git-crypt key file where the flags say, and zeroes it. */
export async function writeKey(bytes: Buffer, flags: FlagValues, input: Input | null): Promise<void> {
  try {
    const inside = flags.json === true && (flags.output === undefined || flags.output === "-");
    const place = inside ? null : await writeOutput(bytes, flags, { input, secret: true });
    if (flags.json) writeJson({ bytes: bytes.length, output: place, key: inside ? bytes.toString("base64") : null });
    else if (place !== null && !flags.quiet) say(`vault: wrote the key, ${bytes.length} bytes, to ${place}`);
  } finally {
    bytes.fill(0);
  }
}
