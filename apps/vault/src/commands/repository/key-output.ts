import type { Input } from "../../io/input.ts";
import { writeOutput } from "../../io/output.ts";
import { reportResult } from "../../io/streams.ts";

/** What `--output`, `--json` and `--quiet` say. */
interface KeyOptions {
  readonly output: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Writes a git-crypt key file to a file or to stdout, and zeroes it. */
export async function writeKey(bytes: Buffer, options: KeyOptions, input: Input | null): Promise<void> {
  try {
    const place = await writeOutput(bytes, options, { input, secret: true });
    const key = options.json && place === null ? bytes.toString("base64") : null;
    const told = place === null ? [] : [`vault: wrote the key, ${bytes.length} bytes, to ${place}`];
    reportResult(options, { bytes: bytes.length, output: place, key }, told);
  } finally {
    bytes.fill(0);
  }
}
